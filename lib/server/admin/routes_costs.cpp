// SPDX-License-Identifier: MIT
// The route of what providers charge.
#include "admin/client.h"
#include "server/admin/routes.h"

namespace cr::server::admin {

namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using ledger::Reports;

cr::admin::CostRow to_message(const ledger::CostGroup& group) {
  const auto part = [](const ledger::CostPart& of) { return cr::admin::CostPart{of.requests, of.cost}; };
  cr::admin::CostRow row;
  row.model = group.model;
  row.requests = group.requests;
  row.input_tokens = group.input_tokens;
  row.cached_tokens = group.cached_tokens;
  row.cache_write_tokens = group.cache_write_tokens;
  row.output_tokens = group.output_tokens;
  row.cost = group.cost;
  row.fees = group.fees;
  row.posted = group.posted;
  row.overrun = group.overrun;
  row.refunded = group.refunded;
  row.in_doubt = part(group.in_doubt);
  row.unknown = part(group.unknown);
  row.estimated = part(group.estimated);
  row.told = part(group.told);
  row.unpriced = part(group.unpriced);
  row.own = part(group.own);
  return row;
}

}  // namespace

// On the connection for what takes long: every row of the day is read.
RouteResult report_costs(RouteCall& call) {
  const auto query = cr::admin::cost_query_from(call.query);
  if (!query) return tl::unexpected(query.error());
  const auto until = query->until.value_or(call.now);
  if (until <= query->since) return fail(ErrorCode::invalid, "until: not after since", "give the day after as until");
  const auto day_end = base::Zone().period_of(base::Period::day, query->since).end;
  cr::admin::CostReport report{query->channel, query->since, std::min(until, day_end), {}, {}, {}};
  if (day_end < until) report.next = day_end;
  auto done = call.api.ledger().read_at_length([&](Reports& reports) -> Result<void> {
    const auto costs = reports.costs({query->channel, report.since, report.until});
    if (!costs) return tl::unexpected(costs.error());
    report.rows_since = costs->rows_since;
    for (const auto& group : costs->groups) report.rows.push_back(to_message(group));
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return answer_with(report);
}

}  // namespace cr::server::admin
