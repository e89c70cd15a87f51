// SPDX-License-Identifier: MIT
#include "dialect/openai/meter_form.h"

#include <algorithm>
#include <array>

#include "dialect/object_walk.h"
#include "dialect/openai/usage.h"
#include "dialect/stored_path.h"

namespace cr::dialect::openai {
namespace {

using json::JsonCursor;
using json::JsonKind;
using Part = MeterForm::Part;

class Reader {
 public:
  Reader(Endpoint endpoint, Part part, std::string_view json, Reading& reading)
      : endpoint_(endpoint), part_(part), cursor_(json), reading_(reading) {}
  bool read();

 private:
  bool take_member(std::string_view key);
  bool take_error();
  bool take_type();
  bool take_id();
  bool take_other(std::string_view key);
  bool take_scalar(std::string_view key);
  bool take_choices();
  bool take_output(bool tallied);
  bool take_item(bool tallied);
  bool take_action(OutputItem& item);
  bool take_data();
  bool take_delta();
  bool take_usage();
  bool take_lesser_usage(std::string_view name);  // in a choice, or in `name`
  bool take_response();                           // of a responses event

  Endpoint endpoint_;
  Part part_;
  JsonCursor cursor_;
  Reading& reading_;
  TextTally delta_;  // of a `delta` that is a string: words only if the event's type says so
  std::string_view type_;
};

bool ends_stream(std::string_view type) {
  static constexpr std::array<std::string_view, 6> k_last = {"response.completed", "response.incomplete",
                                                             "response.failed",    "response.cancelled",
                                                             "speech.audio.done",  "transcript.text.done"};
  return std::find(k_last.begin(), k_last.end(), type) != k_last.end();
}

// Of what bills nobody, or is another for each piece.
bool is_noise(std::string_view key) {
  static constexpr std::array<std::string_view, 7> k_noise = {"id",      "object",      "created", "system_fingerprint",
                                                              "item_id", "obfuscation", "text"};
  return std::find(k_noise.begin(), k_noise.end(), key) != k_noise.end();
}

// Sound is base64: its bytes say nothing of its tokens.
bool is_sound(std::string_view type) {
  return type.find("audio.delta") != std::string_view::npos;
}

bool Reader::read() {
  if (!cursor_.begin_object()) return false;
  json::JsonString key;
  while (cursor_.next_member(key)) {
    if (!take_member(key.raw)) return false;
  }
  if (!cursor_.finish()) return false;
  if (!is_sound(type_)) {
    reading_.text.pieces += delta_.pieces;
    reading_.text.bytes += delta_.bytes;
  }
  reading_.error |= type_ == "error";
  reading_.last = ends_stream(type_);
  // Items of other events are not done, or are told again when they are.
  if (!reading_.has_output_list && type_ != "response.output_item.done") reading_.output.clear();
  reading_.one_image = type_ == "image_generation.completed" || type_ == "image_edit.completed";
  return true;
}

bool Reader::take_member(std::string_view key) {
  const bool body = part_ == Part::body;
  if (key == "choices") return take_choices();
  if (key == "usage") return take_usage();
  if (key == "delta") return take_delta();
  if (key == "error") return take_error();
  if (key == "type") return take_type();
  if (key == "id" && endpoint_ == Endpoint::responses && body) return take_id();
  if (key == "response") return take_response();
  if (key == "x_groq") return take_lesser_usage("usage");
  if (key == "data" && makes_images(endpoint_)) return take_data();
  if (key == "duration" && hears_sound(endpoint_)) return read_count(cursor_, reading_.duration_ms, 3);
  if (key == "meta" && endpoint_ == Endpoint::rerank) return read_rerank_meta(cursor_, reading_.usage);
  if (body && key == "output") return take_output(true);
  if (body && key == "content") return tally_text(cursor_, reading_.text);
  if (key == "item" && endpoint_ == Endpoint::responses) return take_item(false);
  return take_other(key);
}

bool Reader::take_other(std::string_view key) {
  if (key == "code" || key == "errcode" || key == "error_code") reading_.has_code = true;
  if (key == "msg" || key == "message" || key == "errmsg" || key == "error_msg") reading_.has_message = true;
  const bool responses = endpoint_ == Endpoint::responses;
  if (key == "data" || key == "results" || key == "text" || key == "embeddings") reading_.answers |= !responses;
  // A responses event is none itself, but has one in it.
  if (responses && key == "sequence_number") return read_count(cursor_, reading_.sequence_number);
  return part_ == Part::body || !responses ? take_scalar(key) : cursor_.skip_value();
}

bool Reader::take_scalar(std::string_view key) {
  const auto kind = cursor_.kind();
  if ((kind != JsonKind::string && kind != JsonKind::boolean) || is_noise(key)) return cursor_.skip_value();
  std::string_view raw;
  if (!cursor_.read_raw(raw)) return false;
  reading_.scalars.add(key, raw);
  return true;
}

bool Reader::take_error() {
  reading_.error |= cursor_.kind() != JsonKind::null;
  return cursor_.skip_value();
}

bool Reader::take_type() {
  if (cursor_.kind() != JsonKind::string) return cursor_.skip_value();
  json::JsonString type;
  if (!cursor_.read_string(type)) return false;
  type_ = type.raw;
  return true;
}

bool Reader::take_id() {
  if (cursor_.kind() != JsonKind::string) return cursor_.skip_value();
  json::JsonString id;
  if (!cursor_.read_string(id)) return false;
  if (is_response_id(id.raw)) reading_.id = id.raw;
  reading_.answers |= !reading_.id.empty() && part_ == Part::body;
  return true;
}

// Moonshot has the usage of a stream in its last choice.
bool Reader::take_choices() {
  if (cursor_.kind() == JsonKind::array) reading_.no_choices = true;
  return walk_elements(cursor_, [this] {
    reading_.no_choices = false;
    reading_.answers = true;
    if (cursor_.kind() != JsonKind::object) return tally_text(cursor_, reading_.text);
    return walk_members(cursor_, [this](std::string_view key) {
      if (key != "usage" || cursor_.kind() != JsonKind::object) return tally_member(cursor_, key, reading_.text);
      return read_usage(endpoint_, cursor_, reading_.lesser_usage, reading_.told);
    });
  });
}

// console.groq.com/docs/api-reference#chat-create: a stream's last chunk has it there.
bool Reader::take_lesser_usage(std::string_view name) {
  return walk_members(cursor_, [this, name](std::string_view key) {
    if (key != name || cursor_.kind() != JsonKind::object) return cursor_.skip_value();
    return read_usage(endpoint_, cursor_, reading_.lesser_usage, reading_.told);
  });
}

// A response's items, and the text in them.
bool Reader::take_output(bool tallied) {
  if (cursor_.kind() != JsonKind::array) return tallied ? tally_text(cursor_, reading_.text) : cursor_.skip_value();
  reading_.has_output_list = true;
  reading_.answers |= part_ == Part::body;
  return walk_elements(cursor_, [this, tallied] { return take_item(tallied); });
}

bool Reader::take_item(bool tallied) {
  OutputItem item;
  std::string_view id;
  const bool good = walk_members(cursor_, [&](std::string_view key) {
    if (key == "action") return take_action(item);
    auto* const place = key == "type"           ? &item.type
                        : key == "id"           ? &id
                        : key == "container_id" ? &item.container
                                                : nullptr;
    if (place == nullptr || cursor_.kind() != JsonKind::string)
      return tallied ? tally_member(cursor_, key, reading_.text) : cursor_.skip_value();
    json::JsonString text;
    if (!cursor_.read_string(text)) return false;
    *place = text.raw;
    return true;
  });
  if (item.container.empty()) item.container = id;
  if (item.type.ends_with("_call") && item.type != "function_call") reading_.output.push_back(item);
  return good;
}

// Of a web search: only a search is billed (platform.openai.com/docs/guides/tools-web-search, "Output and citations").
bool Reader::take_action(OutputItem& item) {
  return walk_members(cursor_, [&](std::string_view key) {
    if (key != "type" || cursor_.kind() != JsonKind::string) return cursor_.skip_value();
    json::JsonString type;
    if (!cursor_.read_string(type)) return false;
    item.free = type.raw == "open_page" || type.raw == "find_in_page" || type.raw == "find";
    return true;
  });
}

bool Reader::take_data() {
  if (cursor_.kind() == JsonKind::array) reading_.images = 0;
  reading_.answers |= cursor_.kind() == JsonKind::array;
  return walk_elements(cursor_, [this] {
    ++*reading_.images;
    return cursor_.skip_value();
  });
}

bool Reader::take_delta() {
  if (cursor_.kind() != JsonKind::string) return tally_text(cursor_, reading_.text);
  json::JsonString text;
  if (!cursor_.read_string(text)) return false;
  delta_.add(text.text_bytes);
  return true;
}

bool Reader::take_usage() {
  if (cursor_.kind() != JsonKind::object) return cursor_.skip_value();
  reading_.has_usage = true;
  return read_usage(endpoint_, cursor_, reading_.usage, reading_.told);
}

bool Reader::take_response() {
  return walk_members(cursor_, [this](std::string_view key) {
    if (key == "usage") return take_usage();
    if (key == "id" && endpoint_ == Endpoint::responses) return take_id();
    if (key == "output") return take_output(false);
    return key == "error" ? take_error() : take_scalar(key);
  });
}

bool read(Endpoint endpoint, Part part, std::string_view json, Reading& reading) {
  return Reader(endpoint, part, json, reading).read();
}

}  // namespace

constinit const MeterForm k_meter_form{read, to_usage};

}  // namespace cr::dialect::openai
