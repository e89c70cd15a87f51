// SPDX-License-Identifier: MIT
// Which header fields pass between a client and a provider, beside those that each head needs anyway. An allowlist:
// what is not named here is dropped. Pure; worker thread.
#pragma once

#include <string>

#include "http/message/head.h"
#include "http/message/head_writer.h"
#include "ledger/core/records.h"

namespace cr::relay::request {

// Into the head of a request to `channel`: a client's own (Accept, Idempotency-Key), and those of the vendor whose
// dialect the channel speaks (anthropic-*, or openai-*; x-client-request-id), each line of them. Never what chooses an
// account or carries a credential, nor what the channel's own headers set.
void pass_request_fields(http::message::HeadWriter& writer, const http::message::RequestHead& client,
                         const ledger::ChannelRecord& channel);

// What of a provider's answer its client gets to see, as lines for the head of an answer ("openai-processing-ms: 12",
// each with its line end). At most k_passed_bytes_max each; what is more is dropped.
struct AnswerFields {
  std::string lines;  // openai-processing-ms, x-should-retry
  // x-ratelimit-*, anthropic-ratelimit-*: of the channel's key; a token with rates of its own is told those instead.
  std::string rates;
  std::string request_id;      // the provider's own; empty: it told none that is visible ASCII of a sensible length
  std::string retry_after_ms;  // as the provider wrote it; empty: not at all
  bool should_retry = false;   // x-should-retry is among the lines
};
inline constexpr std::size_t k_passed_bytes_max = 4096;
AnswerFields pass_answer_fields(const http::message::ResponseHead& provider);

}  // namespace cr::relay::request
