// SPDX-License-Identifier: MIT
// request list, show; and what the files of this noun share.
#include "crctl/request.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/json_text.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using admin::Request;
using admin::RequestFilter;
using base::Result;

constexpr int k_list_default = 50;

Cell duration_cell(std::int64_t ms) {
  return {std::to_string(ms), took_text(ms), Style::none};
}

Cell started_cell(const Request& request, const View& view) {
  return {base::format_rfc3339(request.started_at),
          view.exact ? when_text(request.started_at, view) : local_time(request.started_at), Style::none};
}

Cell ending_cell(const Request& request) {
  const std::string text = request.error.empty() ? request.ending : request.error;
  return text_cell(text, request.ending == "complete" ? Style::none : Style::bad);
}

// What was posted, less what was given back; '~' in front of what nobody counted.
Cell cost_cell(const Request& request, const View&) {
  Cell cell = money_cell(request.cost - request.refunded, 6);
  for (const char* flag : {"estimated", "unknown", "in_doubt"}) {
    if (std::find(request.flags.begin(), request.flags.end(), flag) == request.flags.end()) continue;
    cell.shown = "~" + cell.shown;
    break;
  }
  return cell;
}

}  // namespace

Cell unit_cell(const std::optional<std::int64_t>& count) {
  return count ? count_cell(*count) : Cell{};
}

const RecordKind<Request>& request_kind() {
  using T = const Request&;
  using V = const View&;
  static const RecordKind<Request> k_kind{
      "request",
      {
          {{"id", Align::left, 8}, [](T r, V) { return text_cell(r.id); }},
          {{"started", Align::left, 4}, started_cell},
          {{"token"}, [](T r, V) { return text_cell(r.token); }},
          {{"model", Align::left, 1}, [](T r, V) { return text_cell(r.model); }},
          {{"status", Align::right},
           [](T r, V) { return text_cell(std::to_string(r.status), r.status >= 400 ? Style::bad : Style::none); }},
          {{"ending", Align::left, 3}, [](T r, V) { return ending_cell(r); }},
          {{"input", Align::right, 6}, [](T r, V) { return count_cell(r.input_tokens); }},
          {{"output", Align::right, 6}, [](T r, V) { return count_cell(r.output_tokens); }},
          {{"duration", Align::right, 5}, [](T r, V) { return duration_cell(r.duration_ms); }},
          {{"cost", Align::right}, cost_cell},
          {{"channel", Align::left, 9, From::wide}, [](T r, V) { return text_cell(r.channel); }},
          {{"group", Align::left, 9, From::wide}, [](T r, V) { return text_cell(r.group); }},
          {{"account", Align::left, 9, From::wide}, [](T r, V) { return text_cell(r.account); }},
          {{"source_ip", Align::left, 9, From::wide}, [](T r, V) { return text_cell(r.source_ip); }},
          {{"endpoint", Align::left, 9, From::wide}, [](T r, V) { return text_cell(r.endpoint); }},
          {{"upstream_model", Align::left, 9, From::detail},
           [](T r, V) { return text_cell(r.upstream_model.value_or("")); }},
          {{"upstream_id", Align::left, 9, From::detail}, [](T r, V) { return text_cell(r.upstream_id.value_or("")); }},
          {{"stream", Align::left, 9, From::detail}, [](T r, V) { return bool_cell(r.stream); }},
          {{"first_byte", Align::right, 9, From::detail},
           [](T r, V) { return r.first_byte_ms ? duration_cell(*r.first_byte_ms) : Cell{}; }},
          {{"cached", Align::right, 9, From::detail}, [](T r, V) { return count_cell(r.cached_tokens); }},
          {{"cache_write", Align::right, 9, From::detail}, [](T r, V) { return count_cell(r.cache_write_tokens); }},
          {{"images", Align::right, 9, From::detail}, [](T r, V) { return unit_cell(r.images); }},
          {{"characters", Align::right, 9, From::detail}, [](T r, V) { return unit_cell(r.characters); }},
          {{"audio", Align::right, 9, From::detail},
           [](T r, V) { return r.audio_ms ? duration_cell(*r.audio_ms) : Cell{}; }},
          {{"search_units", Align::right, 9, From::detail}, [](T r, V) { return unit_cell(r.search_units); }},
          {{"held", Align::right, 9, From::detail}, [](T r, V) { return money_cell(r.held, 9); }},
          {{"refunded", Align::right, 9, From::detail},
           [](T r, V) { return r.refunded.nano() == 0 ? Cell{} : money_cell(r.refunded, 9); }},
          {{"overrun", Align::right, 9, From::detail},
           [](T r, V) { return r.overrun.nano() == 0 ? Cell{} : money_cell(r.overrun, 9); }},
          {{"flags", Align::left, 9, From::detail}, [](T r, V) { return text_cell(join(r.flags, ",")); }},
      },
      [](T r) { return r.id; }};
  return k_kind;
}

namespace {

// How its cost came about, below the row.
Result<Exit> run_show_request(Context& context, const std::string& path) {
  if (context.globals.wants_field_names()) return print_field_names(context, request_kind());
  std::string raw;
  auto request = context.client().get<Request>(path, &raw);
  if (!request) return tl::unexpected(request.error());
  const auto bill = request->bill;
  auto printed = print_one(context, request_kind(), *std::move(request), raw);
  if (!printed || !bill || context.output.wants_data()) return printed;
  const bool shipped = bill->source == "shipped";
  std::string text =
      fmt::format("\nby the price of {}, {} {}{}\n", base::escape_for_terminal(bill->model),
                  shipped ? "of the shipped list of" : bill->source,
                  shipped ? base::format_rfc3339(bill->priced_at).substr(0, 10) : base::format_rfc3339(bill->priced_at),
                  bill->told_cost ? "; the provider told more, which is charged" : "");
  for (const auto& line : bill->text) text += "  " + base::escape_for_terminal(line) + "\n";
  if (auto shown = context.output.text(text); !shown) return tl::unexpected(shown.error());
  return printed;
}

}  // namespace

Result<RequestFilter> request_filter(const Context& context, const RequestWords& words) {
  RequestFilter filter;
  filter.token = words.token;
  filter.model = words.model;
  filter.channel = words.channel;
  filter.account = words.account;
  filter.error = words.errors ? std::optional<std::string>("*") : words.error;
  for (const auto& [text, target] : {std::pair{&words.since, &filter.since}, std::pair{&words.until, &filter.until}}) {
    if (!*text) continue;
    auto time = parse_moment(**text, context.now);
    if (!time) return tl::unexpected(time.error());
    *target = *time;
  }
  if (words.limit && (*words.limit < 1 || *words.limit > 1'000'000)) {
    return base::fail(base::ErrorCode::invalid, fmt::format("{} is not a count of requests", *words.limit));
  }
  return filter;
}

PathOfPage request_pages(RequestFilter filter) {
  return [filter = std::move(filter)](const std::optional<std::string>& cursor, std::optional<int> limit) mutable {
    filter.cursor = cursor;
    filter.limit = limit;
    return "/requests" + admin::query_of(filter);
  };
}

namespace {

struct RefundWords {
  std::string id;
  std::optional<std::string> amount;
};

Result<Exit> run_refund(Context& context, const RefundWords& words) {
  admin::RequestRefund refund;
  if (words.amount) {
    auto amount = base::Credits::parse(*words.amount);
    if (!amount) return tl::unexpected(amount.error());
    refund.amount = *amount;
  }
  std::string raw;
  auto refunded = context.client().send<admin::Refunded>(
      "POST", "/requests/" + admin::encode_segment(words.id) + "/refund", refund, context.call_options(), &raw);
  if (!refunded) return tl::unexpected(refunded.error());
  const auto left = refunded->request.cost - refunded->request.refunded;
  context.output.note(fmt::format("{}refunded {} of {} to token '{}'; {} stays posted", context.would(),
                                  money_text(refunded->amount, 9), words.id, refunded->request.token,
                                  money_text(left, 9)));
  auto printed = context.output.object(member_json(raw, "request"));
  if (!printed) return tl::unexpected(printed.error());
  return Exit::done;
}

Result<Exit> run_request_list(Context& context, const RequestWords& words) {
  auto filter = request_filter(context, words);
  if (!filter) return tl::unexpected(filter.error());
  ListRequest<Request> request{request_pages(*filter), static_cast<int>(words.limit.value_or(k_list_default))};
  return run_list(context, request_kind(), request);
}

}  // namespace

void add_request_filters(CLI::App& verb, RequestWords& words) {
  add_text(verb, "--token", "TOKEN", "Only this token.", words.token);
  add_text(verb, "--model", "MODEL", "Only this model.", words.model);
  add_text(verb, "--channel", "CHANNEL", "Only this channel.", words.channel);
  add_text(verb, "--account", "ACCOUNT", "Only this account.", words.account);
  auto* error = add_text(verb, "--error", "CODE", "Only this error, such as insufficient_quota.", words.error);
  exclude(add_flag(verb, "--errors", "Only requests with an error.", words.errors), error);
  add_text(verb, "--since", "WHEN", "From then on: 1h back, or a date.", words.since);
}

void add_request(Commands& commands) {
  CLI::App& request = commands.noun("request", "Requests that clients of /v1 have made.");
  auto listed = std::make_shared<RequestWords>();
  CLI::App& list =
      commands.verb(request, {"list", "List requests, newest first.", {"crctl request list --token ci --errors"}, {}},
                    Effect::reads, [listed](Context& context) { return run_request_list(context, *listed); });
  add_request_filters(list, *listed);
  add_text(list, "--until", "WHEN", "Up to then (now).", listed->until);
  add_number(list, "--limit", "N", "At most this many (50).", listed->limit);

  auto shown = std::make_shared<std::string>();
  CLI::App& show = commands.verb(
      request, {"show", "Show all about a request.", {"crctl request show req_01J8Z3K5M7N9P1Q3R5S7T9V1W3"}, {}},
      Effect::reads,
      [shown](Context& context) { return run_show_request(context, "/requests/" + admin::encode_segment(*shown)); });
  add_name(show, "ID", "ID", "What the client saw as x-request-id.", *shown);

  auto refunded = std::make_shared<RefundWords>();
  CLI::App& refund =
      commands.verb(request,
                    {"refund",
                     "Give back what a request cost, all of it or a part.",
                     {"crctl request refund req_01J8Z3K5M7N9P1Q3R5S7T9V1W3 --reason 'in doubt'"},
                     "Never more than was posted. Quota, budgets, account and usage follow."},
                    Effect::adds, [refunded](Context& context) { return run_refund(context, *refunded); });
  add_name(refund, "ID", "ID", "What the client saw as x-request-id.", refunded->id);
  add_text(refund, "--amount", "AMOUNT", "Dollars to give back (all that is left of the cost).", refunded->amount);

  add_request_tail(commands, request);
}

}  // namespace cr::crctl
