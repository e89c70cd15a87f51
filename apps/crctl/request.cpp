// SPDX-License-Identifier: MIT
// The noun `request`.
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/text.h"
#include "crctl/commands.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using admin::Request;
using admin::RequestFilter;
using base::Result;

constexpr int k_list_default = 50;
constexpr int k_tail_default = 10;
constexpr auto k_follow_pause = std::chrono::seconds(1);

struct Words {
  std::optional<std::string> token, model, channel, account, error, since, until;
  std::optional<std::int64_t> limit;
  bool errors = false, follow = false;
};

Cell duration_cell(std::int64_t ms) {
  return {std::to_string(ms), base::format_duration(std::chrono::milliseconds(ms)), Style::none};
}

Cell started_cell(const Request& request, const View& view) {
  return {base::format_rfc3339(request.started_at),
          view.exact ? when_text(request.started_at, view) : local_time(request.started_at), Style::none};
}

Cell ending_cell(const Request& request) {
  const std::string text = request.error.empty() ? request.ending : request.error;
  return text_cell(text, request.ending == "complete" ? Style::none : Style::bad);
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
          {{"cost", Align::right}, [](T r, V) { return money_cell(r.cost, 6); }},
          {{"channel", Align::left, 9, From::wide}, [](T r, V) { return text_cell(r.channel); }},
          {{"group", Align::left, 9, From::wide}, [](T r, V) { return text_cell(r.group); }},
          {{"account", Align::left, 9, From::wide}, [](T r, V) { return text_cell(r.account); }},
          {{"source_ip", Align::left, 9, From::wide}, [](T r, V) { return text_cell(r.source_ip); }},
          {{"endpoint", Align::left, 9, From::wide}, [](T r, V) { return text_cell(r.endpoint); }},
          {{"upstream_model", Align::left, 9, From::detail},
           [](T r, V) { return text_cell(r.upstream_model.value_or("")); }},
          {{"stream", Align::left, 9, From::detail}, [](T r, V) { return bool_cell(r.stream); }},
          {{"first_byte", Align::right, 9, From::detail},
           [](T r, V) { return r.first_byte_ms ? duration_cell(*r.first_byte_ms) : Cell{}; }},
          {{"cached", Align::right, 9, From::detail}, [](T r, V) { return count_cell(r.cached_tokens); }},
          {{"cache_write", Align::right, 9, From::detail}, [](T r, V) { return count_cell(r.cache_write_tokens); }},
          {{"held", Align::right, 9, From::detail}, [](T r, V) { return money_cell(r.held, 9); }},
          {{"overrun", Align::right, 9, From::detail},
           [](T r, V) { return r.overrun.nano() == 0 ? Cell{} : money_cell(r.overrun, 9); }},
          {{"flags", Align::left, 9, From::detail}, [](T r, V) { return text_cell(join(r.flags, ",")); }},
      },
      [](T r) { return r.id; }};
  return k_kind;
}

Result<RequestFilter> filter_of(const Context& context, const Words& words) {
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

PathOfPage pages_of(RequestFilter filter) {
  return [filter = std::move(filter)](const std::optional<std::string>& cursor, std::optional<int> limit) mutable {
    filter.cursor = cursor;
    filter.limit = limit;
    return "/requests" + admin::query_of(filter);
  };
}

Result<Exit> run_request_list(Context& context, const Words& words) {
  auto filter = filter_of(context, words);
  if (!filter) return tl::unexpected(filter.error());
  ListRequest<Request> request{pages_of(*filter), static_cast<int>(words.limit.value_or(k_list_default)), {}};
  return run_list(context, request_kind(), request);
}

// The newest few, oldest first, then (with -f) what comes; only the first lines have a header.
Result<Exit> run_tail(Context& context, const Words& words) {
  auto filter = filter_of(context, words);
  if (!filter) return tl::unexpected(filter.error());
  auto records = fetch_all<Request>(context, pages_of(*filter), static_cast<int>(words.limit.value_or(k_tail_default)));
  if (!records) return tl::unexpected(records.error());
  std::reverse(records->begin(), records->end());
  Globals later = context.globals;
  Output without_header(later, context.terminal);
  if (words.follow && later.mode() == Mode::json) later.output = "jsonl";
  Output* output = words.follow && later.output == "jsonl" ? &without_header : &context.output;
  // Without one there is no place to go on from: what has begun since crctl did.
  filter->after = records->empty() ? std::nullopt : std::optional(records->back().value.id);
  if (!filter->after && !filter->since) filter->since = context.now;
  while (true) {
    if (!records->empty() || !words.follow) {
      auto printed = output->list(make_listing(request_kind(), *records, context.list_view()));
      if (!printed) return tl::unexpected(printed.error());
      later.no_header = true;
      output = &without_header;
    }
    if (!words.follow) return Exit::done;
    if (!records->empty()) filter->after = records->back().value.id;
    std::this_thread::sleep_for(k_follow_pause);
    records = fetch_all<Request>(context, pages_of(*filter), k_page_records);
    if (!records) return tl::unexpected(records.error());
    if (!filter->after) std::reverse(records->begin(), records->end());
  }
}

void add_filters(CLI::App& verb, Words& words) {
  add_text(verb, "--token", "TOKEN", "Only this token.", words.token);
  add_text(verb, "--model", "MODEL", "Only this model.", words.model);
  add_text(verb, "--channel", "CHANNEL", "Only this channel.", words.channel);
  add_text(verb, "--account", "ACCOUNT", "Only this account.", words.account);
  auto* error = add_text(verb, "--error", "CODE", "Only this error, such as insufficient_quota.", words.error);
  exclude(add_flag(verb, "--errors", "Only requests with an error.", words.errors), error);
  add_text(verb, "--since", "WHEN", "From then on: 1h back, or a date.", words.since);
}

}  // namespace

void add_request(Commands& commands) {
  CLI::App& request = commands.noun("request", "Requests that clients of /v1 have made.");
  auto listed = std::make_shared<Words>();
  CLI::App& list =
      commands.verb(request, {"list", "List requests, newest first.", {"crctl request list --token ci --errors"}, {}},
                    Effect::reads, [listed](Context& context) { return run_request_list(context, *listed); });
  add_filters(list, *listed);
  add_text(list, "--until", "WHEN", "Up to then (now).", listed->until);
  add_number(list, "--limit", "N", "At most this many (50).", listed->limit);

  auto shown = std::make_shared<std::string>();
  CLI::App& show = commands.verb(
      request, {"show", "Show all about a request.", {"crctl request show req_01J8Z3K5M7N9P1Q3R5S7T9V1W3"}, {}},
      Effect::reads, [shown](Context& context) {
        return run_show(context, request_kind(), "/requests/" + admin::encode_segment(*shown));
      });
  add_name(show, "ID", "ID", "What the client saw as x-request-id.", *shown);

  auto tailed = std::make_shared<Words>();
  CLI::App& tail = commands.verb(request,
                                 {"tail",
                                  "Show the last requests, newest last.",
                                  {"crctl request tail -f", "crctl request tail -f --errors --json"},
                                  {}},
                                 Effect::reads, [tailed](Context& context) { return run_tail(context, *tailed); });
  add_filters(tail, *tailed);
  add_flag(tail, "-f,--follow", "Go on as requests come; Ctrl-C ends it.", tailed->follow);
  add_number(tail, "--limit", "N", "How many to begin with (10).", tailed->limit);
}

}  // namespace cr::crctl
