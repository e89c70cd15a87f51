// SPDX-License-Identifier: MIT
#include "admin/fields.h"

#include <algorithm>

#include "base/text.h"

namespace cr::admin {

namespace {
constexpr std::string_view k_unlimited = "unlimited";
constexpr std::string_view k_quota_words = "a decimal string or null";

void read_list_edit(ReadState& state, const Json& json, ListEdit& value) {
  Reader reader(state, json);
  reader("add", value.add);
  reader("remove", value.remove);
  reader.finish();
  if (!state.error && value.add.empty() && value.remove.empty())
    state.expected("a list, or what to \"add\" and \"remove\"");
}

void read_delta(ReadState& state, const Json& json, QuotaEdit& value) {
  Reader reader(state, json);
  reader.required("delta", value.delta.emplace());
  reader.finish();
}
}  // namespace

void write_value(JsonWriter& out, Credits value) {
  out.text(value.to_decimal());
}

// What came from a server or a file is JSON, or it would not be here; an empty text is null.
void write_value(JsonWriter& out, const JsonText& value) {
  const auto tree = value.text.empty() ? base::Result<Json>(Json{}) : json::parse_json(value.text, value.text.size());
  if (!tree) return out.null();
  out.tree(*tree);
}

void write_value(JsonWriter& out, Time value) {
  out.text(base::format_rfc3339(value));
}

void write_value(JsonWriter& out, const ListEdit& value) {
  if (value.set) return write_value(out, *value.set);
  out.begin_object();
  Writer writer(out);
  if (!value.add.empty()) writer("add", value.add);
  if (!value.remove.empty()) writer("remove", value.remove);
  out.end_object();
}

void write_value(JsonWriter& out, const QuotaEdit& value) {
  if (value.set) return write_value(out, *value.set);
  if (!value.delta) return out.null();
  out.begin_object();
  out.name("delta");
  write_value(out, *value.delta);
  out.end_object();
}

void ReadState::fail(std::string message, std::string hint) {
  if (error) return;
  if (!path.empty()) message = path + ": " + message;
  error = base::Error{base::ErrorCode::invalid, std::move(message), std::move(hint)};
}

void ReadState::expected(std::string_view what) {
  fail("expected " + std::string(what));
}

void read_value(ReadState& state, const Json& json, std::string& value) {
  if (json.kind != Json::Kind::text) return state.expected("a text");
  value = json.text;
}

void read_value(ReadState& state, const Json& json, bool& value) {
  if (json.kind != Json::Kind::boolean) return state.expected("true or false");
  value = json.boolean;
}

void read_value(ReadState& state, const Json& json, std::int64_t& value) {
  if (json.kind != Json::Kind::integer) return state.expected("a whole number");
  value = json.integer;
}

void read_value(ReadState& state, const Json& json, int& value) {
  if (json.kind != Json::Kind::integer || !std::in_range<int>(json.integer)) return state.expected("a whole number");
  value = static_cast<int>(json.integer);
}

void read_value(ReadState&, const Json& json, JsonText& value) {
  JsonWriter writer;
  writer.tree(json);
  value.text = json.kind == Json::Kind::null ? std::string() : writer.take();
}

void read_value(ReadState& state, const Json& json, Credits& value) {
  if (json.kind != Json::Kind::text) return state.expected("a decimal string such as \"12.5\"");
  const auto parsed = Credits::parse_signed(json.text);
  if (!parsed) return state.fail(parsed.error().message, parsed.error().hint);
  value = *parsed;
}

void read_value(ReadState& state, const Json& json, Time& value) {
  if (json.kind != Json::Kind::text) return state.expected("an RFC 3339 time such as \"2026-12-31T23:59:59Z\"");
  const auto parsed = base::parse_time(json.text);
  if (!parsed) return state.fail(parsed.error().message, parsed.error().hint);
  value = *parsed;
}

void read_value(ReadState& state, const Json& json, ListEdit& value) {
  if (json.kind == Json::Kind::list) return read_value(state, json, value.set.emplace());
  if (json.kind != Json::Kind::object) return state.expected("a list, or what to \"add\" and \"remove\"");
  read_list_edit(state, json, value);
}

void read_quota(ReadState& state, const Json& json, Quota& value) {
  value.reset();
  if (json.kind == Json::Kind::null || (json.kind == Json::Kind::text && json.text == k_unlimited)) return;
  if (json.kind != Json::Kind::text) return state.expected(k_quota_words);
  const auto parsed = Credits::parse(json.text);
  if (!parsed) return state.fail(parsed.error().message, parsed.error().hint);
  value = *parsed;
}

void read_value(ReadState& state, const Json& json, QuotaEdit& value) {
  if (json.kind == Json::Kind::object) return read_delta(state, json, value);
  if (json.kind != Json::Kind::text && json.kind != Json::Kind::null) {
    return state.expected(std::string(k_quota_words) + ", or {\"delta\": \"5\"}");
  }
  read_quota(state, json, value.set);
  value.unlimited = !value.set.has_value();
}

PathStep::PathStep(ReadState& state, std::string_view name) : state_(state), size_(state.path.size()) {
  if (!state.path.empty()) state.path += '.';
  state.path += base::escape_for_terminal(name.substr(0, 64));
}

PathStep::PathStep(ReadState& state, std::size_t index) : state_(state), size_(state.path.size()) {
  state.path += '[' + std::to_string(index) + ']';
}

const Json* Reader::find(std::string_view name) {
  if (state_.reading == Reading::request) known_.emplace_back(name);
  const auto& members = object_.members;
  if (next_ < members.size() && members[next_].name == name) return &members[next_++].value;
  return object_.find(name);
}

void Reader::finish() {
  if (state_.error || state_.reading == Reading::answer) return;
  for (const auto& member : object_.members) {
    if (std::find(known_.begin(), known_.end(), member.name) != known_.end()) continue;
    const auto close = base::nearest(member.name, known_);
    return state_.fail("unknown member '" + base::escape_for_terminal(member.name.substr(0, 64)) + "'",
                       close ? "did you mean '" + *close + "'?" : std::string());
  }
  if (!missing_.empty()) step(missing_, [&] { state_.fail("missing"); });
}

}  // namespace cr::admin
