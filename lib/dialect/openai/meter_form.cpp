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
  bool take_choices();
  bool take_data();
  bool take_delta();
  bool take_usage();
  bool take_response();  // of a responses event

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
  reading_.one_image = type_ == "image_generation.completed" || type_ == "image_edit.completed";
  return true;
}

bool Reader::take_member(std::string_view key) {
  if (key == "choices") return take_choices();
  if (key == "usage") return take_usage();
  if (key == "delta") return take_delta();
  if (key == "error") return take_error();
  if (key == "type") return take_type();
  if (key == "id" && endpoint_ == Endpoint::responses && part_ == Part::body) return take_id();
  if (key == "response") return take_response();
  if (key == "data" && makes_images(endpoint_)) return take_data();
  if (key == "duration" && hears_sound(endpoint_)) return read_seconds(cursor_, reading_.duration);
  if (key == "meta" && endpoint_ == Endpoint::rerank) return read_rerank_meta(cursor_, reading_.usage);
  if (part_ == Part::body && (key == "output" || key == "content")) return tally_text(cursor_, reading_.text);
  return cursor_.skip_value();
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
  return true;
}

bool Reader::take_choices() {
  if (cursor_.kind() == JsonKind::array) reading_.no_choices = true;
  return walk_elements(cursor_, [this] {
    reading_.no_choices = false;
    return tally_text(cursor_, reading_.text);
  });
}

bool Reader::take_data() {
  if (cursor_.kind() == JsonKind::array) reading_.images = 0;
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
  return read_usage(endpoint_, cursor_, reading_.usage);
}

bool Reader::take_response() {
  return walk_members(cursor_, [this](std::string_view key) {
    if (key == "usage") return take_usage();
    if (key == "id" && endpoint_ == Endpoint::responses) return take_id();
    return key == "error" ? take_error() : cursor_.skip_value();
  });
}

bool read(Endpoint endpoint, Part part, std::string_view json, Reading& reading) {
  return Reader(endpoint, part, json, reading).read();
}

}  // namespace

constinit const MeterForm k_meter_form{read, to_usage};

}  // namespace cr::dialect::openai
