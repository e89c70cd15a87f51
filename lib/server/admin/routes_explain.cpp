// SPDX-License-Identifier: MIT
// Route of `route explain`: what the router makes of every channel for a token and a model, by its own functions.
#include "base/text.h"
#include "relay/request/admission.h"
#include "server/admin/routes.h"
#include "server/admin/token_rows.h"

namespace cr::server::admin {

namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using relay::routing::Availability;
using relay::routing::RouteDecision;

constexpr std::string_view k_root = "/v1/";

Result<dialect::Endpoint> read_endpoint(const std::string& text) {
  const auto path = text.starts_with(k_root) ? text : std::string(k_root) + text;
  const auto endpoint = dialect::find_endpoint(path);
  if (endpoint) return *endpoint;
  return fail(ErrorCode::invalid,
              "endpoint: '" + base::escape_for_terminal(text.substr(0, 64)) + "' is none that is relayed",
              "write it as chat/completions or messages");
}

std::string why_dropped(const RouteCall& call, const relay::routing::Explained& one, dialect::Endpoint endpoint) {
  switch (one.kept) {
    case RouteDecision::disabled:
      return "disabled";
    case RouteDecision::other_endpoint:
      return "its kind does not serve " + std::string(dialect::path_of(endpoint).substr(k_root.size()));
    case RouteDecision::other_model:
      return "does not serve the model";
    case RouteDecision::yes:
      break;
  }
  if (one.group == nullptr) return "in none of the token's groups";
  const auto now = base::steady_now();
  const auto why = call.api.hooks().health->reason(*one.channel, one.upstream_model, now, one.asker);
  const auto wait = base::format_duration(std::chrono::ceil<std::chrono::seconds>(one.availability.until - now));
  const bool refused = one.availability.state == Availability::State::keys_refused;
  return (refused ? "the provider refuses its keys: " : "set aside: ") + why + ", asked again in " + wait;
}

// What is reserved carries every route while the credit does: a dearer group's is the first to be left out.
std::string why_kept(const relay::routing::Explained& one, const relay::routing::Explained& first, std::int64_t place,
                     std::uint32_t tries_max) {
  if (place > tries_max) return "kept, but tries_max is " + std::to_string(tries_max);
  if (one.availability.state == Availability::State::due) return "its cool-down is over: the next request is a probe";
  if (one.group->multiplier_millionths > first.group->multiplier_millionths)
    return "of a dearer group: if those before it fail, and the credit left carries it";
  if (one.share_percent > 0) return place == 1 ? "first choice" : "first choice by weight";
  return "if those before it fail";
}

bool is_kept(const relay::routing::Explained& one) {
  return one.kept == RouteDecision::yes && one.group != nullptr;
}

// In the order they would be tried in; those that would not are told with the reason.
std::vector<cr::admin::RouteChannel> told(RouteCall& call, const std::vector<relay::routing::Explained>& channels,
                                          dialect::Endpoint endpoint) {
  std::vector<cr::admin::RouteChannel> rows;
  for (const auto& one : channels) {
    cr::admin::RouteChannel row;
    row.channel = one.channel->name;
    if (one.group != nullptr) row.group = one.group->name;
    row.kept = is_kept(one) && one.availability.may_send();
    if (row.kept) row.place = static_cast<std::int64_t>(rows.size()) + 1;
    row.reason = row.kept ? why_kept(one, channels.front(), row.place, call.api.hooks().tries_max())
                          : why_dropped(call, one, endpoint);
    row.priority = one.channel->priority;
    row.weight = one.channel->weight;
    row.share_percent = one.share_percent;
    if (row.kept) row.upstream_model = one.upstream_model;
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

RouteResult explain_route(RouteCall& call) {
  const auto name = find_parameter(call.query, "token");
  const auto model = find_parameter(call.query, "model");
  if (!name || !model || model->empty()) return fail(ErrorCode::invalid, "token and model: give both");
  const auto directory = call.api.ledger().directory().get();
  const auto token = directory->find_token(*name);
  if (!token) {
    const auto row = find_token_row(call.api.ledger(), *name);  // for its words: not found, and the nearest
    if (!row) return tl::unexpected(row.error());
    return fail(ErrorCode::unavailable, "token '" + *name + "' is changing just now", "try again");
  }
  const auto asked = find_parameter(call.query, "endpoint");
  auto endpoint = read_endpoint(asked.value_or("chat/completions"));
  if (!endpoint) return tl::unexpected(endpoint.error());
  relay::request::Admission admission(*directory, *call.api.hooks().health, *call.api.hooks().rates);
  (void)admission.identify(relay::request::Caller{{}, token, directory->find_account(token->account), {}}, std::nullopt,
                           call.now);
  dialect::RequestScan scan;
  scan.model = *model;
  const auto refusal = admission.allow(std::move(scan));
  const auto explain = [&] { return admission.explain_routes(*endpoint, base::steady_now()); };
  auto channels = explain();
  if (!asked && std::none_of(channels.begin(), channels.end(), is_kept)) {
    endpoint = dialect::Endpoint::messages;
    channels = explain();
    if (std::none_of(channels.begin(), channels.end(), is_kept)) {
      endpoint = dialect::Endpoint::chat_completions;
      channels = explain();
    }
  }
  cr::admin::RouteExplained answer;
  answer.token = token->name;
  answer.model = *model;
  answer.endpoint = dialect::path_of(*endpoint).substr(k_root.size());
  answer.model_allowed = !refusal;
  answer.channels = told(call, channels, *endpoint);
  return answer_with(answer);
}

}  // namespace cr::server::admin
