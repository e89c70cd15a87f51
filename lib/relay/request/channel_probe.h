// SPDX-License-Identifier: MIT
// channel_probe: one minimal request to a channel with one of its keys, for `crctl channel test` and for crd's own
// question whether a channel is to blame (own_probe.h). Not metered against any token. Worker thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "dialect/answer_kind.h"
#include "http/client/upstream.h"
#include "ledger/core/records.h"
#include "relay/request/worker_context.h"

namespace cr::relay::request {

// What came of it.
struct ProbeAnswer {
  std::optional<base::Error> not_connected;
  http::client::AnswerOutcome outcome = http::client::AnswerOutcome::closed;  // of its head
  int status = 0;
  std::string body;    // of the head's answer: its first k_probe_body_max bytes
  bool whole = false;  // it ended
  bool coded = false;  // in a coding, which nobody undid
  std::optional<std::chrono::milliseconds> retry_after;
  std::int64_t connect_ms = 0, total_ms = 0;
};
// What a whole answer with a good status is, as its provider's dialect reads it; unknown: it is coded.
dialect::AnswerKind kind_of_answer(const ProbeAnswer& answer, ledger::ChannelKind kind);
inline constexpr std::size_t k_probe_body_max = std::size_t{64} * 1024;

// Who asks: an administrator, whose test is as any request; or crd by itself, which its User-Agent says.
enum class ProbeBy { administrator, crd };
// `channel`, whose provider is over HTTP, and the other references outlive it. It waits so long for the first byte.
http::Task<ProbeAnswer> send_probe(UpstreamAccess& upstreams, const ledger::ChannelRecord& channel, std::uint32_t key,
                                   const std::string& upstream_model, std::chrono::milliseconds timeout, ProbeBy by);

struct ProbeResult {
  bool ok = false;
  std::string model;           // as asked for
  std::string upstream_model;  // as the provider knows it
  int status = 0;              // 0: no answer
  std::int64_t connect_ms = 0, total_ms = 0;
  std::string message;  // one sentence; nothing of the provider's body, which may quote a key
};

// `key`: index into the channel's keys, 0 where it has none. `model` empty: its first name without a pattern.
http::Task<ProbeResult> probe_channel(WorkerContext& worker, std::shared_ptr<const ledger::ChannelRecord> channel,
                                      std::uint32_t key, std::string model);

}  // namespace cr::relay::request
