// SPDX-License-Identifier: MIT
#include "dialect/meter.h"

#include <algorithm>
#include <array>

#include "dialect/stored_path.h"
#include "dialect/text_tally.h"
#include "dialect/usage_report.h"
#include "json/cursor.h"

namespace cr::dialect {
namespace {

constexpr std::int64_t k_bytes_per_token = 4;

// What one JSON object of an answer says; counts only once all of it has proved to be JSON.
struct Reading {
  UsageReport usage;
  bool has_usage = false;
  UsageReport duration;     // of a verbose transcription, where its usage says nothing of time
  UsageReport first_usage;  // of Anthropic's message_start: its output is a placeholder
  bool error = false;
  bool no_choices = false;  // choices is there, and empty
  TextTally text;
  std::optional<std::int64_t> images;  // entries of `data`
  TextTally delta;                     // of a `delta` that is a string: words only if the event's type says so
  std::string_view type;
  std::string_view id;  // the object's own, or its response's
};

enum class Form { event, body };

class Reader {
 public:
  Reader(Endpoint endpoint, Form form, std::string_view json) : endpoint_(endpoint), form_(form), cursor_(json) {}
  bool read(Reading& reading);

 private:
  bool take_member(std::string_view key, Reading& reading);
  bool take_id(Reading& reading);
  bool take_choices(Reading& reading);
  bool take_data(Reading& reading);
  bool take_delta(Reading& reading);
  bool take_usage(UsageReport& report, bool& seen);
  // response of a responses event, message of a messages event
  bool take_envelope(Reading& reading, UsageReport& report, bool& seen);

  Endpoint endpoint_;
  Form form_;
  json::JsonCursor cursor_;
};

bool Reader::read(Reading& reading) {
  if (!cursor_.begin_object()) return false;
  json::JsonString key;
  while (cursor_.next_member(key)) {
    if (!take_member(key.raw, reading)) return false;
  }
  return cursor_.finish();
}

bool Reader::take_member(std::string_view key, Reading& reading) {
  const json::JsonKind kind = cursor_.kind();
  if (key == "choices") return take_choices(reading);
  if (key == "usage") return take_usage(reading.usage, reading.has_usage);
  if (key == "delta") return take_delta(reading);
  if (key == "error") {
    reading.error |= kind != json::JsonKind::null;
    return cursor_.skip_value();
  }
  if (key == "type" && kind == json::JsonKind::string) {
    json::JsonString type;
    if (!cursor_.read_string(type)) return false;
    reading.type = type.raw;
    return true;
  }
  if (key == "id" && endpoint_ == Endpoint::responses && form_ == Form::body) return take_id(reading);
  bool ignored = false;
  if (key == "response") return take_envelope(reading, reading.usage, reading.has_usage);
  if (key == "message" && endpoint_ == Endpoint::messages) return take_envelope(reading, reading.first_usage, ignored);
  if (key == "data" && makes_images(endpoint_)) return take_data(reading);
  if (key == "duration" && hears_sound(endpoint_)) return read_seconds(cursor_, reading.duration);
  if (key == "meta" && endpoint_ == Endpoint::rerank) return read_rerank_meta(cursor_, reading.usage);
  if (key == "content_block") return tally_text(cursor_, reading.text);
  if (form_ == Form::body && (key == "output" || key == "content")) return tally_text(cursor_, reading.text);
  return cursor_.skip_value();
}

bool Reader::take_id(Reading& reading) {
  if (cursor_.kind() != json::JsonKind::string) return cursor_.skip_value();
  json::JsonString id;
  if (!cursor_.read_string(id)) return false;
  if (is_response_id(id.raw)) reading.id = id.raw;
  return true;
}

bool Reader::take_choices(Reading& reading) {
  if (cursor_.kind() != json::JsonKind::array) return cursor_.skip_value();
  if (!cursor_.begin_array()) return false;
  reading.no_choices = true;
  while (cursor_.next_element()) {
    reading.no_choices = false;
    if (!tally_text(cursor_, reading.text)) return false;
  }
  return cursor_.fault() == json::JsonFault::none;
}

bool Reader::take_data(Reading& reading) {
  if (cursor_.kind() != json::JsonKind::array) return cursor_.skip_value();
  if (!cursor_.begin_array()) return false;
  reading.images = 0;
  while (cursor_.next_element()) {
    ++*reading.images;
    if (!cursor_.skip_value()) return false;
  }
  return cursor_.fault() == json::JsonFault::none;
}

bool Reader::take_delta(Reading& reading) {
  if (cursor_.kind() != json::JsonKind::string) return tally_text(cursor_, reading.text);
  json::JsonString text;
  if (!cursor_.read_string(text)) return false;
  reading.delta.add(text.text_bytes);
  return true;
}

bool Reader::take_usage(UsageReport& report, bool& seen) {
  if (cursor_.kind() != json::JsonKind::object) return cursor_.skip_value();
  seen = true;
  return read_usage(endpoint_, cursor_, report);
}

bool Reader::take_envelope(Reading& reading, UsageReport& report, bool& seen) {
  if (cursor_.kind() != json::JsonKind::object) return cursor_.skip_value();
  if (!cursor_.begin_object()) return false;
  json::JsonString key;
  while (cursor_.next_member(key)) {
    bool good = true;
    if (key.raw == "usage") {
      good = take_usage(report, seen);
    } else if (key.raw == "id" && endpoint_ == Endpoint::responses) {
      good = take_id(reading);
    } else {
      reading.error |= key.raw == "error" && cursor_.kind() != json::JsonKind::null;
      good = cursor_.skip_value();
    }
    if (!good) return false;
  }
  return cursor_.fault() == json::JsonFault::none;
}

bool ends_stream(std::string_view type) {
  static constexpr std::array<std::string_view, 7> k_last = {
      "message_stop",       "response.completed", "response.incomplete", "response.failed",
      "response.cancelled", "speech.audio.done",  "transcript.text.done"};
  return std::find(k_last.begin(), k_last.end(), type) != k_last.end();
}

// One for each image, with the usage of that image.
bool brings_image(std::string_view type) {
  return type == "image_generation.completed" || type == "image_edit.completed";
}

// Sound is base64: its bytes say nothing of its tokens.
bool is_sound(std::string_view type) {
  return type.find("audio.delta") != std::string_view::npos;
}

}  // namespace

struct Meter::State {
  Endpoint endpoint;
  UsageEvent usage_event;
  UsageReport report;
  TextTally text;
  std::optional<std::int64_t> images;
  std::string response_id;
  bool ended = false;
  bool error = false;

  void take(const Reading& reading);
};

void Meter::State::take(const Reading& reading) {
  text.pieces += reading.text.pieces;
  text.bytes += reading.text.bytes;
  if (!is_sound(reading.type)) {
    text.pieces += reading.delta.pieces;
    text.bytes += reading.delta.bytes;
  }
  error |= reading.error || reading.type == "error";
  if (!reading.id.empty()) response_id = reading.id;
  if (reading.first_usage.plausible) {
    UsageReport first = reading.first_usage;
    first.output.reset();
    report.merge(first);
  }
  if (reading.images) images = reading.images;
  const bool one_more = images && brings_image(reading.type);
  if (brings_image(reading.type)) images = images.value_or(0) + 1;
  if (reading.duration.plausible) report.merge(reading.duration);
  if (!reading.usage.plausible) return;
  if (one_more) {
    report.add(reading.usage);
  } else {
    report.merge(reading.usage);
  }
}

Meter::Meter(Endpoint endpoint, UsageEvent usage_event)
    : state_(std::make_unique<State>(State{endpoint, usage_event, {}, {}, {}, {}})) {}
Meter::~Meter() = default;
Meter::Meter(Meter&&) noexcept = default;

Fate Meter::observe(const http::message::SseEvent& event) {
  State& state = *state_;
  if (event.name == "error") state.error = true;
  if (event.data.empty()) return Fate::forward;
  if (event.data.starts_with("[DONE]")) {
    state.ended = true;
    return Fate::forward;
  }
  Reading reading;
  if (!Reader(state.endpoint, Form::event, event.data).read(reading)) return Fate::forward;
  state.take(reading);
  state.ended |= ends_stream(reading.type);
  const bool extra = reading.no_choices && reading.has_usage && !reading.error;
  return extra && state.usage_event == UsageEvent::hide ? Fate::hide : Fate::forward;
}

void Meter::observe_body(std::string_view json) {
  state_->ended = true;
  Reading reading;
  if (Reader(state_->endpoint, Form::body, json).read(reading)) state_->take(reading);
}

std::optional<Usage> Meter::usage() const {
  const State& state = *state_;
  if (!is_complete(state.endpoint, state.report)) return std::nullopt;
  return to_usage(state.endpoint, state.report);
}

std::optional<std::int64_t> Meter::images() const {
  return state_->images;
}

std::optional<std::int64_t> Meter::audio_ms() const {
  return state_->report.audio_ms;
}

std::optional<std::int64_t> Meter::search_units() const {
  return state_->report.search_units;
}

std::optional<Usage> Meter::input_usage() const {
  if (!tells_input(state_->endpoint, state_->report)) return std::nullopt;
  Usage usage = to_usage(state_->endpoint, state_->report);
  usage.output_tokens = 0;
  return usage;
}

const std::string& Meter::response_id() const {
  return state_->response_id;
}

std::int64_t Meter::estimated_output_tokens() const {
  const TextTally& text = state_->text;
  return std::max(text.pieces, (text.bytes + k_bytes_per_token - 1) / k_bytes_per_token);
}

bool Meter::ended() const {
  return state_->ended;
}

bool Meter::saw_error() const {
  return state_->error;
}

}  // namespace cr::dialect
