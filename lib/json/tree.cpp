// SPDX-License-Identifier: MIT
#include "json/tree.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

namespace cr::json {

namespace {

using nlohmann::json;

// Builds the tree from nlohmann's events: its own tree keeps the last of two equal names and says nothing.
class TreeBuilder : public nlohmann::json_sax<json> {
 public:
  explicit TreeBuilder(std::size_t values_max) : values_left_(values_max) {}
  bool null() override { return put(Json{}); }
  bool boolean(bool value) override {
    Json node;
    node.kind = Json::Kind::boolean;
    node.boolean = value;
    return put(std::move(node));
  }
  bool number_integer(number_integer_t value) override {
    Json node;
    node.kind = Json::Kind::integer;
    node.integer = value;
    return put(std::move(node));
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) return put_number();
    return number_integer(static_cast<std::int64_t>(value));
  }
  bool number_float(number_float_t, const string_t&) override { return put_number(); }
  bool string(string_t& value) override {
    if (value.find('\0') != string_t::npos) return stop("a NUL character in a text is not allowed");
    Json node;
    node.kind = Json::Kind::text;
    node.text = std::move(value);
    return put(std::move(node));
  }
  bool binary(binary_t&) override { return stop("binary values are not JSON"); }
  bool start_object(std::size_t) override { return push(Json::Kind::object); }
  bool key(string_t& value) override {
    auto& object = *open_.back();
    if (object.members.size() == k_json_members_max) return stop("too many names in one object");
    if (object.find(value) != nullptr) return stop("the same name twice in one object");
    object.members.push_back({std::move(value), Json{}});
    return true;
  }
  bool end_object() override { return pop(); }
  bool start_array(std::size_t) override { return push(Json::Kind::list); }
  bool end_array() override { return pop(); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return stop("syntax error at byte " + std::to_string(position));
  }

  Json root;
  std::string problem;

 private:
  bool stop(std::string why) {
    if (problem.empty()) problem = std::move(why);
    return false;
  }
  bool put_number() {
    Json node;
    node.kind = Json::Kind::number;
    return put(std::move(node));
  }
  Json* place(Json&& node) {
    if (open_.empty()) {
      root = std::move(node);
      return &root;
    }
    auto& parent = *open_.back();
    if (parent.kind == Json::Kind::list) return &parent.items.emplace_back(std::move(node));
    parent.members.back().value = std::move(node);
    return &parent.members.back().value;
  }
  bool put(Json&& node) {
    if (values_left_-- == 0) return stop("too many values");
    place(std::move(node));
    return true;
  }
  bool push(Json::Kind kind) {
    if (open_.size() == k_json_depth_max) return stop("nested too deeply");
    if (values_left_-- == 0) return stop("too many values");
    Json node;
    node.kind = kind;
    open_.push_back(place(std::move(node)));
    return true;
  }
  bool pop() {
    open_.pop_back();
    return true;
  }
  // Pointers stay good: only the innermost open container grows, and it is the last of its parent.
  std::vector<Json*> open_;
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
  TreeBuilder builder(values_max);
  const bool done = json::sax_parse(text.begin(), text.end(), &builder);
  if (!done || !builder.problem.empty()) return base::fail(base::ErrorCode::invalid, "not JSON: " + builder.problem);
  return std::move(builder.root);
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

void JsonWriter::text(std::string_view value) {
  scalar(json(value).dump(-1, ' ', false, json::error_handler_t::replace));
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
