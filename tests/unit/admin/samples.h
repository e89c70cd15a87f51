// SPDX-License-Identifier: MIT
// Messages with every member set to something that is not its default, for round trips.
#pragma once

#include "admin/messages.h"

namespace cr::admin {

inline Time sample_time(int seconds) {
  return Time(std::chrono::milliseconds(1'770'000'000'000 + 1000LL * seconds + 7));
}
inline Credits sample_credits(std::int64_t nano) {
  return Credits::from_nano(nano);
}

inline Token sample_token() {
  Token token;
  token.id = 42;
  token.rev = 7;
  token.name = "ci-runner";
  token.status = "rotating";
  token.enabled = false;
  token.groups = {"default", "fast"};
  token.account = "team";
  token.quota = sample_credits(20'500'000'000);
  token.used = sample_credits(1'350);
  token.reserved = sample_credits(2);
  token.left = sample_credits(20'499'998'648);
  token.budgets = {
      {"day", sample_credits(5), sample_credits(4), sample_credits(1), sample_credits(0), sample_time(11)}};
  token.time_zone = "Europe/Berlin";
  token.limited_until = sample_time(11);
  token.requests_per_minute = 60;
  token.tokens_per_minute = 90'000;
  token.requests_at_once = 4;
  token.expires_at = sample_time(1);
  token.not_before = sample_time(2);
  token.models = {"gpt-4o", "o3-*"};
  token.allow_ip = {"10.0.0.0/8", "::1"};
  token.when_low = "refuse";
  token.tags = {{"team", "büro"}, {"x", ""}};
  token.note = "line\nwith \"quotes\" and \\ and \u202e";
  token.retrievable = true;
  token.keys = {{1, "sk-cr-Ab1C", "x9Zq", "current", sample_time(3), std::nullopt, sample_time(4), "10.1.2.3"},
                {2, "sk-cr-Zz9Z", "0000", "old", sample_time(5), sample_time(6), std::nullopt, std::nullopt}};
  token.created_at = sample_time(8);
  token.last_used_at = sample_time(9);
  token.deleted_at = sample_time(10);
  return token;
}

inline Channel sample_channel() {
  Channel channel;
  channel.id = 3;
  channel.rev = 4;
  channel.name = "openai";
  channel.kind = "openai";
  channel.enabled = false;
  channel.base_url = "https://api.example.com/v1";
  channel.models = {"gpt-4o", "o3-*"};
  channel.model_map = {{"fast", "gpt-4o-mini"}};
  channel.groups = {"default"};
  channel.priority = -3;
  channel.weight = 9;
  channel.timeout_connect_ms = 1;
  channel.timeout_first_byte_ms = 2;
  channel.timeout_idle_ms = 3;
  channel.allow_private = true;
  channel.bound_field = "max_tokens";
  channel.echo_delay_ms = 4;
  channel.timeout_total_ms = 5;
  channel.headers = {{"x-team", "blue"}};
  channel.proxy = "http://proxy:3128";
  channel.ca_file = "/etc/ca.pem";
  channel.client_cert = "/etc/cert.pem";
  channel.client_key = "/etc/key.pem";
  channel.stream_usage = "never";
  channel.output_rate_max = 6;
  channel.cancels = "never";
  channel.in_effect = {"bound_field: max_tokens, as usual"};
  channel.keys = {{"sk-abc", "wxyz", sample_time(1)}};
  channel.note = "n";
  channel.created_at = sample_time(2);
  channel.health = {"cooling", "answered 503", 1200, 1, 77, 340, 12, 25};
  channel.spent_30d = sample_credits(5);
  return channel;
}

inline Price sample_price() {
  return {{},       "gpt-4o", "2.5",  "1.25",  "2.5", "10",           "0.01",        "0.04",
          "0.0001", "15",     16'384, 128'000, "set", sample_time(1), sample_time(2)};
}

inline Request sample_request() {
  Request request;
  request.id = "req_01J9ZK3QW8ZZZZZZZZZZZZZZZZ";
  request.started_at = sample_time(1);
  request.duration_ms = 1234;
  request.first_byte_ms = 12;
  request.token = "ci";
  request.account = "team";
  request.group = "default";
  request.channel = "openai";
  request.endpoint = "chat.completions";
  request.model = "gpt-4o";
  request.upstream_model = "gpt-4o-2024";
  request.upstream_id = "req_theirs";
  request.source_ip = "10.1.2.3";
  request.status = 200;
  request.ending = "complete";
  request.error = "none";
  request.stream = true;
  request.input_tokens = 1;
  request.cached_tokens = 2;
  request.cache_write_tokens = 3;
  request.output_tokens = 4;
  request.images = 5;
  request.characters = 6;
  request.audio_ms = 7;
  request.search_units = 8;
  request.held = sample_credits(5);
  request.cost = sample_credits(6);
  request.refunded = sample_credits(2);
  request.overrun = sample_credits(-7);
  request.flags = {"estimated", "clamped"};
  return request;
}

inline UsageRow sample_usage_row() {
  return {{{"day", "2026-01-31"}, {"model", "gpt-4o"}}, 1, 2, 3, 4, 5, sample_credits(6), true};
}

inline Status sample_status() {
  Status status;
  status.version = "1.2.3";
  status.pid = 4;
  status.started_at = sample_time(1);
  status.state = "draining";
  status.listen = {"127.0.0.1:8787"};
  status.admin_socket = "/run/crd/admin.sock";
  status.state_dir = "/var/lib/crd";
  status.config_file = "/etc/crd/crd.toml";
  status.workers = 5;
  status.connections = 6;
  status.requests_running = 7;
  status.requests_total = 8;
  status.tokens = 9;
  status.channels = 10;
  status.log_lines_dropped = 11;
  status.ledger_commits = 12;
  status.ledger = "ready";
  status.ledger_queue = 13;
  status.ledger_backlog = 15;
  status.head = "/h/head: up to date";
  status.price_list = "2026-11-20";
  status.overrun = sample_credits(14);
  status.memory_used = 16;
  status.memory_limit = 17;
  return status;
}

inline Group sample_group() {
  return {1, 2, "fast", "1.5", "note", {"openai"}, 3, sample_time(4)};
}

inline Account sample_account() {
  Account account;
  account.id = 1;
  account.rev = 2;
  account.name = "team";
  account.enabled = false;
  account.quota = sample_credits(10);
  account.used = sample_credits(3);
  account.reserved = sample_credits(1);
  account.left = sample_credits(6);
  account.tokens = 4;
  account.note = "note";
  account.created_at = sample_time(5);
  return account;
}

}  // namespace cr::admin
