// SPDX-License-Identifier: MIT
#include "admin/token_messages.h"

#include "admin/fields.h"
#include "admin/token_fields.h"

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
  record_fields(v, m, k_token_fields);
}

void fields(auto& v, message_of<TokenCreate> auto& m) {
  create_fields(v, m, k_token_fields);
  v("like", m.like);
  v("given", m.given);
  v("key", m.key);
}

void fields(auto& v, message_of<TokenWithKey> auto& m) {
  v("token", m.token);
  v("key", m.key);
}

void fields(auto& v, message_of<TokenEdit> auto& m) {
  edit_fields(v, m, k_token_fields);
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
  v("expires_at", m.expires_at);
  v("expires_never", m.expires_never);
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
