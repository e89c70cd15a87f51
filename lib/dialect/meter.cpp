// SPDX-License-Identifier: MIT
#include "dialect/meter.h"

#include <algorithm>
#include <array>
#include <vector>

#include "dialect/usage_walk.h"

namespace cr::dialect {
namespace {

constexpr std::int64_t k_bytes_per_token = 4;
constexpr std::size_t k_containers_max = 256;

}  // namespace

struct Meter::State {
  State(const MeterForm& how, Endpoint of, UsageEvent event) : form(&how), endpoint(of), usage_event(event) {}

  const MeterForm* form;
  Endpoint endpoint;
  UsageEvent usage_event;
  std::int64_t output_max = UsageReport::k_tokens_max;
  UsageReport report;
  TextTally text;
  std::optional<std::int64_t> images;
  std::string response_id;
  Told told;
  std::vector<std::string> containers;  // of code interpreters, each once
  std::int64_t sequence_number = 0;
  AnswerKind kind = AnswerKind::unknown;
  bool ended = false;
  bool error = false;

  void take(const Reading& reading);
  void take_told(const Reading& reading);
  void take_output(const Reading& reading);
  void take_container(std::string_view id);
};

void Meter::State::take(const Reading& reading) {
  text.pieces += reading.text.pieces;
  text.bytes += reading.text.bytes;
  error |= reading.error;
  if (!reading.id.empty()) response_id = reading.id;
  if (reading.sequence_number) sequence_number = *reading.sequence_number;
  report.merge(reading.lesser_usage);
  if (reading.images) images = reading.images;
  const bool one_more = images && reading.one_image;
  if (reading.one_image) images = images.value_or(0) + 1;
  if (reading.duration_ms) report.audio_ms = reading.duration_ms;
  if (one_more) {
    report.add(reading.usage);
  } else {
    report.merge(reading.usage);
  }
  take_told(reading);
  if (!reading.output.empty()) take_output(reading);
}

// Each chunk of a stream says the same again: what is known already is not written once more.
void Meter::State::take_told(const Reading& reading) {
  for (const auto& [key, raw] : reading.scalars.all()) {
    std::array<char, 64> place;
    if (key.size() + 1 > place.size()) continue;
    place[0] = '/';
    key.copy(place.data() + 1, key.size());
    const std::string_view pointer(place.data(), key.size() + 1);
    const auto plain = raw.starts_with('"') ? raw.substr(1, raw.size() - 2) : raw;
    if (told.text(pointer) != plain) set_text(told, pointer, raw);
  }
  for (const auto& [pointer, value] : reading.told.texts()) told.set_text(pointer, value);
  for (const auto& [pointer, count] : reading.told.counts()) told.set_count(pointer, count);
}

// An item comes when it is done, and once more in the list of the whole response.
void Meter::State::take_output(const Reading& reading) {
  constexpr std::string_view k_root = "/output/";
  constexpr std::string_view k_interpreter = "code_interpreter_call";
  Told listed;
  for (const auto& item : reading.output) {
    if (item.type == k_interpreter) take_container(item.container);
    if (!item.free && item.type != k_interpreter) listed.add_count(std::string(k_root).append(item.type), 1);
  }
  if (!containers.empty())
    told.set_count(std::string(k_root).append(k_interpreter), static_cast<std::int64_t>(containers.size()));
  for (const auto& [pointer, count] : listed.counts()) {
    const auto known = told.count(pointer);
    told.set_count(pointer, reading.has_output_list ? std::max(known, count) : known + count);
  }
}

void Meter::State::take_container(std::string_view id) {
  const bool known = std::find(containers.begin(), containers.end(), id) != containers.end();
  if (!known && containers.size() < k_containers_max) containers.emplace_back(id);
}

Meter::Meter(const MeterForm& form, Endpoint endpoint, UsageEvent usage_event)
    : state_(std::make_unique<State>(form, endpoint, usage_event)) {}
Meter::~Meter() = default;
Meter::Meter(Meter&&) noexcept = default;

Fate Meter::observe(const http::message::SseEvent& event) {
  State& state = *state_;
  if (event.name == "error") state.error = true;
  const bool last_word = event.data.starts_with("[DONE]");
  state.ended |= last_word;
  Reading reading;
  const bool read = !event.data.empty() && !last_word &&
                    state.form->read(state.endpoint, MeterForm::Part::event, event.data, reading);
  if (state.kind == AnswerKind::unknown)
    state.kind = kind_of_event(state.endpoint, event.name, event.data, read ? &reading : nullptr);
  if (!read) return Fate::forward;
  state.take(reading);
  state.ended |= reading.last;
  const bool extra = reading.no_choices && reading.has_usage && !reading.error;
  return extra && state.usage_event == UsageEvent::hide ? Fate::hide : Fate::forward;
}

void Meter::observe_body(std::string_view json) {
  State& state = *state_;
  state.ended = true;
  Reading reading;
  const bool read = state.form->read(state.endpoint, MeterForm::Part::body, json, reading);
  state.kind = kind_of_body(state.endpoint, json, read ? &reading : nullptr);
  if (read) state.take(reading);
}

// No request has no input, and no text comes out of nothing: then a nought stands for what is not told.
std::optional<Usage> Meter::usage() const {
  const State& state = *state_;
  if (!is_complete(state.endpoint, state.report)) return std::nullopt;
  const auto usage = state.form->to_usage(state.endpoint, state.report, state.output_max);
  const bool made = state.text.pieces > 0 || state.images.value_or(0) > 0;
  if (usage.input_tokens == 0 || (usage.output_tokens == 0 && made && has_output(state.endpoint))) return std::nullopt;
  return usage;
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
  Usage usage = state_->form->to_usage(state_->endpoint, state_->report, 0);
  if (usage.input_tokens == 0) return std::nullopt;
  usage.output_tokens = usage.audio_output_tokens = usage.image_output_tokens = 0;
  return usage;
}

std::int64_t Meter::told_output_tokens() const {
  return state_->report.output.value_or(0);
}

void Meter::bound_output(std::int64_t most) {
  state_->output_max = most;
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

AnswerKind Meter::answer_kind() const {
  return state_->kind;
}

std::int64_t Meter::sequence_number() const {
  return state_->sequence_number;
}

bool Meter::ended() const {
  return state_->ended;
}

bool Meter::saw_error() const {
  return state_->error;
}

}  // namespace cr::dialect
