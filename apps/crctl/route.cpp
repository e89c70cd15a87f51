// SPDX-License-Identifier: MIT
// The noun `route`.
#include <fmt/format.h>

#include "base/text.h"
#include "crctl/commands.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using admin::RouteChannel;
using base::Result;

struct Words {
  std::optional<std::string> token, model, endpoint;
};

const RecordKind<RouteChannel>& route_kind() {
  using T = const RouteChannel&;
  using V = const View&;
  static const RecordKind<RouteChannel> k_kind{
      "channel",
      {
          {{"place", Align::right}, [](T c, V) { return c.kept ? count_cell(c.place) : Cell{}; }},
          {{"channel"}, [](T c, V) { return text_cell(c.channel); }},
          {{"group", Align::left, 3}, [](T c, V) { return text_cell(c.group); }},
          {{"verdict"},
           [](T c, V) { return c.kept ? text_cell("kept", Style::good) : text_cell("dropped", Style::faint); }},
          {{"reason"}, [](T c, V) { return text_cell(c.reason); }},
          {{"share", Align::right, 2},
           [](T c, V) { return c.share_percent > 0 ? text_cell(std::to_string(c.share_percent) + "%") : Cell{}; }},
          {{"priority", Align::right, 4}, [](T c, V) { return count_cell(c.priority); }},
          {{"weight", Align::right, 5}, [](T c, V) { return count_cell(c.weight); }},
          {{"upstream_model", Align::left, 6, From::wide}, [](T c, V) { return text_cell(c.upstream_model); }},
      },
      [](T c) { return c.channel; }};
  return k_kind;
}

std::string summary_of(const admin::RouteExplained& explained, std::size_t kept) {
  auto text = fmt::format("{} at {}: {} of {} channels kept", explained.model, explained.endpoint, kept,
                          explained.channels.size());
  if (!explained.model_allowed)
    text += fmt::format("; but token '{}' may not use this model ('--models')", explained.token);
  return base::escape_for_terminal(text);
}

Result<Exit> run_explain(Context& context, const Words& words) {
  if (context.globals.wants_field_names()) return print_field_names(context, route_kind());
  auto path = fmt::format("/routes?token={}&model={}", admin::encode_segment(*words.token),
                          admin::encode_segment(*words.model));
  if (words.endpoint) path += "&endpoint=" + admin::encode_segment(*words.endpoint);
  std::string raw;
  auto explained = context.client().get<admin::RouteExplained>(path, &raw);
  if (!explained) return tl::unexpected(explained.error());
  std::vector<Record<RouteChannel>> records;
  const auto items = array_items(raw, "channels");
  std::size_t kept = 0;
  for (std::size_t i = 0; i < explained->channels.size(); ++i) {
    kept += explained->channels[i].kept ? 1 : 0;
    records.push_back({explained->channels[i], i < items.size() ? items[i] : std::string()});
  }
  Listing listing = make_listing(route_kind(), records, context.list_view());
  listing.summary = summary_of(*explained, kept);
  if (auto printed = context.output.list(listing); !printed) return tl::unexpected(printed.error());
  return kept > 0 && explained->model_allowed ? Exit::done : Exit::said_no;
}

}  // namespace

void add_route(Commands& commands) {
  CLI::App& route = commands.noun("route", "Routes: which channels a request would be sent to, and why.");
  auto words = std::make_shared<Words>();
  CLI::App& explain =
      commands.verb(route,
                    {"explain",
                     "Show every channel a request would be sent to, in order, and why the others would not.",
                     {"crctl route explain --token ci --model gpt-4o",
                      "crctl route explain --token ci --model m --endpoint embeddings"},
                     "Asks the router itself, as things stand now. Exits with 14 where no channel is left."},
                    Effect::reads, [words](Context& context) { return run_explain(context, *words); });
  require(add_text(explain, "--token", "TOKEN", "The token that would ask; required.", words->token));
  require(add_text(explain, "--model", "MODEL", "The model it would ask for; required.", words->model));
  add_text(explain, "--endpoint", "PATH",
           "The address below /v1: embeddings (chat/completions, or messages where only that is served).",
           words->endpoint);
}

}  // namespace cr::crctl
