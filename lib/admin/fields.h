// SPDX-License-Identifier: MIT
// How a message becomes JSON and back: each message has one fields() that names its members; Writer and Reader walk it.
// Private to this folder's .cpp files. Plain values, any thread.
#pragma once

#include <concepts>

#include "admin/json_tree.h"
#include "admin/messages.h"

namespace cr::admin {

// fields(visitor, message) serves a const message (writing) and a mutable one (reading).
template <class M, class T>
concept message_of = std::same_as<std::remove_const_t<M>, T>;

inline constexpr std::size_t k_request_bytes_max = std::size_t{8} << 20;
inline constexpr std::size_t k_answer_bytes_max = std::size_t{64} << 20;

// Requests are read strictly; answers leniently, so that a newer daemon's members do no harm.
enum class Reading { request, answer };
template <class T>
inline constexpr Reading k_reading = Reading::answer;

// --- writing
// ----------------------------------------------------------------------------------------------------------
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
    out_.name(name);
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

// --- reading
// ---------------------------------------------------------------------------------------------------------- Where the
// reader is ("prices[3].input") and the first thing that was wrong.
struct ReadState {
  Reading reading = Reading::answer;
  std::string path;
  std::optional<base::Error> error;

  void fail(std::string message, std::string hint = {});
  void expected(std::string_view what);  // "quota: expected a decimal string or null"
};

// Each fails by setting state.error.
void read_value(ReadState& state, const Json& json, std::string& value);
void read_value(ReadState& state, const Json& json, bool& value);
void read_value(ReadState& state, const Json& json, std::int64_t& value);
void read_value(ReadState& state, const Json& json, int& value);
void read_value(ReadState& state, const Json& json, Credits& value);
void read_value(ReadState& state, const Json& json, Time& value);
void read_value(ReadState& state, const Json& json, ListEdit& value);
void read_value(ReadState& state, const Json& json, QuotaEdit& value);
void read_quota(ReadState& state, const Json& json, Quota& value);
template <class T>
void read_value(ReadState& state, const Json& json, std::optional<T>& value);
template <class T>
void read_value(ReadState& state, const Json& json, std::vector<T>& value);
template <class T>
void read_value(ReadState& state, const Json& json, std::map<std::string, T>& value);
template <class M>
void read_value(ReadState& state, const Json& json, M& message);

// Goes one step down for as long as it lives.
class PathStep {
 public:
  PathStep(ReadState& state, std::string_view name);
  PathStep(ReadState& state, std::size_t index);
  ~PathStep() { state_.path.resize(size_); }
  PathStep(const PathStep&) = delete;
  PathStep& operator=(const PathStep&) = delete;

 private:
  ReadState& state_;
  std::size_t size_;
};

class Reader {
 public:
  Reader(ReadState& state, const Json& object) : state_(state), object_(object) {}
  template <class T>
  void operator()(std::string_view name, T& value) {
    if (const auto* json = find(name)) step(name, [&] { read_value(state_, *json, value); });
  }
  template <class T>
  void required(std::string_view name, T& value) {
    (*this)(name, value);
    if (object_.find(name) == nullptr && state_.reading == Reading::request) {
      step(name, [&] { state_.fail("missing"); });
    }
  }
  void quota(std::string_view name, Quota& value) {
    if (const auto* json = find(name)) step(name, [&] { read_quota(state_, *json, value); });
  }
  // Present = to be changed: null is a value here, for the members that know one.
  template <class T>
  void edit(std::string_view name, std::optional<T>& value) {
    if (const auto* json = find(name)) step(name, [&] { read_value(state_, *json, value.emplace()); });
  }
  void finish();  // a request's members must all have been asked for

 private:
  const Json* find(std::string_view name);
  template <class Read>
  void step(std::string_view name, const Read& read) {
    if (state_.error) return;
    const PathStep at(state_, name);
    read();
  }
  ReadState& state_;
  const Json& object_;
  std::vector<std::string> known_;
};

template <class T>
void read_value(ReadState& state, const Json& json, std::optional<T>& value) {
  value.reset();
  if (json.kind != Json::Kind::null) read_value(state, json, value.emplace());
}
template <class T>
void read_value(ReadState& state, const Json& json, std::vector<T>& value) {
  value.clear();
  if (json.kind == Json::Kind::null && state.reading == Reading::answer) return;
  if (json.kind != Json::Kind::list) return state.expected("a list");
  for (std::size_t index = 0; index < json.items.size() && !state.error; ++index) {
    const PathStep at(state, index);
    read_value(state, json.items[index], value.emplace_back());
  }
}
template <class T>
void read_value(ReadState& state, const Json& json, std::map<std::string, T>& value) {
  value.clear();
  if (json.kind == Json::Kind::null && state.reading == Reading::answer) return;
  if (json.kind != Json::Kind::object) return state.expected("an object of names and values");
  for (const auto& member : json.members) {
    const PathStep at(state, member.name);
    read_value(state, member.value, value[member.name]);
    if (state.error) return;
  }
}
template <class M>
void read_value(ReadState& state, const Json& json, M& message) {
  if (json.kind != Json::Kind::object) return state.expected("an object");
  Reader reader(state, json);
  fields(reader, message);
  reader.finish();
}

// --- the two doors
// ----------------------------------------------------------------------------------------------------
template <class T>
void fields(auto& v, Page<T>& m) {
  v("items", m.items);
  v("next", m.next);
}
template <class T>
void fields(auto& v, const Page<T>& m) {
  v("items", m.items);
  v("next", m.next);
}

template <class T>
std::string to_json(const T& message) {
  JsonWriter out;
  write_value(out, message);
  return out.take();
}

template <class T>
base::Result<T> from_json(std::string_view text) {
  constexpr auto reading = k_reading<T>;
  auto json = parse_json(text, reading == Reading::request ? k_request_bytes_max : k_answer_bytes_max);
  if (!json) return tl::unexpected(json.error());
  T message;
  ReadState state{reading, {}, {}};
  read_value(state, *json, message);
  if (state.error) return tl::unexpected(*state.error);
  return message;
}

}  // namespace cr::admin

// Explicit instantiation, once a message, in the .cpp that has its fields().
#define CR_ADMIN_ANSWER(T)                   \
  template std::string to_json<T>(const T&); \
  template base::Result<T> from_json<T>(std::string_view);
#define CR_ADMIN_REQUEST(T)                                 \
  template <>                                               \
  inline constexpr Reading k_reading<T> = Reading::request; \
  CR_ADMIN_ANSWER(T)
