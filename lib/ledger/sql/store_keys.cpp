// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/text.h"
#include "ledger/sql/rows.h"
#include "ledger/sql/settings_json.h"
#include "ledger/sql/store_state.h"
#include "token/guessable.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::fail;
using Keys = std::vector<std::shared_ptr<const KeyRecord>>;

constexpr std::size_t k_imported_bytes_min = 20;

// The keys in their grace, newest first. The current one is not among them.
Keys old_keys(const Keys& keys) {
  Keys old;
  std::copy_if(keys.begin(), keys.end(), std::back_inserter(old),
               [](const auto& key) { return key->not_after.has_value(); });
  return old;
}

Result<void> check_grace(std::chrono::milliseconds grace, std::chrono::milliseconds most) {
  if (grace >= std::chrono::milliseconds(0) && grace <= most) return {};
  return fail(ErrorCode::invalid, "grace: must be from 0 to " + base::format_duration(most));
}

tl::unexpected<base::Error> not_rotating(std::string_view name) {
  return fail(ErrorCode::conflict, "token '" + std::string(name) + "': is not rotating",
              "start with: crctl token rotate " + std::string(name));
}

}  // namespace

Result<base::Secret> Store::Impl::make_key(const std::optional<base::Secret>& imported) const {
  if (!imported) return token::mint_key(options.key_prefix);
  const std::string_view text = imported->reveal();
  switch (token::shape_of(text, options.key_prefix)) {
    case token::KeyShape::ours:
      return imported->clone();
    case token::KeyShape::foreign:
      if (text.size() < k_imported_bytes_min) {
        return fail(ErrorCode::invalid, "imported key: shorter than 20 bytes, which can be guessed",
                    "leave it out to have one made");
      }
      if (const auto why = token::why_guessable(text); !why.empty()) {
        return fail(ErrorCode::invalid, "imported key: it can be guessed: " + std::string(why),
                    "leave it out to have one made");
      }
      return imported->clone();
    case token::KeyShape::mistyped:
      return fail(ErrorCode::invalid, "imported key: begins like one of ours, but its checksum is wrong",
                  "copy it whole");
    case token::KeyShape::malformed:
      break;
  }
  return fail(ErrorCode::invalid,
              "imported key: empty, over 512 bytes, or with blanks or bytes that are not visible ASCII");
}

Result<IssuedKey> Store::Impl::issue_key(const std::shared_ptr<const TokenRecord>& token, base::Secret key) {
  const token::Digest digest = vault.digest(key.reveal());
  const auto taken = sql.find_int("SELECT 1 FROM key WHERE digest = ?1", Blob{digest});
  if (!taken) return tl::unexpected(taken.error());
  if (*taken) return fail(ErrorCode::conflict, "imported key: a token has this key already");
  const token::KeyHint hint = token::hint_of(key.reveal());
  std::optional<Blob> sealed_blob;
  std::string sealed;
  if (token->settings->retrievable) {
    sealed = vault.seal(key.reveal(), token_context(token->id));
    sealed_blob = Blob{{reinterpret_cast<const std::uint8_t*>(sealed.data()), sealed.size()}};
  }
  const auto made = sql.insert(
      "INSERT INTO key (token_id, digest, hint_first, hint_last, created_at, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
      " RETURNING id",
      token->id, Blob{digest}, hint.first.view(), hint.last.view(), clock.now(), sealed_blob);
  if (!made) return tl::unexpected(made.error());
  const KeyId id{*made};
  if (auto done = refresh_keys(token->id); !done) return tl::unexpected(done.error());
  return IssuedKey{token, id, std::move(key)};
}

Result<void> Store::Impl::drop_key(KeyId key) {
  return sql.run("DELETE FROM key WHERE id = ?1", key);
}

Result<void> Store::Impl::refresh_keys(TokenId token) {
  auto done = sql.run("DELETE FROM key WHERE token_id = ?1 AND not_after <= ?2", token, clock.now());
  if (!done) return done;
  Keys keys;
  done = sql.each_row(
      select(k_key_columns, "FROM key WHERE token_id = ?1 ORDER BY not_after IS NOT NULL, id DESC"),
      [&](const Row& row) -> Result<void> {
        auto key = key_of(row);
        if (!key) return tl::unexpected(key.error());
        keys.push_back(std::make_shared<const KeyRecord>(*key));
        return {};
      },
      token);
  if (!done) return done;
  for (const auto& old : directory.find_entry(token)->keys) {
    const bool stays = std::any_of(keys.begin(), keys.end(), [&](const auto& key) { return key->id == old->id; });
    if (!stays) holders.retire_key(old->id);
  }
  directory.put_keys(token, std::move(keys));
  return {};
}

Result<IssuedKey> Store::rotate_token(std::string_view name, std::chrono::milliseconds grace, const Actor& actor) {
  const auto token = impl_.get_token(name);
  if (!token) return tl::unexpected(token.error());
  if (auto good = check_grace(grace, impl_.options.grace_max); !good) return tl::unexpected(good.error());
  if (auto done = impl_.refresh_keys((*token)->id); !done) return tl::unexpected(done.error());
  const Keys keys = impl_.directory.find_entry((*token)->id)->keys;
  const bool at_once = grace.count() == 0;
  if (!at_once && !old_keys(keys).empty()) {
    return fail(ErrorCode::conflict,
                "token '" + (*token)->name + "': is rotating already: its old key works until " +
                    base::format_rfc3339(*old_keys(keys).front()->not_after),
                "finish that rotation or undo it, or rotate with --now, which stops all old keys");
  }
  const auto until = impl_.clock.now() + grace;
  Result<void> done = at_once ? impl_.sql.run("DELETE FROM key WHERE token_id = ?1", (*token)->id)
                              : impl_.sql.run("UPDATE key SET not_after = ?2 WHERE token_id = ?1", (*token)->id, until);
  if (!done) return tl::unexpected(done.error());
  auto issued = impl_.issue_key(*token, token::mint_key(impl_.options.key_prefix));
  if (!issued) return issued;
  TextMap facts{{"grace", base::format_duration(grace)},
                {"key", to_text(token::hint_of(issued->key.reveal()))},
                {"key_id", std::to_string(issued->key_id.value)}};
  if (!at_once) facts.emplace("until", base::format_rfc3339(until));
  done = impl_.audit(actor, "token.rotate", "token " + (*token)->name, audit_detail(facts));
  if (!done) return tl::unexpected(done.error());
  return issued;
}

Result<void> Store::finish_rotation(std::string_view name, std::chrono::milliseconds quiet_for, const Actor& actor) {
  const auto token = impl_.get_token(name);
  if (!token) return tl::unexpected(token.error());
  if (auto done = impl_.refresh_keys((*token)->id); !done) return done;
  const Keys old = old_keys(impl_.directory.find_entry((*token)->id)->keys);
  if (old.empty()) return not_rotating((*token)->name);
  for (const auto& key : old) {
    const Holders::KeyUse use = impl_.holders.key_use(key->id);
    if (quiet_for.count() > 0 && use.last_used_at && *use.last_used_at > impl_.clock.now() - quiet_for) {
      return fail(ErrorCode::conflict,
                  "token '" + (*token)->name + "': its old key " + to_text(key->hint) + " was used at " +
                      base::format_rfc3339(*use.last_used_at) + " from " + use.last_used_ip,
                  "give that client the new key first, or finish with --force");
    }
    if (auto done = impl_.drop_key(key->id); !done) return done;
  }
  if (auto done = impl_.refresh_keys((*token)->id); !done) return done;
  const TextMap facts{{"stopped", to_text(old.front()->hint)}};
  return impl_.audit(actor, "token.rotate.finish", "token " + (*token)->name, audit_detail(facts));
}

Result<void> Store::extend_rotation(std::string_view name, std::chrono::milliseconds grace, const Actor& actor) {
  const auto token = impl_.get_token(name);
  if (!token) return tl::unexpected(token.error());
  if (auto good = check_grace(grace, impl_.options.grace_max); !good) return good;
  if (auto done = impl_.refresh_keys((*token)->id); !done) return done;
  const Keys old = old_keys(impl_.directory.find_entry((*token)->id)->keys);
  if (old.empty()) return not_rotating((*token)->name);
  const auto until = impl_.clock.now() + grace;
  if (*old.front()->not_after >= until) return {};  // nothing to do is nothing done: no audit row
  auto done =
      impl_.sql.run("UPDATE key SET not_after = ?2 WHERE token_id = ?1 AND not_after < ?2", (*token)->id, until);
  if (!done) return done;
  if (done = impl_.refresh_keys((*token)->id); !done) return done;
  const TextMap facts{{"key", to_text(old.front()->hint)}, {"until", base::format_rfc3339(until)}};
  return impl_.audit(actor, "token.rotate.extend", "token " + (*token)->name, audit_detail(facts));
}

Result<void> Store::undo_rotation(std::string_view name, const Actor& actor) {
  const auto token = impl_.get_token(name);
  if (!token) return tl::unexpected(token.error());
  if (auto done = impl_.refresh_keys((*token)->id); !done) return done;
  const Keys keys = impl_.directory.find_entry((*token)->id)->keys;
  const Keys old = old_keys(keys);
  if (old.empty()) return not_rotating((*token)->name);
  for (const auto& key : keys) {
    if (key->not_after) continue;
    if (auto done = impl_.drop_key(key->id); !done) return done;
  }
  if (auto done = impl_.sql.run("UPDATE key SET not_after = NULL WHERE id = ?1", old.front()->id); !done) return done;
  if (auto done = impl_.refresh_keys((*token)->id); !done) return done;
  const TextMap facts{{"current", to_text(old.front()->hint)}};
  return impl_.audit(actor, "token.rotate.undo", "token " + (*token)->name, audit_detail(facts));
}

Result<void> Store::revoke_key(std::string_view name, KeyId key, const Actor& actor) {
  const auto token = impl_.get_token(name);
  if (!token) return tl::unexpected(token.error());
  const Keys keys = impl_.directory.find_entry((*token)->id)->keys;
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const auto& its) { return its->id == key; });
  if (found == keys.end()) {
    return fail(ErrorCode::not_found,
                "token '" + (*token)->name + "': has no key with id " + std::to_string(key.value));
  }
  if (auto done = impl_.drop_key(key); !done) return done;
  // Without its successor an old key must not run out: it is the current one again.
  auto done = impl_.sql.run(
      "UPDATE key SET not_after = NULL WHERE id = (SELECT max(id) FROM key WHERE token_id = ?1) AND NOT EXISTS"
      " (SELECT 1 FROM key WHERE token_id = ?1 AND not_after IS NULL)",
      (*token)->id);
  if (!done) return done;
  if (done = impl_.refresh_keys((*token)->id); !done) return done;
  const TextMap facts{{"key", to_text((*found)->hint)}, {"key_id", std::to_string(key.value)}};
  return impl_.audit(actor, "token.key.revoke", "token " + (*token)->name, audit_detail(facts));
}

Result<base::Secret> Store::reveal_key(std::string_view name, const Actor& actor) {
  const auto token = impl_.get_token(name);
  if (!token) return tl::unexpected(token.error());
  const Keys& keys = impl_.directory.find_entry((*token)->id)->keys;
  if (keys.empty()) {
    return fail(ErrorCode::not_retrievable, "token '" + (*token)->name + "': has no key",
                "make one with: crctl token rotate " + (*token)->name);
  }
  std::optional<base::Secret> key;
  auto read = impl_.sql.each_row(
      "SELECT sealed FROM key WHERE id = ?1 AND sealed IS NOT NULL",
      [&](const Row& row) -> Result<void> {
        const auto sealed = row.column_blob(0);
        auto opened = impl_.vault.open({reinterpret_cast<const char*>(sealed.data()), sealed.size()},
                                       token_context((*token)->id));
        if (!opened) return tl::unexpected(opened.error());
        key = std::move(*opened);
        return {};
      },
      keys.front()->id);
  if (!read) return tl::unexpected(read.error());
  if (!key) {
    return fail(ErrorCode::not_retrievable, "token '" + (*token)->name + "': its key was not kept, only a digest of it",
                "make a new one with: crctl token rotate " + (*token)->name);
  }
  const TextMap facts{{"key", to_text(keys.front()->hint)}};
  auto audited = impl_.audit(actor, "token.copy", "token " + (*token)->name, audit_detail(facts));
  if (!audited) return tl::unexpected(audited.error());
  return std::move(*key);
}

}  // namespace cr::ledger
