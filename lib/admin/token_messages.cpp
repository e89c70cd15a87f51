// SPDX-License-Identifier: MIT
#include "admin/token_messages.h"

#include "admin/fields.h"

namespace cr::admin {

void fields(auto& v, message_of<KeyInfo> auto& m) {
  v("id", m.id);
  v("first", m.first);
  v("last", m.last);
  v("state", m.state);
  v("created_at", m.created_at);
  v("not_after", m.not_after);
  v("last_used_at", m.last_used_at);
  v("last_used_ip", m.last_used_ip);
}

void fields(auto& v, message_of<Budget> auto& m) {
  v("period", m.period);
  v("limit", m.limit);
  v("used", m.used);
  v("reserved", m.reserved);
  v("left", m.left);
  v("resets_at", m.resets_at);
}

void fields(auto& v, message_of<Token> auto& m) {
  v("id", m.id);
  v("rev", m.rev);
  v("name", m.name);
  v("status", m.status);
  v("enabled", m.enabled);
  v("groups", m.groups);
  v("account", m.account);
  v.quota("quota", m.quota);
  v("used", m.used);
  v("reserved", m.reserved);
  v.quota("left", m.left);
  v("budgets", m.budgets);
  v("time_zone", m.time_zone);
  v("limited_until", m.limited_until);
  v("requests_per_minute", m.requests_per_minute);
  v("tokens_per_minute", m.tokens_per_minute);
  v("requests_at_once", m.requests_at_once);
  v("expires_at", m.expires_at);
  v("not_before", m.not_before);
  v("models", m.models);
  v("allow_ip", m.allow_ip);
  v("when_low", m.when_low);
  v("tags", m.tags);
  v("note", m.note);
  v("retrievable", m.retrievable);
  v("keys", m.keys);
  v("created_at", m.created_at);
  v("last_used_at", m.last_used_at);
  v("deleted_at", m.deleted_at);
}

void fields(auto& v, message_of<TokenCreate> auto& m) {
  v.required("name", m.name);
  v("expires_at", m.expires_at);
  v("not_before", m.not_before);
  v.quota("quota", m.quota);
  v("budgets", m.budgets);
  v("time_zone", m.time_zone);
  v("requests_per_minute", m.requests_per_minute);
  v("tokens_per_minute", m.tokens_per_minute);
  v("requests_at_once", m.requests_at_once);
  v("models", m.models);
  v("allow_ip", m.allow_ip);
  v("groups", m.groups);
  v("account", m.account);
  v("when_low", m.when_low);
  v("tags", m.tags);
  v("note", m.note);
  v("enabled", m.enabled);
  v("retrievable", m.retrievable);
  v("like", m.like);
  v("given", m.given);
  v("key", m.key);
}

void fields(auto& v, message_of<TokenWithKey> auto& m) {
  v("token", m.token);
  v("key", m.key);
}

void fields(auto& v, message_of<TokenEdit> auto& m) {
  v.edit("name", m.name);
  v.edit("enabled", m.enabled);
  v.edit("expires_at", m.expires_at);
  v.edit("not_before", m.not_before);
  v.edit("quota", m.quota);
  v.edit("budgets", m.budgets);
  v.edit("time_zone", m.time_zone);
  v.edit("requests_per_minute", m.requests_per_minute);
  v.edit("tokens_per_minute", m.tokens_per_minute);
  v.edit("requests_at_once", m.requests_at_once);
  v.edit("models", m.models);
  v.edit("allow_ip", m.allow_ip);
  v.edit("groups", m.groups);
  v.edit("account", m.account);
  v.edit("when_low", m.when_low);
  v.edit("tags", m.tags);
  v.edit("note", m.note);
}

void fields(auto& v, message_of<TokenEdited> auto& m) {
  v("token", m.token);
  v("changes", m.changes);
}

void fields(auto& v, message_of<TokenRotate> auto& m) {
  v("grace_ms", m.grace_ms);
  v("action", m.action);
  v("quiet_for_ms", m.quiet_for_ms);
  v("force", m.force);
}

void fields(auto& v, message_of<BudgetReset> auto& m) {
  v("period", m.period);
}

void fields(auto& v, message_of<TokenCheck> auto& m) {
  v.required("model", m.model);
  v("ip", m.ip);
  v("cost", m.cost);
}

void fields(auto& v, message_of<TokenVerdict> auto& m) {
  v("allowed", m.allowed);
  v("rule", m.rule);
  v("reason", m.reason);
  v("setting", m.setting);
  v("channels", m.channels);
}

void fields(auto& v, message_of<KeyVerdict> auto& m) {
  v("known", m.known);
  v("token", m.token);
  v("state", m.state);
  v("status", m.status);
  v("shape", m.shape);
}

void fields(auto& v, message_of<VerifyKey> auto& m) {
  v.required("key", m.key);
}

void fields(auto& v, message_of<RevokeKey> auto& m) {
  v.required("key_id", m.key_id);
}

CR_ADMIN_ANSWER(KeyInfo)
CR_ADMIN_ANSWER(Budget)
CR_ADMIN_ANSWER(Token)
CR_ADMIN_ANSWER(Page<Token>)
CR_ADMIN_ANSWER(TokenWithKey)
CR_ADMIN_ANSWER(Change)
CR_ADMIN_ANSWER(TokenEdited)
CR_ADMIN_ANSWER(TokenVerdict)
CR_ADMIN_ANSWER(KeyVerdict)
CR_ADMIN_REQUEST(TokenCreate)
CR_ADMIN_REQUEST(TokenEdit)
CR_ADMIN_REQUEST(TokenRotate)
CR_ADMIN_REQUEST(BudgetReset)
CR_ADMIN_REQUEST(TokenCheck)
CR_ADMIN_REQUEST(VerifyKey)
CR_ADMIN_REQUEST(RevokeKey)

}  // namespace cr::admin
