// SPDX-License-Identifier: MIT
#include "relay/request/metrics.h"

#include "base/credits.h"

namespace cr::relay::request {

namespace {

using ledger::Ending;

std::string label(std::string_view name, std::string_view value) {
  return std::string(name) + "=\"" + std::string(value) + "\"";
}

}  // namespace

void append_metric(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name).append(" ").append(type);
  out.append("\n");
}

void append_value(std::string& out, std::string_view name, std::string_view labels, std::uint64_t value) {
  out.append(name);
  if (!labels.empty()) out.append("{").append(labels).append("}");
  out.append(" ").append(std::to_string(value)).append("\n");
}

void Metrics::count(const ledger::Settlement& settlement) {
  add(endings_[static_cast<std::size_t>(settlement.ending)], 1);
  for (std::size_t i = 0; i < ledger::k_flag_names.size(); ++i) {
    if ((settlement.flags & ledger::k_flag_names[i].flag) != 0) add(flags_[i], 1);
  }
  add(input_tokens_, settlement.input_tokens);
  add(cached_tokens_, settlement.cached_tokens);
  add(output_tokens_, settlement.output_tokens);
  add(cost_nano_, settlement.cost.nano());
}

void Metrics::count_probe(ProbeOutcome outcome, const dialect::Usage& usage, base::Credits cost) {
  add(probes_[static_cast<std::size_t>(outcome)], 1);
  add(probe_input_tokens_, usage.input_tokens);
  add(probe_output_tokens_, usage.output_tokens);
  add(probe_cost_nano_, cost.nano());
}

void Metrics::append_probes(std::string& out) const {
  constexpr std::array<std::string_view, 3> k_outcomes{{"good", "bad", "unclear"}};
  append_metric(out, "crd_probes_total", "counter", "crd's own requests to channels, by what they showed.");
  for (std::size_t i = 0; i < k_outcomes.size(); ++i)
    append_value(out, "crd_probes_total", label("outcome", k_outcomes[i]), probes_[i]);
  append_metric(out, "crd_probe_model_tokens_total", "counter", "Model tokens of crd's own requests, on no token.");
  append_value(out, "crd_probe_model_tokens_total", label("kind", "input"), probe_input_tokens_);
  append_value(out, "crd_probe_model_tokens_total", label("kind", "output"), probe_output_tokens_);
  append_metric(out, "crd_probe_cost_dollars_total", "counter", "What crd's own requests cost, on no token.");
  out.append("crd_probe_cost_dollars_total ")
      .append(base::Credits::from_nano(static_cast<std::int64_t>(probe_cost_nano_.load())).to_decimal())
      .append("\n");
}

std::string Metrics::text() const {
  std::string out;
  append_metric(out, "crd_requests_ended_total", "counter", "Requests by how they ended.");
  for (std::size_t i = 0; i < endings_.size(); ++i)
    append_value(out, "crd_requests_ended_total", label("ending", ledger::name_of(static_cast<Ending>(i))),
                 endings_[i]);
  append_metric(out, "crd_requests_refused_total", "counter",
                "Requests refused before they were relayed, by error code.");
  for (std::size_t i = 0; i < refusals_.size(); ++i) {
    const auto name = dialect::row_of(static_cast<dialect::RefusalCode>(i)).name;
    append_value(out, "crd_requests_refused_total", label("code", name), refusals_[i]);
  }
  append_metric(out, "crd_requests_flagged_total", "counter",
                "Ended requests with a flag: estimated costs and the like.");
  for (std::size_t i = 0; i < flags_.size(); ++i)
    append_value(out, "crd_requests_flagged_total", label("flag", ledger::k_flag_names[i].name), flags_[i]);
  append_metric(out, "crd_model_tokens_total", "counter", "Model tokens of ended requests.");
  append_value(out, "crd_model_tokens_total", label("kind", "input"), input_tokens_);
  append_value(out, "crd_model_tokens_total", label("kind", "cached"), cached_tokens_);
  append_value(out, "crd_model_tokens_total", label("kind", "output"), output_tokens_);
  append_metric(out, "crd_cost_dollars_total", "counter", "What ended requests cost.");
  out.append("crd_cost_dollars_total ")
      .append(base::Credits::from_nano(static_cast<std::int64_t>(cost_nano_.load())).to_decimal())
      .append("\n");
  append_probes(out);
  return out;
}

}  // namespace cr::relay::request
