// SPDX-License-Identifier: MIT
// Writer: walks a message's fields() and writes its JSON. Private to this folder's .cpp files. Plain values, any
// thread.
#pragma once

#include "admin/messages.h"
#include "json/tree.h"

namespace cr::admin {

using json::JsonWriter;

inline void write_value(JsonWriter& out, const std::string& value) {
  out.text(value);
}
inline void write_value(JsonWriter& out, bool value) {
  out.boolean(value);
}
inline void write_value(JsonWriter& out, std::int64_t value) {
  out.integer(value);
}
inline void write_value(JsonWriter& out, int value) {
  out.integer(value);
}
void write_value(JsonWriter& out, Credits value);
void write_value(JsonWriter& out, const JsonText& value);
void write_value(JsonWriter& out, Time value);
void write_value(JsonWriter& out, const ListEdit& value);
void write_value(JsonWriter& out, const QuotaEdit& value);
template <class T>
void write_value(JsonWriter& out, const std::optional<T>& value);
template <class T>
void write_value(JsonWriter& out, const std::vector<T>& value);
template <class T>
void write_value(JsonWriter& out, const std::map<std::string, T>& value);
template <class M>
void write_value(JsonWriter& out, const M& message);

class Writer {
 public:
  explicit Writer(JsonWriter& out) : out_(out) {}
  template <class T>
  void operator()(std::string_view name, const T& value) {
    out_.plain_name(name);
    write_value(out_, value);
  }
  template <class T>
  void required(std::string_view name, const T& value) {
    (*this)(name, value);
  }
  void quota(std::string_view name, const Quota& value) { (*this)(name, value); }
  template <class T>
  void edit(std::string_view name, const std::optional<T>& value) {
    if (value) (*this)(name, *value);
  }

 private:
  JsonWriter& out_;
};

template <class T>
void write_value(JsonWriter& out, const std::optional<T>& value) {
  if (value) return write_value(out, *value);
  out.null();
}
template <class T>
void write_value(JsonWriter& out, const std::vector<T>& value) {
  out.begin_list();
  for (const auto& item : value) write_value(out, item);
  out.end_list();
}
template <class T>
void write_value(JsonWriter& out, const std::map<std::string, T>& value) {
  out.begin_object();
  for (const auto& [name, item] : value) {
    out.name(name);
    write_value(out, item);
  }
  out.end_object();
}
template <class M>
void write_value(JsonWriter& out, const M& message) {
  out.begin_object();
  Writer writer(out);
  fields(writer, message);
  out.end_object();
}

}  // namespace cr::admin
