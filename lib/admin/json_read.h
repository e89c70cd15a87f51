// SPDX-License-Identifier: MIT
// Reader: walks a message's fields() and fills them from a JSON tree; the first thing wrong is named by its path.
// Private to this folder's .cpp files. Plain values, any thread.
#pragma once

#include "admin/messages.h"
#include "json/tree.h"

namespace cr::admin {

using json::Json;
using json::parse_json;

// Requests are read strictly; answers leniently, so that a newer daemon's members do no harm.
enum class Reading { request, answer };

// Where the reader is ("prices[3].input") and the first thing that was wrong.
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
void read_value(ReadState& state, const Json& json, JsonText& value);
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
    if (object_.find(name) == nullptr && missing_.empty()) missing_ = name;
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
  std::size_t next_ = 0;  // where the next name is found at once: members mostly come in the order of fields()
  std::vector<std::string> known_;  // of a request
  std::string missing_;             // the first one; a misspelt one is the better thing to say
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

}  // namespace cr::admin
