// SPDX-License-Identifier: MIT
#include "admin/fields.h"

namespace cr::admin {

void fields(auto& v, message_of<Request> auto& m) {
  v("id", m.id);
  v("started_at", m.started_at);
  v("duration_ms", m.duration_ms);
  v("first_byte_ms", m.first_byte_ms);
  v("token", m.token);
  v("account", m.account);
  v("group", m.group);
  v("channel", m.channel);
  v("endpoint", m.endpoint);
  v("model", m.model);
  v("upstream_model", m.upstream_model);
  v("upstream_id", m.upstream_id);
  v("source_ip", m.source_ip);
  v("status", m.status);
  v("ending", m.ending);
  v("error", m.error);
  v("stream", m.stream);
  v("input_tokens", m.input_tokens);
  v("cached_tokens", m.cached_tokens);
  v("cache_write_tokens", m.cache_write_tokens);
  v("output_tokens", m.output_tokens);
  v("images", m.images);
  v("characters", m.characters);
  v("audio_ms", m.audio_ms);
  v("search_units", m.search_units);
  v("held", m.held);
  v("cost", m.cost);
  v("refunded", m.refunded);
  v("overrun", m.overrun);
  v("flags", m.flags);
  v("bill", m.bill);
}

void fields(auto& v, message_of<RequestBill> auto& m) {
  v("model", m.model);
  v("source", m.source);
  v("priced_at", m.priced_at);
  v("multiplier", m.multiplier);
  v("provider_cost", m.provider_cost);
  v("told_cost", m.told_cost);
  v("lines", m.lines);
  v("text", m.text);
  v("rules", m.rules);
}

void fields(auto& v, message_of<UsageRow> auto& m) {
  v("key", m.key);
  v("requests", m.requests);
  v("errors", m.errors);
  v("input_tokens", m.input_tokens);
  v("cached_tokens", m.cached_tokens);
  v("output_tokens", m.output_tokens);
  v("cost", m.cost);
  v("estimated", m.estimated);
}

void fields(auto& v, message_of<CostPart> auto& m) {
  v("requests", m.requests);
  v("cost", m.cost);
}

void fields(auto& v, message_of<CostRow> auto& m) {
  v("model", m.model);
  v("requests", m.requests);
  v("input_tokens", m.input_tokens);
  v("cached_tokens", m.cached_tokens);
  v("cache_write_tokens", m.cache_write_tokens);
  v("output_tokens", m.output_tokens);
  v("cost", m.cost);
  v("fees", m.fees);
  v("posted", m.posted);
  v("overrun", m.overrun);
  v("refunded", m.refunded);
  v("in_doubt", m.in_doubt);
  v("unknown", m.unknown);
  v("estimated", m.estimated);
  v("told", m.told);
  v("unpriced", m.unpriced);
  v("own", m.own);
}

void fields(auto& v, message_of<CostReport> auto& m) {
  v("channel", m.channel);
  v("since", m.since);
  v("until", m.until);
  v("rows_since", m.rows_since);
  v("rows", m.rows);
  v("next", m.next);
}

void fields(auto& v, message_of<UsageReport> auto& m) {
  v("by", m.by);
  v("since", m.since);
  v("until", m.until);
  v("time_zone", m.time_zone);
  v("rows", m.rows);
  v("total", m.total);
}

void fields(auto& v, message_of<AuditEntry> auto& m) {
  v("seq", m.seq);
  v("at", m.at);
  v("pid", m.pid);
  v("uid", m.uid);
  v("gid", m.gid);
  v("action", m.action);
  v("object", m.object);
  v("detail", m.detail);
  v("reason", m.reason);
}

void fields(auto& v, message_of<AuditVerified> auto& m) {
  v("requests", m.requests);
  v("open", m.open);
  v("tokens", m.tokens);
  v("accounts", m.accounts);
  v("audit_rows", m.audit_rows);
  v("posted", m.posted);
  v("reserved", m.reserved);
  v("rows_since", m.rows_since);
  v("took_ms", m.took_ms);
}

void fields(auto& v, message_of<RequestRefund> auto& m) {
  v("amount", m.amount);
}

void fields(auto& v, message_of<Refunded> auto& m) {
  v("amount", m.amount);
  v("request", m.request);
}

void fields(auto& v, message_of<Status> auto& m) {
  v("version", m.version);
  v("pid", m.pid);
  v("started_at", m.started_at);
  v("state", m.state);
  v("listen", m.listen);
  v("admin_socket", m.admin_socket);
  v("state_dir", m.state_dir);
  v("config_file", m.config_file);
  v("workers", m.workers);
  v("connections", m.connections);
  v("requests_running", m.requests_running);
  v("requests_total", m.requests_total);
  v("tokens", m.tokens);
  v("channels", m.channels);
  v("log_lines_dropped", m.log_lines_dropped);
  v("ledger", m.ledger);
  v("ledger_commits", m.ledger_commits);
  v("ledger_queue", m.ledger_queue);
  v("ledger_backlog", m.ledger_backlog);
  v("head", m.head);
  v("price_list", m.price_list);
  v("certificate_expires", m.certificate_expires);
  v("overrun", m.overrun);
  v("memory_used", m.memory_used);
  v("memory_limit", m.memory_limit);
}

void fields(auto& v, message_of<Version> auto& m) {
  v("version", m.version);
  v("api", m.api);
}

void fields(auto& v, message_of<Names> auto& m) {
  v("names", m.names);
}

void fields(auto& v, message_of<ConfigCheck> auto& m) {
  v("text", m.text);
  v("name", m.name);
}

void fields(auto& v, message_of<ConfigChecked> auto& m) {
  v("ok", m.ok);
  v("message", m.message);
}

void fields(auto&, message_of<Empty> auto&) {}

CR_ADMIN_ANSWER(Request)
CR_ADMIN_ANSWER(Page<Request>)
CR_ADMIN_ANSWER(UsageRow)
CR_ADMIN_ANSWER(UsageReport)
CR_ADMIN_ANSWER(CostPart)
CR_ADMIN_ANSWER(CostRow)
CR_ADMIN_ANSWER(CostReport)
CR_ADMIN_ANSWER(AuditEntry)
CR_ADMIN_ANSWER(Page<AuditEntry>)
CR_ADMIN_ANSWER(AuditVerified)
CR_ADMIN_ANSWER(Refunded)
CR_ADMIN_REQUEST(RequestRefund)
CR_ADMIN_ANSWER(Status)
CR_ADMIN_ANSWER(Version)
CR_ADMIN_ANSWER(Names)
CR_ADMIN_ANSWER(ConfigChecked)
CR_ADMIN_REQUEST(ConfigCheck)
CR_ADMIN_REQUEST(Empty)

}  // namespace cr::admin
