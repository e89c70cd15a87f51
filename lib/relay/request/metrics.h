// SPDX-License-Identifier: MIT
// Metrics: what the request path counts, and how it is told to Prometheus. Counters only go up; any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "base/credits.h"
#include "dialect/refusal.h"
#include "dialect/usage.h"
#include "ledger/core/flag_names.h"
#include "ledger/core/operations.h"

namespace cr::relay::request {

class Metrics {
 public:
  // A request that was relayed has its ending.
  void count(const ledger::Settlement& settlement);
  // crd's own request to a channel, on no token: how it went, and what it cost.
  enum class ProbeOutcome { good, bad, unclear };
  void count_probe(ProbeOutcome outcome, const dialect::Usage& usage, base::Credits cost);
  void count(dialect::RefusalCode code) { add(refusals_[static_cast<std::size_t>(code)], 1); }

  // Lines of the text format, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).
  std::string text() const;

 private:
  void append_probes(std::string& out) const;
  using Counter = std::atomic<std::uint64_t>;
  static void add(Counter& counter, std::int64_t amount) {
    if (amount > 0) counter.fetch_add(static_cast<std::uint64_t>(amount), std::memory_order_relaxed);
  }
  std::array<Counter, static_cast<std::size_t>(ledger::Ending::in_doubt) + 1> endings_{};
  std::array<Counter, static_cast<std::size_t>(dialect::RefusalCode::internal_error) + 1> refusals_{};
  std::array<Counter, ledger::k_flag_names.size()> flags_{};
  Counter input_tokens_{0}, cached_tokens_{0}, output_tokens_{0}, cost_nano_{0};
  std::array<Counter, static_cast<std::size_t>(ProbeOutcome::unclear) + 1> probes_{};
  Counter probe_input_tokens_{0}, probe_output_tokens_{0}, probe_cost_nano_{0};
};

// One metric with its help: name, type ("counter" or "gauge") and a line for each value.
void append_metric(std::string& out, std::string_view name, std::string_view type, std::string_view help);
void append_value(std::string& out, std::string_view name, std::string_view labels, std::uint64_t value);

}  // namespace cr::relay::request
