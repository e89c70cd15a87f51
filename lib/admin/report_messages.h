// SPDX-License-Identifier: MIT
// Messages about what happened (requests, usage, the audit) and about the daemon itself. See token_messages.h.
#pragma once

#include "admin/token_messages.h"

namespace cr::admin {

// One line of a bill.
struct BillLine {
  std::string what;  // "input", "cached_input", "web_search"
  std::int64_t count = 0;
  std::string rate;     // dollars: a million model tokens or characters, else apiece
  std::string dollars;  // exact, before rounding
};
// How the cost of a request came about: the lines' dollars sum to what the provider charges, before it is rounded up to
// a nano-dollar; its cost is that by the group's factor.
struct RequestBill {
  std::string model;   // whose price it was
  std::string source;  // of the price: "shipped" or "set"
  Time priced_at;      // when that price was set
  std::string multiplier;
  Credits provider_cost;
  std::optional<Credits> told_cost;  // what the provider told instead, where that was more
  std::vector<BillLine> lines;
  std::vector<std::string> text;     // the same to read
  std::vector<std::string> rules{};  // of the price that the rates were made by, in words
};
struct Request {
  std::string id;
  Time started_at;
  std::int64_t duration_ms = 0;
  std::optional<std::int64_t> first_byte_ms;
  std::string token, account, group, channel, endpoint, model;
  std::optional<std::string> upstream_model, upstream_id;
  std::string source_ip;
  int status = 0;      // what the client got
  std::string ending;  // complete refused client_gone upstream_cut upstream_silent upstream_failed in_doubt
  std::string error;   // error.code, or empty
  bool stream = false;
  std::int64_t input_tokens = 0, cached_tokens = 0, cache_write_tokens = 0, output_tokens = 0;
  std::optional<std::int64_t> images, characters, audio_ms, search_units;  // none: not metered by them
  Credits held, cost, refunded, overrun;
  std::vector<std::string> flags;  // estimated unknown in_doubt unpriced clamped told_cost
  std::optional<RequestBill>
      bill{};  // of one request that is shown; none: nothing was charged, or nobody knows any more
};
struct RequestFilter {
  std::optional<std::string> token, model, channel, account, error;  // error "*" = any
  std::optional<Time> since, until;
  std::optional<std::string> cursor;
  std::optional<std::string> after;  // ids after this one, oldest first: for tail
  std::optional<int> limit;
};
struct UsageQuery {
  std::vector<std::string> by;  // token model hour day week month channel group account; at least one
  std::optional<Time> since, until;
  std::optional<std::string> time_zone;  // whose hours, days, weeks and months; absent = UTC
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
  Time since, until;  // as asked, widened to whole quarters of an hour
  std::string time_zone;
  std::vector<UsageRow> rows;
  UsageRow total;
};
// What a provider charges for the requests of a channel, from their rows.
struct CostQuery {
  std::string channel;
  Time since;
  std::optional<Time> until;  // absent = now
};
struct CostPart {
  std::int64_t requests = 0;
  Credits cost;
};
struct CostRow {
  std::string model;  // as the provider bills it: what answered, or what it was asked for
  std::int64_t requests = 0;
  std::int64_t input_tokens = 0, cached_tokens = 0, cache_write_tokens = 0, output_tokens = 0;
  Credits cost;                           // the provider's, whatever was posted
  Credits fees;                           // of it, for calls of the provider's own tools
  Credits posted, overrun, refunded;      // overrun is not within posted; refunded is
  CostPart in_doubt, unknown, estimated;  // of it, each request in one of them at most: nobody told its usage
  CostPart told;                          // of it, as the provider told, because that was more
  CostPart unpriced;                      // requests with a part that has no price
  CostPart own;                           // of it, requests that crd made by itself
};
// Of one UTC day at most.
struct CostReport {
  std::string channel;
  Time since, until;
  std::optional<Time> rows_since;  // requests before it were pruned
  std::vector<CostRow> rows;
  std::optional<Time> next;  // where the next page begins: ask again with it as since; absent = that was all
};
struct AuditEntry {
  std::int64_t seq = 0;
  Time at;
  std::int64_t pid = 0, uid = 0, gid = 0;
  std::string action, object, detail, reason;
};

// What was found sound: the sums recomputed from the rows, and the audit's chain.
struct AuditVerified {
  std::int64_t requests = 0, open = 0, tokens = 0, accounts = 0, audit_rows = 0;
  Credits posted, reserved;
  std::optional<Time> rows_since;  // requests before it were pruned: of them the sums were checked
  std::int64_t took_ms = 0;
};
struct RequestRefund {
  std::optional<Credits> amount;  // absent = all that is left of the cost
};
struct Refunded {
  Credits amount;
  Request request;
};

// --- the daemon ---
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
  std::string ledger;  // "ready", or why no request is admitted
  std::int64_t ledger_commits = 0, ledger_queue = 0, ledger_backlog = 0;
  std::string head;        // the store's head: "PATH: up to date", or by how much it is not, or "none"
  std::string price_list;  // "2026-11-20": of the newest source of the shipped prices
  std::optional<Time> certificate_expires{};  // of the public listeners' TLS certificate; absent = no TLS
  Credits overrun;
  std::int64_t memory_used = 0, memory_limit = 0;  // bytes of requests and answers, those over 64 KiB: limits.memory
};
struct ConfigCheck {
  std::string text;  // the file's text; empty = the daemon's own file, read by the daemon
  std::string name;  // shown in messages
};
struct ConfigChecked {
  bool ok = false;
  std::string message;  // "crd.toml:12: unknown key 'lisen': did you mean 'listen'?"
};

}  // namespace cr::admin
