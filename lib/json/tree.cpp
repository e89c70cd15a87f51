// SPDX-License-Identifier: MIT
#include "json/tree.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/text.h"
#include "json/cursor.h"
#include "json/text.h"

namespace cr::json {

namespace {

bool has_twice(const std::vector<JsonMember>& members) {
  constexpr std::size_t k_few = 32;
  if (members.size() <= k_few) {
    for (std::size_t i = 1; i < members.size(); ++i) {
      for (std::size_t other = 0; other < i; ++other) {
        if (members[i].name == members[other].name) return true;
      }
    }
    return false;
  }
  std::vector<std::string_view> names;
  names.reserve(members.size());
  for (const auto& member : members) names.push_back(member.name);
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

// Makes the tree of a text whose bytes are UTF-8.
class TreeBuilder {
 public:
  TreeBuilder(std::string_view text, std::size_t values_max) : cursor_(text), values_left_(values_max) {}

  // False: `problem` says why.
  bool build(Json& root) {
    if (value(root, 0) && cursor_.finish()) return true;
    if (problem.empty()) problem = "syntax error at byte " + std::to_string(cursor_.fault_offset());
    return false;
  }
  std::string problem;

 private:
  bool stop(const char* why) {
    problem = why;
    return false;
  }
  bool value(Json& into, std::size_t depth) {
    const JsonKind kind = cursor_.kind();
    if (kind != JsonKind::none && values_left_-- == 0) return stop("too many values");
    switch (kind) {
      case JsonKind::none:
        return false;
      case JsonKind::object:
        into.kind = Json::Kind::object;
        return object(into, depth);
      case JsonKind::array:
        into.kind = Json::Kind::list;
        return list(into, depth);
      case JsonKind::string:
        into.kind = Json::Kind::text;
        return text(into);
      case JsonKind::number:
        return number(into);
      case JsonKind::boolean:
        into.kind = Json::Kind::boolean;
        return cursor_.read_boolean(into.boolean);
      case JsonKind::null:
        return cursor_.skip_value();
    }
    return false;
  }
  bool object(Json& into, std::size_t depth) {
    if (depth == k_json_depth_max) return stop("nested too deeply");
    if (!cursor_.begin_object()) return false;
    JsonString name;
    while (cursor_.next_member(name)) {
      if (into.members.size() == k_json_members_max) return stop("too many names in one object");
      into.members.push_back({unescape(name), Json{}});
      if (!value(into.members.back().value, depth + 1)) return false;
    }
    if (cursor_.fault() != JsonFault::none) return false;
    return has_twice(into.members) ? stop("the same name twice in one object") : true;
  }
  bool list(Json& into, std::size_t depth) {
    if (depth == k_json_depth_max) return stop("nested too deeply");
    if (!cursor_.begin_array()) return false;
    while (cursor_.next_element()) {
      if (!value(into.items.emplace_back(), depth + 1)) return false;
    }
    return cursor_.fault() == JsonFault::none;
  }
  bool text(Json& into) {
    JsonString string;
    if (!cursor_.read_string(string)) return false;
    into.text = unescape(string);
    const bool has_nul = string.escaped() && into.text.find('\0') != std::string::npos;
    return has_nul ? stop("a NUL character in a text is not allowed") : true;
  }
  // With a fraction, an exponent or too many digits it is some number, whose value nobody needs.
  bool number(Json& into) {
    std::string_view raw;
    if (!cursor_.read_raw(raw)) return false;
    const char* const end = raw.data() + raw.size();
    const auto [at, error] = std::from_chars(raw.data(), end, into.integer);
    into.kind = error == std::errc() && at == end ? Json::Kind::integer : Json::Kind::number;
    return true;
  }

  JsonCursor cursor_;
  std::size_t values_left_;
};

}  // namespace

const Json* Json::find(std::string_view name) const {
  const auto found =
      std::find_if(members.begin(), members.end(), [&](const JsonMember& member) { return member.name == name; });
  return found == members.end() ? nullptr : &found->value;
}

base::Result<Json> parse_json(std::string_view text, std::size_t bytes_max, std::size_t values_max) {
  if (text.size() > bytes_max) {
    return base::fail(base::ErrorCode::invalid,
                      "the JSON text is too long: at most " + std::to_string(bytes_max) + " bytes are read");
  }
  const auto invalid = [](const std::string& problem) {
    return base::fail(base::ErrorCode::invalid, "not JSON: " + problem);
  };
  if (!base::is_valid_utf8(text)) return invalid("it is not UTF-8");
  Json root;
  TreeBuilder builder(text, values_max);
  if (!builder.build(root)) return invalid(builder.problem);
  return root;
}

void JsonWriter::separate() {
  if (!first_) out_ += ',';
  first_ = false;
}

void JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  first_ = true;
}

void JsonWriter::close(char bracket) {
  out_ += bracket;
  first_ = false;
}

void JsonWriter::name(std::string_view name) {
  text(name);
  out_ += ':';
  first_ = true;
}

void JsonWriter::plain_name(std::string_view name) {
  separate();
  out_ += '"';
  out_ += name;
  out_ += "\":";
  first_ = true;
}

void JsonWriter::text(std::string_view value) {
  separate();
  append_json_string(out_, value);
}

void JsonWriter::scalar(std::string_view text) {
  separate();
  out_ += text;
}

void JsonWriter::tree(const Json& value) {
  switch (value.kind) {
    case Json::Kind::null:
      return null();
    case Json::Kind::boolean:
      return boolean(value.boolean);
    case Json::Kind::integer:
      return integer(value.integer);
    case Json::Kind::number:
      return scalar("\"(number)\"");
    case Json::Kind::text:
      return text(value.text);
    case Json::Kind::list:
      begin_list();
      for (const auto& item : value.items) tree(item);
      return end_list();
    case Json::Kind::object:
      begin_object();
      for (const auto& member : value.members) {
        name(member.name);
        tree(member.value);
      }
      return end_object();
  }
}

}  // namespace cr::json
