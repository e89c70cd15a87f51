// SPDX-License-Identifier: MIT
#include "base/text.h"
#include "ledger/sql/columns.h"
#include "ledger/sql/record_changes.h"
#include "ledger/sql/rows.h"
#include "ledger/sql/settings_json.h"
#include "ledger/sql/store_state.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::fail;

constexpr auto k_restore_period = std::chrono::hours(24 * 7);
constexpr std::size_t k_tags_max = 64;
constexpr std::size_t k_tag_value_bytes_max = 256;
constexpr std::size_t k_list_max = 10'000;

Result<void> check_times(const TokenRecord& token, Time now) {
  if (token.expires && *token.expires <= now) {
    return fail(ErrorCode::invalid,
                "token '" + token.name + "': the expiry " + base::format_rfc3339(*token.expires) + " is past",
                "name a later time, or never");
  }
  if (token.settings->not_before && token.expires && *token.settings->not_before >= *token.expires) {
    return fail(ErrorCode::invalid, "token '" + token.name + "': not-before is not before the expiry");
  }
  return {};
}

Result<void> check_tags(const TextMap& tags) {
  if (tags.size() > k_tags_max) return fail(ErrorCode::invalid, "tags: more than 64");
  for (const auto& [key, value] : tags) {
    if (auto checked = base::check_name("tag", key); !checked) return checked;
    if (value.size() > k_tag_value_bytes_max || !base::is_valid_utf8(value)) {
      return fail(ErrorCode::invalid, "tag '" + key + "': its value is over 256 bytes or not UTF-8");
    }
  }
  return {};
}

// Compiles the lists; one bad entry refuses all.
Result<void> compile(TokenRecord& token) {
  if (token.settings->models.size() > k_list_max || token.settings->allow_ip.size() > k_list_max) {
    return fail(ErrorCode::invalid, "token '" + token.name + "': a list has more than 10000 entries");
  }
  auto models = token::ModelSet::parse(token.settings->models);
  if (!models) return tl::unexpected(models.error());
  token::IpSet unrestricted;
  auto addresses =
      token.settings->allow_ip.empty() ? std::move(unrestricted) : token::IpSet::parse(token.settings->allow_ip);
  if (!addresses) return tl::unexpected(addresses.error());
  TokenSettings& settings = token.settings.edit();
  settings.model_set = std::move(*models);
  settings.ip_set = std::move(*addresses);
  return {};
}

// Of a list that is new: an old one of such stays as it is until it is changed, so that its token can be.
Result<void> check_addresses(const TokenRecord& token) {
  if (!token.settings->ip_set.covers_ipv4()) return {};
  return fail(ErrorCode::invalid, "allow_ip: the list holds every IPv4 address, and so restricts nothing",
              "name the networks; for no restriction leave it out, or blank to take it away (--allow-ip '')");
}

constexpr std::int64_t k_rate_max = 1'000'000'000;

Result<void> check_rates(const RateLimits& rates) {
  for (const auto& [name, rate] : {std::pair("requests a minute", rates.requests_per_minute),
                                   std::pair("model tokens a minute", rates.tokens_per_minute),
                                   std::pair("requests at once", rates.requests_at_once)}) {
    if (!rate || (*rate >= 1 && *rate <= k_rate_max)) continue;
    return fail(ErrorCode::invalid, std::string(name) + ": expected a whole number from 1 to 1000000000",
                "to stop a token, disable it");
  }
  return {};
}

Result<void> check_settings(TokenRecord& token) {
  if (auto checked = check_quota(token.quota); !checked) return checked;
  for (const auto& budget : token.settings->budgets) {
    if (auto checked = check_quota(budget); !checked) return checked;
  }
  if (auto checked = check_rates(token.settings->rates); !checked) return checked;
  if (auto checked = check_tags(token.settings->tags); !checked) return checked;
  if (auto checked = check_note(token.settings->note); !checked) return checked;
  return compile(token);
}

}  // namespace

Result<void> Store::Impl::write_token(const TokenRecord& token) {
  return update_record(sql, k_token_fields, "token", token);
}

Result<void> Store::Impl::publish_token(TokenRecord token, const TokenRecord* before, const Actor& actor,
                                        std::string_view action) {
  const std::string detail = audit_detail(
      before, &token, before == nullptr ? std::string() : account_name(before->account), account_name(token.account));
  if (auto audited = audit(actor, action, "token " + token.name, detail); !audited) return audited;
  put_token(std::move(token));
  return {};
}

void Store::Impl::put_token(TokenRecord token) {
  pool.share(token.settings);
  directory.put_token(std::make_shared<const TokenRecord>(std::move(token)));
}

Result<IssuedKey> Store::create_token(const NewToken& wanted, const Actor& actor) {
  const Time now = impl_.clock.now();
  if (auto checked = base::check_name("token name", wanted.name); !checked) return tl::unexpected(checked.error());
  if (auto free = check_free(impl_.sql, "token", wanted.name); !free) return tl::unexpected(free.error());
  const auto account = impl_.get_account(wanted.account);
  if (!account) return tl::unexpected(account.error());
  if (auto checked = impl_.check_groups(wanted.groups); !checked) return tl::unexpected(checked.error());
  TokenRecord token;
  take_wanted(k_token_fields, token, wanted);
  token.rev = 1;
  token.account = (*account)->id;
  if (!wanted.expires_given && !wanted.expires && impl_.options.default_expiry) {
    token.expires = now + *impl_.options.default_expiry;
  }
  token.created_at = now;
  Result<void> checked = check_times(token, now);
  if (checked) checked = check_settings(token);
  if (checked) checked = check_addresses(token);
  if (!checked) return tl::unexpected(checked.error());
  auto key = impl_.make_key(wanted.key);
  if (!key) return tl::unexpected(key.error());
  if (auto inserted = impl_.insert_token(token); !inserted) return tl::unexpected(inserted.error());
  const std::string account_name = impl_.account_name(token.account), name = token.name;
  impl_.put_token(std::move(token));
  auto issued = impl_.issue_key(find_token(name), std::move(*key));
  if (!issued) return issued;
  const std::string hint = to_text(token::hint_of(issued->key.reveal()));
  const std::string detail = audit_detail(*issued->token, account_name, issued->key_id.value, hint);
  if (auto done = impl_.audit(actor, "token.create", "token " + name, detail); !done)
    return tl::unexpected(done.error());
  return issued;
}

Result<void> Store::Impl::insert_token(TokenRecord& token) {
  const auto made = insert_record(sql, k_token_fields, "token", token);
  if (!made) return tl::unexpected(made.error());
  token.id = {*made};
  if (auto done = sql.run("INSERT INTO token_balance (token_id) VALUES (?1)", token.id); !done) return done;
  if (auto put = holders.put(token, Holders::Presence::live); !put) return tl::unexpected(put.error());
  return {};
}

Result<void> Store::Impl::find_deleted(std::string_view name, std::optional<TokenRecord>& token) {
  const std::string select_deleted =
      select(k_token_columns, "FROM token WHERE " + std::string(k_is_named) +
                                  " AND deleted_at IS NOT NULL ORDER BY deleted_at DESC, id DESC LIMIT 1");
  return sql.each_row(
      select_deleted,
      [&](const Row& row) -> Result<void> {
        auto found = token_of(row);
        if (!found) return tl::unexpected(found.error());
        token = std::move(*found);
        return {};
      },
      name);
}

Result<std::shared_ptr<const TokenRecord>> Store::edit_token(std::string_view name, const TokenPatch& patch,
                                                             IfRev if_rev, const Actor& actor) {
  const auto before = impl_.get_token(name);
  if (!before) return tl::unexpected(before.error());
  if (auto same = check_rev(if_rev, (*before)->rev, "token", name); !same) return tl::unexpected(same.error());
  TokenRecord token = **before;
  if (patch.name && *patch.name != token.name) {
    if (auto checked = base::check_name("token name", *patch.name); !checked) return tl::unexpected(checked.error());
    if (auto free = check_free(impl_.sql, "token", *patch.name, token.id.value); !free)
      return tl::unexpected(free.error());
    token.name = *patch.name;
  }
  if (patch.account) {
    const auto account = impl_.get_account(*patch.account);
    if (!account) return tl::unexpected(account.error());
    token.account = (*account)->id;
  }
  Result<void> done = change_record(k_token_fields, token, patch);
  if (done && (patch.not_before || patch.expires)) done = check_times(token, impl_.clock.now());
  if (done && patch.groups) done = impl_.check_groups(token.settings->groups);
  if (done) done = check_settings(token);
  if (done && patch.allow_ip) done = check_addresses(token);
  if (!done) return tl::unexpected(done.error());
  if (same_settings(k_token_fields, token, **before))
    return *before;  // nothing to do is nothing done: no new rev, no audit row
  ++token.rev;
  if (done = impl_.write_token(token); !done) return tl::unexpected(done.error());
  if (done = impl_.holders.put(token, Holders::Presence::live); !done) return tl::unexpected(done.error());
  if (done = impl_.holders.put_budgets(token, impl_.clock.now()); !done) return tl::unexpected(done.error());
  const std::string new_name = token.name;
  done = impl_.publish_token(std::move(token), before->get(), actor, "token.edit");
  if (!done) return tl::unexpected(done.error());
  return find_token(new_name);
}

Result<void> Store::delete_token(std::string_view name, IfRev if_rev, const Actor& actor) {
  const auto before = impl_.get_token(name);
  if (!before) return tl::unexpected(before.error());
  if (auto same = check_rev(if_rev, (*before)->rev, "token", name); !same) return same;
  TokenRecord token = **before;
  token.deleted_at = impl_.clock.now();
  ++token.rev;
  if (auto done = impl_.write_token(token); !done) return done;
  const std::vector<std::shared_ptr<const KeyRecord>> keys = impl_.directory.find_entry(token.id)->keys;
  for (const auto& key : keys) {
    if (auto done = impl_.drop_key(key->id); !done) return done;
    impl_.holders.retire_key(key->id);
  }
  if (auto put = impl_.holders.put(token, Holders::Presence::deleted); !put) return put;
  impl_.directory.erase_token(token.id);
  return impl_.audit(actor, "token.delete", "token " + token.name, audit_detail(TextMap{}));
}

Result<std::shared_ptr<const TokenRecord>> Store::restore_token(std::string_view name, const Actor& actor) {
  const Time now = impl_.clock.now();
  std::optional<TokenRecord> token;
  const auto read = impl_.find_deleted(name, token);
  if (!read) return tl::unexpected(read.error());
  if (!token) {
    return fail(ErrorCode::not_found, "no deleted token named '" + base::escape_for_terminal(name) + "'",
                "list what can be restored with: crctl token list --deleted");
  }
  if (*token->deleted_at + k_restore_period < now) {
    return fail(ErrorCode::conflict, "token '" + token->name + "': deleted more than 7 days ago",
                "create a new token in its place");
  }
  if (auto free = check_free(impl_.sql, "token", token->name); !free) return tl::unexpected(free.error());
  if (impl_.directory.accounts->count(token->account) == 0) {
    return fail(ErrorCode::conflict,
                "token '" + token->name + "': its account '" + impl_.account_name(token->account) + "' is deleted",
                "create a new token on another account");
  }
  if (auto checked = impl_.check_groups(token->settings->groups); !checked) return tl::unexpected(checked.error());
  token->deleted_at.reset();
  ++token->rev;
  if (auto done = impl_.write_token(*token); !done) return tl::unexpected(done.error());
  if (auto put = impl_.holders.put(*token, Holders::Presence::live); !put) return tl::unexpected(put.error());
  const std::string its_name = token->name;
  auto published = impl_.publish_token(std::move(*token), nullptr, actor, "token.restore");
  if (!published) return tl::unexpected(published.error());
  return find_token(its_name);
}

Result<void> Store::reset_budgets(std::string_view name, std::optional<base::Period> period, const Actor& actor) {
  const auto token = impl_.get_token(name);
  if (!token) return tl::unexpected(token.error());
  TextMap given_back;
  for (const base::Period each : {base::Period::day, base::Period::week, base::Period::month}) {
    if ((period && *period != each) || !(*token)->settings->budgets[static_cast<std::size_t>(each)]) continue;
    given_back.emplace(base::name_of(each), "0");
    if (auto done = impl_.holders.forgive((*token)->id, each, impl_.clock.now()); !done) return done;
  }
  if (given_back.empty()) {
    return fail(ErrorCode::invalid, "token '" + (*token)->name + "' has no such budget",
                "see them with: crctl token show " + (*token)->name);
  }
  return impl_.audit(actor, "token.budget_reset", "token " + (*token)->name, audit_detail(given_back));
}

std::shared_ptr<const TokenRecord> Store::find_token(std::string_view name) const {
  return impl_.directory.find_token(name);
}

std::optional<Balance> Store::find_balance(TokenId token) const {
  return impl_.holders.balance_of(token);
}

std::optional<Balance> Store::find_balance(AccountId account) const {
  return impl_.holders.balance_of(account);
}

Result<std::vector<BudgetUse>> Store::budget_uses(TokenId token) const {
  return impl_.holders.budget_uses(token, impl_.clock.now());
}

}  // namespace cr::ledger
