// SPDX-License-Identifier: MIT
// Routes of what happened (requests, usage, audit) and of the daemon itself (status, version, configuration).
#include <array>
#include <charconv>

#include "admin/client.h"
#include "base/text.h"
#include "ledger/core/flag_names.h"
#include "server/admin/bill.h"
#include "server/admin/routes.h"

namespace cr::server::admin {

namespace {

using base::ErrorCode;
using base::fail;
using base::RequestId;
using base::Result;
using ledger::Reports;
using ledger::UsageBy;

constexpr std::size_t k_limit_default = 200;
constexpr std::size_t k_limit_max = 1000;
constexpr std::chrono::hours k_usage_window{24 * 30};

struct Dimension {
  std::string_view name;
  UsageBy by;
};
constexpr std::array<Dimension, 9> k_dimensions{{{"token", UsageBy::token},
                                                 {"model", UsageBy::model},
                                                 {"day", UsageBy::day},
                                                 {"hour", UsageBy::hour},
                                                 {"week", UsageBy::week},
                                                 {"month", UsageBy::month},
                                                 {"channel", UsageBy::channel},
                                                 {"group", UsageBy::group},
                                                 {"account", UsageBy::account}}};

cr::admin::Request to_message(const ledger::RequestRow& row) {
  const auto& settlement = row.settlement;
  const auto& facts = settlement.facts;
  cr::admin::Request request;
  request.id = facts.id.to_string();
  request.started_at = row.booking.reserved_at;
  request.duration_ms = settlement.duration_ms;
  request.first_byte_ms = settlement.first_byte_ms;
  request.token = row.token_name;
  request.account = row.account_name;
  request.group = facts.group;
  request.channel = row.channel_name;
  request.endpoint = facts.endpoint;
  request.model = facts.model;
  if (!settlement.upstream_model.empty()) request.upstream_model = settlement.upstream_model;
  if (!settlement.upstream_request_id.empty()) request.upstream_id = settlement.upstream_request_id;
  request.source_ip = facts.source_ip;
  request.status = settlement.status;
  request.ending = row.open ? std::string("running") : std::string(name_of(settlement.ending));
  request.error = settlement.error;
  request.stream = facts.stream;
  request.input_tokens = settlement.input_tokens;
  request.cached_tokens = settlement.cached_tokens;
  request.cache_write_tokens = settlement.cache_write_tokens;
  request.output_tokens = settlement.output_tokens;
  const auto told = [](std::int64_t count) { return count == 0 ? std::nullopt : std::optional(count); };
  request.images = told(settlement.units.images);
  request.characters = told(settlement.units.characters);
  request.audio_ms = told(settlement.units.audio_ms);
  request.search_units = told(settlement.units.search_units);
  request.held = row.booking.reserved;
  request.cost = row.booking.posted;
  request.refunded = row.booking.refunded;
  request.overrun = row.booking.overrun;
  for (const auto& known : ledger::k_flag_names) {
    if ((settlement.flags & known.flag) != 0) request.flags.emplace_back(known.name);
  }
  return request;
}

Result<RequestId> read_id(std::string_view member, const std::string& text) {
  const auto id = RequestId::parse(text);
  if (!id)
    return fail(ErrorCode::invalid, std::string(member) + ": not a request's id", "it looks like req_01J9ZK3QW8...");
  return *id;
}

Result<ledger::RequestQuery> to_query(const cr::admin::RequestFilter& filter) {
  ledger::RequestQuery query;
  query.token = filter.token;
  query.model = filter.model;
  query.channel = filter.channel;
  query.account = filter.account;
  query.error = filter.error;
  query.since = filter.since;
  query.until = filter.until;
  query.limit = filter.limit ? static_cast<std::size_t>(*filter.limit) : k_limit_default;
  if (filter.cursor) {
    const auto id = read_id("cursor", *filter.cursor);
    if (!id) return tl::unexpected(id.error());
    query.before = *id;
  }
  if (filter.after) {
    const auto id = read_id("after", *filter.after);
    if (!id) return tl::unexpected(id.error());
    query.after = *id;
  }
  return query;
}

Result<ledger::UsageSelection> to_selection(const cr::admin::UsageQuery& query, base::Time now) {
  ledger::UsageSelection selection;
  for (const auto& name : query.by) {
    for (const auto& dimension : k_dimensions) {
      if (dimension.name == name) selection.by.push_back(dimension.by);
    }
  }
  selection.until = query.until.value_or(now);
  selection.since = query.since.value_or(selection.until - k_usage_window);
  if (selection.until < selection.since) {
    return fail(ErrorCode::invalid, "until: before since", "a duration goes back from now: since 2h, until 1h");
  }
  selection.token = query.token;
  selection.model = query.model;
  selection.channel = query.channel;
  selection.group = query.group;
  selection.account = query.account;
  if (query.time_zone) {
    auto zone = base::Zone::find(*query.time_zone);
    if (!zone) return fail(ErrorCode::invalid, "time_zone: " + zone.error().message, zone.error().hint);
    selection.zone = *zone;
  }
  return selection;
}

cr::admin::UsageRow to_message(const ledger::UsageGroup& group, const std::vector<std::string>& by) {
  cr::admin::UsageRow row;
  for (std::size_t at = 0; at < by.size() && at < group.key.size(); ++at) row.key[by[at]] = group.key[at];
  row.requests = group.requests;
  row.errors = group.errors;
  row.input_tokens = group.input_tokens;
  row.cached_tokens = group.cached_tokens;
  row.output_tokens = group.output_tokens;
  row.cost = group.cost;
  row.estimated = group.estimated;
  return row;
}

void add(cr::admin::UsageRow& total, const cr::admin::UsageRow& row) {
  total.requests += row.requests;
  total.errors += row.errors;
  total.input_tokens += row.input_tokens;
  total.cached_tokens += row.cached_tokens;
  total.output_tokens += row.output_tokens;
  total.cost += row.cost;
  total.estimated = total.estimated || row.estimated;
}

Result<std::int64_t> whole_parameter(const AdminQuery& query, const std::string& name, std::int64_t low,
                                     std::int64_t high, std::int64_t otherwise) {
  const auto text = find_parameter(query, name);
  if (!text) return otherwise;
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (text->empty() || code != std::errc() || end != text->data() + text->size() || number < low || number > high) {
    return fail(ErrorCode::invalid,
                name + ": expected a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return number;
}

}  // namespace

RouteResult show_status(RouteCall& call) {
  auto status = call.api.hooks().status();
  const auto tokens = read_ledger(call.api.ledger(), [](Reports& reports) { return reports.count_tokens(); });
  if (!tokens) return tl::unexpected(tokens.error());
  status.tokens = *tokens;
  const auto directory = call.api.ledger().directory().get();
  status.channels = static_cast<std::int64_t>(directory->channels().size());
  return answer_with(status);
}

RouteResult show_version(RouteCall&) {
  return answer_with(cr::admin::Version{CR_VERSION, "v1"});
}

RouteResult show_metrics(RouteCall& call) {
  return AdminAnswer{200, base::Secret(call.api.hooks().metrics()), std::nullopt, "text/plain; version=0.0.4"};
}

RouteResult list_requests(RouteCall& call) {
  const auto filter = cr::admin::request_filter_from(call.query);
  if (!filter) return tl::unexpected(filter.error());
  const auto query = to_query(*filter);
  if (!query) return tl::unexpected(query.error());
  const auto rows = read_ledger(call.api.ledger(), [&](Reports& reports) { return reports.requests(*query); });
  if (!rows) return tl::unexpected(rows.error());
  cr::admin::Page<cr::admin::Request> page;
  for (const auto& row : *rows) page.items.push_back(to_message(row));
  if (!filter->after && page.items.size() == query->limit) page.next = page.items.back().id;
  return answer_with(page);
}

RouteResult show_request(RouteCall& call) {
  const auto id = read_id("id", call.name());
  if (!id) return tl::unexpected(id.error());
  const auto row = read_ledger(call.api.ledger(), [&](Reports& reports) { return reports.request(*id); });
  if (!row) return tl::unexpected(row.error());
  auto shown = to_message(*row);
  if (row->settlement.price_generation != 0) {
    const auto price = read_ledger(call.api.ledger(), [&](Reports& reports) {
      return reports.price_generation(row->settlement.price_generation);
    });
    if (!price) return tl::unexpected(price.error());
    if (*price) {
      auto bill = bill_of(*row, **price);
      if (!bill) return tl::unexpected(bill.error());
      shown.bill = std::move(*bill);
    }
  }
  return answer_with(shown);
}

RouteResult report_usage(RouteCall& call) {
  const auto query = cr::admin::usage_query_from(call.query);
  if (!query) return tl::unexpected(query.error());
  const auto selection = to_selection(*query, call.now);
  if (!selection) return tl::unexpected(selection.error());
  const auto groups = read_ledger(call.api.ledger(), [&](Reports& reports) { return reports.usage(*selection); });
  if (!groups) return tl::unexpected(groups.error());
  const auto span = Reports::usage_span(selection->since, selection->until);
  cr::admin::UsageReport report{query->by, span.start, span.end, selection->zone.name(), {}, {}};
  for (const auto& group : *groups) {
    report.rows.push_back(to_message(group, query->by));
    add(report.total, report.rows.back());
  }
  return answer_with(report);
}

RouteResult list_audit(RouteCall& call) {
  const auto after = whole_parameter(call.query, "after", 0, std::numeric_limits<std::int64_t>::max(), 0);
  const auto limit = whole_parameter(call.query, "limit", 1, k_limit_max, k_limit_default);
  if (!after) return tl::unexpected(after.error());
  if (!limit) return tl::unexpected(limit.error());
  const auto newest = find_parameter(call.query, "newest");
  if (newest && *newest != "true" && *newest != "false")
    return fail(ErrorCode::invalid, "newest: expected true or false");
  const auto size = static_cast<std::size_t>(*limit);
  const auto rows = read_ledger(call.api.ledger(), [&](Reports& reports) {
    return newest == "true" ? reports.newest_audit(size) : reports.audit(*after, size);
  });
  if (!rows) return tl::unexpected(rows.error());
  cr::admin::Page<cr::admin::AuditEntry> page;
  for (const auto& row : *rows) {
    page.items.push_back({row.seq, row.at, row.pid, row.uid, row.gid, row.action, row.object, row.detail, row.reason});
  }
  // The last number is what to go on from: as ?after.
  if (page.items.size() == size && newest != "true") page.next = std::to_string(page.items.back().seq);
  return answer_with(page);
}

RouteResult refund_request(RouteCall& call) {
  const auto id = read_id("id", call.name());
  if (!id) return tl::unexpected(id.error());
  const auto refund = read_body<cr::admin::RequestRefund>(call);
  if (!refund) return tl::unexpected(refund.error());
  cr::admin::Refunded refunded;
  auto done = call.write([&](ledger::Store& store) -> Result<void> {
    const auto amount = store.refund_request(*id, refund->amount, call.request.actor);
    if (!amount) return tl::unexpected(amount.error());
    refunded.amount = *amount;
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  const auto row = read_ledger(call.api.ledger(), [&](Reports& reports) { return reports.request(*id); });
  if (!row) return tl::unexpected(row.error());
  refunded.request = to_message(*row);
  return answer_with(refunded);
}

// Every balance from its rows, on the connection for what takes long: reservations and other reads go on.
RouteResult verify_audit(RouteCall& call) {
  if (const auto body = read_body<cr::admin::Empty>(call); !body) return tl::unexpected(body.error());
  const auto started = base::steady_now();
  std::optional<Reports::Verified> verified;
  auto done = call.api.ledger().read_at_length([&](Reports& reports) -> Result<void> {
    auto found = reports.verify();
    if (!found) return tl::unexpected(found.error());
    verified = *found;
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(base::steady_now() - started);
  return answer_with(cr::admin::AuditVerified{verified->requests, verified->open, verified->tokens, verified->accounts,
                                              verified->audit_rows, verified->posted, verified->reserved,
                                              verified->since, took.count()});
}

RouteResult check_config(RouteCall& call) {
  const auto check = read_body<cr::admin::ConfigCheck>(call);
  if (!check) return tl::unexpected(check.error());
  return answer_with(call.api.hooks().check_config(check->text, check->name.empty() ? "crd.toml" : check->name));
}

RouteResult reload_config(RouteCall& call) {
  if (const auto body = read_body<cr::admin::Empty>(call); !body) return tl::unexpected(body.error());
  if (call.is_dry_run()) return answer_with(call.api.hooks().check_config("", ""));
  return answer_with(call.api.hooks().reload());
}

}  // namespace cr::server::admin
