// SPDX-License-Identifier: MIT
// The other messages of the admin socket: accounts, groups, channels, prices, requests, usage, status. See
// token_messages.h.
#pragma once

#include "admin/token_messages.h"

namespace cr::admin {

// --- groups, accounts
// -------------------------------------------------------------------------------------------------
struct Group {
  std::int64_t id = 0;
  std::int64_t rev = 0;
  std::string name;
  std::string multiplier;  // "1.5"
  std::string note;
  std::vector<std::string> channels;
  std::int64_t tokens = 0;
  Time created_at;
};
struct GroupCreate {
  std::string name;
  std::string multiplier = "1";
  std::string note;
};
struct GroupEdit {
  std::optional<std::string> multiplier;
  std::optional<std::string> note;
};

struct Account {
  std::int64_t id = 0;
  std::int64_t rev = 0;
  std::string name;
  bool enabled = true;
  Quota quota;
  Credits used, reserved;
  Quota left;
  std::int64_t tokens = 0;
  std::string note;
  Time created_at;
};
struct AccountCreate {
  std::string name;
  Quota quota;
  std::string note;
};
struct AccountEdit {
  std::optional<bool> enabled;
  std::optional<QuotaEdit> quota;
  std::optional<std::string> note;
};
struct AccountCredit {
  Credits amount;  // added to the quota; negative takes away
};

// --- channels
// ---------------------------------------------------------------------------------------------------------
struct ChannelKeyInfo {
  std::string first, last;
  Time created_at;
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
  std::string bound_field;         // max_tokens or max_completion_tokens
  std::int64_t echo_delay_ms = 0;  // echo: between text pieces
  std::vector<ChannelKeyInfo> keys;
  std::string note;
  Time created_at;
};
struct ChannelCreate {
  std::string name, kind, base_url;
  std::vector<std::string> models;
  std::map<std::string, std::string> model_map;
  std::vector<std::string> groups;  // empty = default
  std::int64_t priority = 0, weight = 1;
  std::optional<std::int64_t> timeout_connect_ms, timeout_first_byte_ms, timeout_idle_ms;
  bool allow_private = false;
  std::string bound_field;  // empty = by kind and address
  std::int64_t echo_delay_ms = 0;
  std::optional<std::string> key;
  std::string note;
  bool enabled = true;
};
struct ChannelEdit {
  std::optional<bool> enabled;
  std::optional<std::string> base_url, bound_field, note;
  std::optional<ListEdit> models, groups;
  std::optional<std::map<std::string, std::optional<std::string>>> model_map;  // null removes
  std::optional<std::int64_t> priority, weight, timeout_connect_ms, timeout_first_byte_ms, timeout_idle_ms,
      echo_delay_ms;
  std::optional<bool> allow_private;
};
struct ChannelSetKey {
  std::string action;  // "set" (replace all), "add", "remove"
  std::string key;     // or, to remove, the shown prefix
};
struct ChannelTest {
  bool ok = false;
  std::string model;
  int status = 0;
  std::int64_t connect_ms = 0, total_ms = 0;
  std::string message;
};

// --- prices
// -----------------------------------------------------------------------------------------------------------
struct Price {
  std::string model;
  std::string input, cached_input, cache_write, output;  // dollars a million model tokens
  std::string per_request;                               // dollars
  std::optional<std::int64_t> max_output_tokens, context_tokens;
  std::string source;                // "shipped" or "set"
  std::optional<Time> effective_at;  // from when it holds; absent = now
  Time updated_at;
};
struct PriceSet {
  std::string model, input, output;
  std::optional<std::string> cached_input, cache_write, per_request;
  std::optional<std::int64_t> max_output_tokens, context_tokens;
  std::optional<Time> effective_at;
};
struct PriceImport {
  std::vector<PriceSet> prices;
};
struct PriceQuote {
  std::string model;
  std::int64_t input_tokens = 0, cached_tokens = 0, output_tokens = 0;
  std::optional<std::string> group;
};
struct PriceQuoted {
  Price price;
  std::string multiplier;
  Credits cost;
  std::vector<std::string> lines;  // the arithmetic, a line a term
};

// --- requests, usage
// --------------------------------------------------------------------------------------------------
struct Request {
  std::string id;
  Time started_at;
  std::int64_t duration_ms = 0;
  std::optional<std::int64_t> first_byte_ms;
  std::string token, account, group, channel, endpoint, model;
  std::optional<std::string> upstream_model;
  std::string source_ip;
  int status = 0;      // what the client got
  std::string ending;  // complete refused client_gone upstream_cut upstream_silent upstream_failed in_doubt
  std::string error;   // error.code, or empty
  bool stream = false;
  std::int64_t input_tokens = 0, cached_tokens = 0, cache_write_tokens = 0, output_tokens = 0;
  Credits held, cost, overrun;
  std::vector<std::string> flags;  // estimated unknown in_doubt unpriced clamped
};
struct RequestFilter {
  std::optional<std::string> token, model, channel, account, error;  // error "*" = any
  std::optional<Time> since, until;
  std::optional<std::string> cursor;
  std::optional<std::string> after;  // ids after this one, oldest first: for tail
  std::optional<int> limit;
};
struct UsageQuery {
  std::vector<std::string> by;  // token model day hour channel group account; at least one
  std::optional<Time> since, until;
  std::optional<std::string> token, model, channel, group, account;
};
struct UsageRow {
  std::map<std::string, std::string> key;  // {"day":"2026-01-31","model":"gpt-4o"}
  std::int64_t requests = 0, errors = 0;
  std::int64_t input_tokens = 0, cached_tokens = 0, output_tokens = 0;
  Credits cost;
  bool estimated = false;  // some of it
};
struct UsageReport {
  std::vector<std::string> by;
  Time since, until;
  std::vector<UsageRow> rows;
  UsageRow total;
};

// --- the daemon
// -------------------------------------------------------------------------------------------------------
struct Status {
  std::string version;
  std::int64_t pid = 0;
  Time started_at;
  std::string state;  // running draining
  std::vector<std::string> listen;
  std::string admin_socket, state_dir, config_file;
  std::int64_t workers = 0, connections = 0, requests_running = 0, requests_total = 0;
  std::int64_t tokens = 0, channels = 0;
  std::int64_t log_lines_dropped = 0;
  std::int64_t ledger_commits = 0, ledger_queue = 0;
  Credits overrun;
};
struct ConfigCheck {
  std::string text;  // the file's text; empty = the daemon's own file, read by the daemon
  std::string name;  // shown in messages
};
struct ConfigChecked {
  bool ok = false;
  std::string message;  // "crd.toml:12: unknown key 'lisen': did you mean 'listen'?"
};

// --- small ones
// -------------------------------------------------------------------------------------------------------
struct Empty {};  // {}: a POST that needs no words
using CopyRequest = Empty;
struct Version {
  std::string version;
  std::string api;  // "v1"
};
struct Names {
  std::vector<std::string> names;
};
struct Imported {
  std::int64_t imported = 0;
};
struct ModelEntry {
  std::string model;
  std::vector<std::string> channels;  // highest priority first
};
struct ChannelTestRequest {
  std::optional<std::string> model;  // absent = the channel's first plain name
};
struct VerifyKey {
  std::string key;
};
struct RevokeKey {
  std::int64_t key_id = 0;
};
struct AuditEntry {
  std::int64_t seq = 0;
  Time at;
  std::int64_t pid = 0, uid = 0, gid = 0;
  std::string action, object, detail, reason;
};

template <class T>
struct Page {
  std::vector<T> items;
  std::optional<std::string> next;  // the cursor; null at the end
};

// Error body of the admin API: {"error":{"code","message","hint","request_id"}}.

// --- JSON
// ------------------------------------------------------------------------------------------------------------- to_json
// writes every field; from_json is for T listed in messages.cpp (explicit instantiations), `invalid` names the member.
template <class T>
std::string to_json(const T& message);
template <class T>
base::Result<T> from_json(std::string_view json);

std::string error_json(const base::Error& error, std::string_view request_id);
base::Error error_from_json(std::string_view json, int status);

}  // namespace cr::admin
