// SPDX-License-Identifier: MIT
// Settings of the relay that a reload can change; shared immutable, a running request keeps the ones it began with.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/memory_budget.h"
#include "token/scope.h"

namespace cr::relay::policy {

enum class OnClientGone { cancel, drain };
// What a client means that closes its side for writing and may still read: that it has left, or nothing yet.
enum class ClientHalfClose { abort, wait };
enum class LogRequests { errors, all, none };

// When a channel is set aside, and for how long (circuit_breaker.h).
struct HealthLimits {
  std::uint32_t failures_in_a_row = 5;
  std::uint32_t failures_percent = 50;  // of the last minute's requests, if there were samples_min
  std::size_t samples_min = 20;
  std::chrono::milliseconds cool_down_first{1'000};  // doubled from probe to probe
  std::chrono::milliseconds cool_down_max{60'000};
};

// How requests of limited tokens are reserved for (billing/reservation.h).
struct CreditSettings {
  std::int64_t default_output_tokens = 16'384;    // of a request without a bound, where nothing is known of the model
  std::int64_t clamp_floor = 256;                 // a bound is not lowered below it
  std::chrono::milliseconds credit_wait{10'000};  // for what running requests have reserved
};

// What one answer holds at most: the window of its coding.
constexpr std::size_t k_answer_bytes_max = std::size_t{16} * 1024 * 1024;

struct Settings {
  std::uint64_t memory = 512ull * 1024 * 1024;             // of all requests and answers together
  std::uint64_t body_bytes_max = 64ull * 1024 * 1024;      // one request
  std::uint64_t upload_bytes_max = 1024ull * 1024 * 1024;  // one request that is a form with files
  std::size_t event_bytes_max = std::size_t{64} * 1024;    // one server-sent event that is held
  std::size_t upstream_idle_connections_max = 256;         // for one channel, a worker
  std::uint32_t tries_max = 3;                             // channels tried for one request
  std::chrono::milliseconds total_timeout{1'260'000};      // until the answer's first byte, all tries together
  std::chrono::milliseconds drain_answer_timeout{60'000};  // on_client_gone = drain: reading on, at most
  std::chrono::milliseconds comment_interval{15'000};      // SSE comment while the upstream is silent
  std::chrono::milliseconds ledger_timeout{5'000};         // for the ledger's answer; then 503, and not ready
  std::int64_t refusals_per_second = 100;                  // of one token's requests; 0: as many as come
  HealthLimits health;
  CreditSettings credit;
  OnClientGone on_client_gone = OnClientGone::cancel;
  ClientHalfClose client_half_close = ClientHalfClose::abort;
  LogRequests log_requests = LogRequests::errors;
  bool trust_proxies = false;  // else the set below would mean "everybody"
  token::IpSet trusted_proxies;
  std::vector<std::string> cors_origins;  // whose pages may call (relay/policy/cors.h); empty: none

  // The reserve fits the most that one answer holds, or an event and its copy on its way to the client.
  base::MemoryBudget::Limits memory_limits() const {
    const auto most = std::max<std::uint64_t>(k_answer_bytes_max, 2 * event_bytes_max);
    return {memory, std::min(most, memory / 2)};
  }
  // Beside it: of heads, and of bodies that are too small for it, one address half.
  base::MemoryBudget::Limits unfinished_limits() const { return {memory / 4, 0}; }
};

}  // namespace cr::relay::policy
