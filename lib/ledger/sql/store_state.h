// SPDX-License-Identifier: MIT
// Store::Impl: what the changes of Store work on. Each change checks, writes its row and its audit row, and edits the
// draft of the directory and the holders' settings; a change that fails half-way leaves both to the engine, which puts
// them back with the savepoint. One thread, the one that runs the change.
#pragma once

#include <string>
#include <string_view>

#include "ledger/core/directory_builder.h"
#include "ledger/core/ledger.h"
#include "ledger/core/store.h"
#include "ledger/core/store_clock.h"
#include "ledger/sql/holders.h"
#include "ledger/sql/settings_sum.h"
#include "ledger/sql/sql_session.h"

namespace cr::ledger {

struct Store::Impl {
  Impl(SqlSession session, Holders& all_holders, const token::Vault& the_vault, const Ledger::Options& the_options,
       const StoreClock& its_clock)
      : sql(std::move(session)), holders(all_holders), vault(the_vault), options(the_options), clock(its_clock) {}

  SqlSession sql;
  Holders& holders;
  const token::Vault& vault;
  const Ledger::Options& options;
  const StoreClock& clock;
  Directory::Impl directory;  // the draft: as it will be after this transaction
  SettingsPool pool;          // of the tokens in it
  SettingsSum settings{vault};

  // --- what must be there: `not_found`, naming it and the nearest ---
  Result<std::shared_ptr<const TokenRecord>> get_token(std::string_view name);
  Result<std::shared_ptr<const AccountRecord>> get_account(std::string_view name);
  Result<std::shared_ptr<const GroupRecord>> get_group(std::string_view name);
  Result<std::shared_ptr<const ChannelRecord>> get_channel(std::string_view name);
  Result<void> check_groups(const std::vector<std::string>& groups);

  // --- audit.cpp ---
  // `object` names the record: "token ci-runner". In the same savepoint as the change: without it, no change.
  Result<void> audit(const Actor& actor, std::string_view action, std::string_view object, std::string_view detail);

  // --- parts that several changes share ---
  Result<void> insert_token(TokenRecord& token);  // gives it its id
  Result<void> write_token(const TokenRecord& token);
  Result<void> find_deleted(std::string_view name, std::optional<TokenRecord>& token);  // the latest of that name
  Result<void> publish_token(TokenRecord token, const TokenRecord* before, const Actor& actor, std::string_view action);
  void put_token(TokenRecord token);  // into the directory
  std::string account_name(AccountId id) const;
  // Drops grace keys whose time is over, and puts the rest into the directory, current first.
  Result<void> refresh_keys(TokenId token);
  Result<IssuedKey> issue_key(const std::shared_ptr<const TokenRecord>& token, base::Secret key);
  Result<base::Secret> make_key(const std::optional<base::Secret>& imported) const;
  Result<void> drop_key(KeyId key);
};

// The mistake of naming what is not there: "no token named 'ci-runnr'", hint "did you mean 'ci-runner'?".
base::Error no_such(std::string_view what, std::string_view name, const std::vector<std::string>& names);
// The same of a table's rows. Where there are many it is sought among the names beside it in their order.
enum class Among { live, all };
base::Error no_such_row(SqlSession& sql, std::string_view table, std::string_view name, Among among);
// How a name is looked up, ?1 the name: the index knows it in lower case. Of "name = ?1" SQLite would make lower(?1) =
// lower(?1), and look at every row.
inline constexpr std::string_view k_is_named = "lower(name) = lower(?1) AND name || '' = ?1";
// `conflict` unless `if_rev` is absent or the record's.
Result<void> check_rev(IfRev if_rev, std::int64_t rev, std::string_view what, std::string_view name);
// The quota after a change; `invalid` if it would be negative or overflow.
Result<std::optional<Credits>> changed_quota(const std::optional<Credits>& quota, const QuotaChange& change);
Result<void> check_quota(const std::optional<Credits>& quota);
Result<void> check_note(std::string_view note);
// `conflict` if another live record of `table` has this name in any case.
Result<void> check_free(SqlSession& sql, std::string_view table, std::string_view name, std::int64_t except_id = 0);

// A price as a row of its model and time, replacing the one that is there.
// Writes the price and its generation, whose number it gets.
Result<void> insert_price(SqlSession& sql, PriceRecord& price);

inline std::string token_context(TokenId id) {
  return "token:" + std::to_string(id.value);
}
inline std::string channel_context(ChannelId id) {
  return "channel:" + std::to_string(id.value);
}

}  // namespace cr::ledger
