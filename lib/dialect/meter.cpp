// SPDX-License-Identifier: MIT
#include "dialect/meter.h"

#include <algorithm>

namespace cr::dialect {
namespace {

constexpr std::int64_t k_bytes_per_token = 4;

}  // namespace

struct Meter::State {
  const MeterForm* form = nullptr;
  Endpoint endpoint{};
  UsageEvent usage_event{};
  UsageReport report;
  TextTally text;
  std::optional<std::int64_t> images;
  std::string response_id;
  Told told;
  bool ended = false;
  bool error = false;

  void take(const Reading& reading);
};

void Meter::State::take(const Reading& reading) {
  text.pieces += reading.text.pieces;
  text.bytes += reading.text.bytes;
  error |= reading.error;
  if (!reading.id.empty()) response_id = reading.id;
  if (reading.first_usage.plausible) {
    UsageReport first = reading.first_usage;
    first.output.reset();
    report.merge(first);
  }
  if (reading.images) images = reading.images;
  const bool one_more = images && reading.one_image;
  if (reading.one_image) images = images.value_or(0) + 1;
  if (reading.duration.plausible) report.merge(reading.duration);
  if (!reading.usage.plausible) return;
  if (one_more) {
    report.add(reading.usage);
  } else {
    report.merge(reading.usage);
  }
}

Meter::Meter(const MeterForm& form, Endpoint endpoint, UsageEvent usage_event) : state_(std::make_unique<State>()) {
  state_->form = &form;
  state_->endpoint = endpoint;
  state_->usage_event = usage_event;
}
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
  if (!state.form->read(state.endpoint, MeterForm::Part::event, event.data, reading)) return Fate::forward;
  state.take(reading);
  state.ended |= reading.last;
  const bool extra = reading.no_choices && reading.has_usage && !reading.error;
  return extra && state.usage_event == UsageEvent::hide ? Fate::hide : Fate::forward;
}

void Meter::observe_body(std::string_view json) {
  state_->ended = true;
  Reading reading;
  if (state_->form->read(state_->endpoint, MeterForm::Part::body, json, reading)) state_->take(reading);
}

std::optional<Usage> Meter::usage() const {
  const State& state = *state_;
  if (!is_complete(state.endpoint, state.report)) return std::nullopt;
  return state.form->to_usage(state.endpoint, state.report);
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
  Usage usage = state_->form->to_usage(state_->endpoint, state_->report);
  usage.output_tokens = 0;
  return usage;
}

const Told& Meter::told() const {
  return state_->told;
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
