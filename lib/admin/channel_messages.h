// SPDX-License-Identifier: MIT
// Messages about channels and the models they serve. See token_messages.h.
#pragma once

#include "admin/token_messages.h"

namespace cr::admin {

struct ChannelKeyInfo {
  std::string first, last;
  Time created_at;
};
// How a channel does: by the requests of this daemon's life, the last 256 of them at most.
struct ChannelHealth {
  std::string state;                        // ready, due (its next request is a probe), cooling, keys_refused
  std::string reason;                       // "answered 503"; empty if nothing is wrong
  std::optional<std::int64_t> retry_in_ms;  // until the next probe
  std::int64_t keys_aside = 0;              // keys the provider refuses
  std::int64_t requests = 0;                // those the figures are made from
  std::optional<std::int64_t> p50_ms, first_byte_p50_ms, error_percent;
};
struct Channel {
  std::int64_t id = 0;
  std::int64_t rev = 0;
  std::string name;
  std::string kind;  // openai anthropic echo
  bool enabled = true;
  std::string base_url;
  std::vector<std::string> models;               // names and patterns
  std::map<std::string, std::string> model_map;  // alias -> upstream's name
  std::vector<std::string> groups;
  std::int64_t priority = 0;  // higher first
  std::int64_t weight = 1;    // within a priority
  std::int64_t timeout_connect_ms = 0, timeout_first_byte_ms = 0, timeout_idle_ms = 0;
  bool allow_private = false;
  std::string bound_field;         // max_tokens, max_completion_tokens or none, as it is in effect
  std::int64_t echo_delay_ms = 0;  // echo: between text pieces
  std::int64_t timeout_total_ms = 0;
  std::map<std::string, std::string> headers;           // more of each request's head: lower-case name -> value
  std::string proxy, ca_file, client_cert, client_key;  // empty = none
  std::vector<std::string> strip{};                     // top-level members left out of each request
  std::string service_tier{};                           // of requests that name none; empty = the provider's standard
  bool bound_field_chosen = false;                      // set by an administrator, and not known of the address
  std::string stream_usage = "auto";                    // auto always never
  std::optional<std::int64_t> output_rate_max{};        // model tokens a second; absent = the provider's
  std::string cancels = "auto";                         // auto never
  bool retry_after_timeout = false;
  std::vector<std::string> in_effect{};  // what of these is, and why; one sentence each
  std::vector<ChannelKeyInfo> keys;
  std::string note;
  Time created_at;
  ChannelHealth health;
  Credits spent_30d;  // posted through it, in the last 30 days
};
struct ChannelCreate {
  std::string name, kind, base_url;
  std::vector<std::string> models;
  std::map<std::string, std::string> model_map;
  std::vector<std::string> groups;  // empty = default
  std::int64_t priority = 0, weight = 1;
  std::optional<std::int64_t> timeout_connect_ms, timeout_first_byte_ms, timeout_idle_ms;
  bool allow_private = false;
  std::string bound_field;  // empty or auto = by kind and address
  std::int64_t echo_delay_ms = 0;
  std::optional<std::string> key;
  std::string note;
  bool enabled = true;
  std::optional<std::int64_t> timeout_total_ms;
  std::map<std::string, std::string> headers;
  std::string proxy, ca_file, client_cert, client_key;
  std::vector<std::string> strip{};
  std::string service_tier{};
  std::string stream_usage{};  // empty = auto
  std::optional<std::int64_t> output_rate_max{};
  std::string cancels{};  // empty = auto
  bool retry_after_timeout = false;
};
struct ChannelEdit {
  std::optional<bool> enabled;
  std::optional<std::string> base_url, bound_field, note;
  std::optional<ListEdit> models, groups;
  std::optional<std::map<std::string, std::optional<std::string>>> model_map;  // null removes
  std::optional<std::int64_t> priority, weight, timeout_connect_ms, timeout_first_byte_ms, timeout_idle_ms,
      echo_delay_ms;
  std::optional<bool> allow_private;
  std::optional<std::int64_t> timeout_total_ms;
  std::optional<std::map<std::string, std::optional<std::string>>> headers;  // null removes
  std::optional<std::string> proxy, ca_file, client_cert, client_key;        // empty takes it away
  std::optional<ListEdit> strip{};
  std::optional<std::string> service_tier{};  // empty takes it away
  std::optional<std::string> stream_usage{};
  std::optional<std::optional<std::int64_t>> output_rate_max{};  // null: the provider's
  std::optional<std::string> cancels{};
  std::optional<bool> retry_after_timeout{};
};
struct ChannelSetKey {
  std::string action;  // "set" (replace all), "add", "remove"
  std::string key;     // or, to remove, the shown prefix
};
// How one key of a channel did; first and last are empty where it has none.
struct ChannelKeyTest {
  std::string first, last;
  bool ok = false;
  int status = 0;  // 0 = there was no answer
  std::int64_t connect_ms = 0, total_ms = 0;
  std::string message;
};
struct ChannelTest {
  bool ok = false;  // with every key that was tried
  std::string model;
  // Of the first key that failed, or else of the first one.
  int status = 0;
  std::int64_t connect_ms = 0, total_ms = 0;
  std::string message;
  std::vector<ChannelKeyTest> keys;
};
struct ChannelTestRequest {
  std::optional<std::string> model;  // absent = the channel's first plain name
  std::optional<std::string> key;    // as it is shown, or how it begins; absent = all
};
struct ModelEntry {
  std::string model;
  std::vector<std::string> channels;  // highest priority first
};
// One channel as the router sees it for a token and a model.
struct RouteChannel {
  std::int64_t place = 0;  // the order it is tried in, from 1; 0 = it is not
  std::string channel;
  std::string group;  // of the token's; empty = of none of them
  bool kept = false;
  std::string reason;
  std::int64_t priority = 0, weight = 0;
  std::int64_t share_percent = 0;  // of the requests, as the first choice
  std::string upstream_model;
};
struct RouteExplained {
  std::string token, model, endpoint;  // endpoint: "chat/completions"
  bool model_allowed = false;          // by the token's own list
  std::vector<RouteChannel> channels;  // those tried in their order, then the others
};

}  // namespace cr::admin
