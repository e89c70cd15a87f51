// SPDX-License-Identifier: MIT
// Meter: reads the usage a provider reports out of an answer that passes by; keeps an estimate from the text in case
// none comes. One answer each; one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dialect/answer_kind.h"
#include "dialect/endpoint.h"
#include "dialect/meter_form.h"
#include "dialect/told.h"
#include "dialect/usage.h"
#include "http/message/sse.h"

namespace cr::dialect {

enum class UsageEvent { forward, hide };  // hide: crd asked for it, the client did not
enum class Fate { forward, hide };

class Meter {
 public:
  // `form`: of the dialect that the response is in, whichever its client speaks.
  Meter(const MeterForm& form, Endpoint endpoint, UsageEvent usage_event);
  ~Meter();
  Meter(Meter&&) noexcept;

  // One event of a stream. `hide` only for the extra chunk (choices empty, usage set) that crd itself asked for.
  Fate observe(const http::message::SseEvent& event);
  // A whole plain answer (any JSON; garbage is tolerated and leaves usage() empty).
  void observe_body(std::string_view json);

  // The most that the request allows of output: a total that is told says nothing beyond it.
  void bound_output(std::int64_t most);

  // As reported; the last report of a member wins (Anthropic sends input in message_start, output in message_delta).
  // Empty until the model tokens of input and output have come, or while one is a nought that cannot be.
  std::optional<Usage> usage() const;
  // Images that came, whole; empty where the answer did not show any place for them.
  std::optional<std::int64_t> images() const;
  // Of a rerank, if it tells them.
  std::optional<std::int64_t> search_units() const;
  // Of a transcription or translation, as its usage or its duration tells.
  std::optional<std::int64_t> audio_ms() const;
  // The input's part alone, as soon as it is reported: what is certain of an Anthropic stream that was cut.
  std::optional<Usage> input_usage() const;
  // The output alone, as far as it is reported, where the input is not; 0: not told.
  std::int64_t told_output_tokens() const;
  // What it tells beside the model tokens.
  const Told& told() const;
  // Of a response (its own, or of the response its events tell of) as the provider names it; empty until it came.
  const std::string& response_id() const;
  // Whether what came is an answer of its endpoint: of a whole body, or of a stream by its first event that says so.
  AnswerKind answer_kind() const;
  // Of the last event of a response that told one; 0: none did.
  std::int64_t sequence_number() const;
  // From the text seen: at least one for each delta that carried text, else a token for four bytes, rounded up.
  std::int64_t estimated_output_tokens() const;
  bool ended()
      const;  // [DONE], message_stop, response.completed/..., speech.audio.done, transcript.text.done, or a whole body
  bool saw_error() const;  // an error object instead of an answer or in mid-stream

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cr::dialect
