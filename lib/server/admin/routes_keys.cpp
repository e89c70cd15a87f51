// SPDX-License-Identifier: MIT
// Routes of a token's keys: rotate, copy, revoke, verify; and the check of what a token may do.
#include "server/admin/routes.h"
#include "server/admin/token_rows.h"

namespace cr::server::admin {

namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using ledger::Reports;
using ledger::Store;
using std::chrono::milliseconds;

constexpr milliseconds k_grace = std::chrono::hours(24);
constexpr milliseconds k_quiet_for = std::chrono::minutes(10);

Result<milliseconds> span_of(std::string_view member, const std::optional<std::int64_t>& ms, milliseconds otherwise) {
  constexpr std::int64_t k_ms_max = 366LL * 24 * 3600 * 1000;
  if (!ms) return otherwise;
  if (*ms < 0 || *ms > k_ms_max) {
    return fail(ErrorCode::invalid,
                std::string(member) + ": expected a whole number from 0 to " + std::to_string(k_ms_max));
  }
  return milliseconds(*ms);
}

RouteResult answer_token(RouteCall& call) {
  const auto row = find_token_row(call.api.ledger(), call.name());
  if (!row) return tl::unexpected(row.error());
  return answer_with_key(to_message(*row, least_cost(call, row->token), call.now), {}, 200);
}

// With its end moved, if that is asked for, so that no key is made that ends before its time.
RouteResult start_rotation(RouteCall& call, milliseconds grace, const cr::admin::TokenRotate& rotate) {
  ledger::TokenPatch end;
  if (rotate.expires_at || rotate.expires_never) end.expires = rotate.expires_at;
  std::optional<ledger::IssuedKey> issued;
  auto done = call.write([&](Store& store) -> Result<void> {
    if (end.expires) {
      auto edited = store.edit_token(call.name(), end, {}, call.request.actor);
      if (!edited) return tl::unexpected(edited.error());
    }
    auto made = store.rotate_token(call.name(), grace, call.request.actor);
    if (!made) return tl::unexpected(made.error());
    issued = std::move(*made);
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  const auto row = find_token_row(call.api.ledger(), call.name());
  if (!row) return tl::unexpected(row.error());
  return answer_with_key(to_message(*row, least_cost(call, row->token), base::wall_now()),
                         call.is_dry_run() ? base::Secret() : std::move(issued->key), 200);
}

}  // namespace

RouteResult rotate_token(RouteCall& call) {
  const auto rotate = read_body<cr::admin::TokenRotate>(call);
  if (!rotate) return tl::unexpected(rotate.error());
  const auto grace = span_of("grace_ms", rotate->grace_ms, k_grace);
  if (!grace) return tl::unexpected(grace.error());
  auto quiet_for = span_of("quiet_for_ms", rotate->quiet_for_ms, k_quiet_for);
  if (!quiet_for) return tl::unexpected(quiet_for.error());
  if (rotate->force) quiet_for = milliseconds(0);
  if (rotate->action.empty() || rotate->action == "rotate") return start_rotation(call, *grace, *rotate);
  if (rotate->expires_at || rotate->expires_never) {
    return fail(ErrorCode::invalid, "expires_at, expires_never: a new key's end is set with action \"rotate\"");
  }
  const bool finish = rotate->action == "finish", extend = rotate->action == "extend";
  if (!finish && !extend && rotate->action != "undo") {
    return fail(ErrorCode::invalid, "action: expected \"rotate\", \"extend\", \"finish\" or \"undo\"");
  }
  auto done = call.write([&](Store& store) {
    if (extend) return store.extend_rotation(call.name(), *grace, call.request.actor);
    return finish ? store.finish_rotation(call.name(), *quiet_for, call.request.actor)
                  : store.undo_rotation(call.name(), call.request.actor);
  });
  if (!done) return tl::unexpected(done.error());
  return answer_token(call);
}

RouteResult copy_token_key(RouteCall& call) {
  if (const auto body = read_body<cr::admin::CopyRequest>(call); !body) return tl::unexpected(body.error());
  if (auto allowed = call.api.copy_rate().take("keys may be copied", base::steady_now()); !allowed) {
    return tl::unexpected(allowed.error());
  }
  const auto row = find_token_row(call.api.ledger(), call.name());
  if (!row) return tl::unexpected(row.error());
  std::optional<base::Secret> key;
  auto done = call.write([&](Store& store) -> Result<void> {
    auto revealed = store.reveal_key(call.name(), call.request.actor);
    if (!revealed) return tl::unexpected(revealed.error());
    key = std::move(*revealed);
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  // A dry run is in no audit: it may not give the key away.
  return answer_with_key(to_message(*row, least_cost(call, row->token), call.now),
                         call.is_dry_run() ? base::Secret() : std::move(*key), 200);
}

RouteResult revoke_new_key(RouteCall& call) {
  const auto revoke = read_body<cr::admin::RevokeKey>(call);
  if (!revoke) return tl::unexpected(revoke.error());
  auto done = call.write(
      [&](Store& store) { return store.revoke_key(call.name(), ledger::KeyId{revoke->key_id}, call.request.actor); });
  if (!done) return tl::unexpected(done.error());
  const auto row = find_token_row(call.api.ledger(), call.name());
  if (!row) return tl::unexpected(row.error());
  return answer_with(to_message(*row, least_cost(call, row->token), call.now), row->token.rev);
}

RouteResult verify_key(RouteCall& call) {
  auto verify = read_body<cr::admin::VerifyKey>(call);
  if (!verify) return tl::unexpected(verify.error());
  const base::Secret key(std::move(verify->key));
  if (auto allowed = call.api.verify_rate().take("keys may be verified", base::steady_now()); !allowed) {
    return tl::unexpected(allowed.error());
  }
  auto& ledger = call.api.ledger();
  const auto shape = token::shape_of(key.reveal(), ledger.key_prefix());
  if (shape == token::KeyShape::malformed) {
    return fail(ErrorCode::invalid,
                "key: not a key: it is empty, over 512 bytes, or has blanks or other invisible bytes");
  }
  cr::admin::KeyVerdict verdict;
  verdict.shape = shape == token::KeyShape::ours ? "ours" : shape == token::KeyShape::mistyped ? "mistyped" : "foreign";
  const auto directory = ledger.directory().get();
  const auto found = directory->find_key(ledger.digest(key.reveal()));
  if (!found || (found->key->not_after && call.now >= *found->key->not_after)) return answer_with(verdict);
  const auto row = find_token_row(ledger, found->token->name);
  if (!row) return tl::unexpected(row.error());
  verdict.known = true;
  verdict.token = row->token.name;
  verdict.state = found->key->not_after ? "old" : "current";
  verdict.status = to_message(*row, least_cost(call, row->token), call.now).status;
  return answer_with(verdict);
}

}  // namespace cr::server::admin
