// SPDX-License-Identifier: MIT
#include "ledger/sqlite/balances_loading.h"

#include <memory>
#include <string>
#include <utility>

#include "ledger/sql/rows.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::Result;

Balance balance_of(const Row& row, int at) {
  return {column_as<std::optional<Credits>>(row, at), Credits::from_nano(row.column_int(at + 1)),
          Credits::from_nano(row.column_int(at + 2))};
}

Result<void> load_accounts(SqlSession& sql, Balances& balances) {
  constexpr std::string_view k_accounts =
      "SELECT account.id, account.enabled, account.deleted_at, account.quota, account_balance.posted,"
      " account_balance.reserved FROM account JOIN account_balance ON account_balance.account_id = account.id";
  return sql.each_row(k_accounts, [&](const Row& row) -> Result<void> {
    auto& account = balances.add_account({row.column_int(0)}, column_as<Switch>(row, 1), balance_of(row, 3));
    account.deleted = !row.column_is_null(2);
    return {};
  });
}

// What is used and reserved of a token, and when it was used last.
constexpr std::string_view k_use = "token_balance.posted, token_balance.reserved, token_balance.last_used_at";

// `use` is the first column of k_use.
Result<Balances::Token*> add_token(const TokenRecord& record, const Row& row, int use, Balances& balances) {
  auto& token = balances.add_token(record.id, record.account, record.enabled,
                                   {record.quota, column_as<Credits>(row, use), column_as<Credits>(row, use + 1)});
  if (token.account == nullptr) {
    return base::fail(ErrorCode::corrupt, "token '" + record.name + "': its account is missing");
  }
  if (has_budget(record)) token.set_budget({record.settings->budgets, record.settings->zone, {}});
  token.deleted = record.deleted_at.has_value();
  token.last_used_at = column_as<std::optional<Time>>(row, use + 2);
  return &token;
}

Result<void> balance_missing(const Directory::Impl& directory, Balances& balances) {
  for (const auto& shard : *directory.tokens) {
    if (!shard) continue;
    for (const auto& entry : *shard) {
      if (balances.find_token(entry.id) != nullptr) continue;
      return base::fail(ErrorCode::corrupt, "token '" + entry.token->name + "': its balance is missing");
    }
  }
  return {};
}

// Those of deleted tokens are read when something of theirs ends.
Result<void> load_tokens(SqlSession& sql, const Directory::Impl& directory, Balances& balances) {
  std::size_t count = 0;
  for (const auto& shard : *directory.tokens) count += shard ? shard->size() : 0;
  balances.expect_tokens(count);
  TokenId last{};
  auto read =
      sql.each_row("SELECT token_id, " + std::string(k_use) + " FROM token_balance ORDER BY token_id",
                   [&](const Row& row) -> Result<void> {
                     const TokenId id{row.column_int(0)};
                     if (!(std::exchange(last, id) < id)) {
                       return base::fail(ErrorCode::corrupt, "the rows of its table 'token_balance' are out of order");
                     }
                     const auto* entry = directory.find_entry(id);
                     if (entry == nullptr) return {};
                     --count;
                     auto added = add_token(*entry->token, row, 1, balances);
                     return added ? Result<void>() : tl::unexpected(added.error());
                   });
  if (!read || count == 0) return read;
  return balance_missing(directory, balances);
}

// A million keys that were not used yet take no room.
Result<void> load_key_uses(SqlSession& sql, Balances& balances) {
  return sql.each_row("SELECT id, last_used_at, last_used_ip FROM key WHERE last_used_at IS NOT NULL",
                      [&](const Row& row) -> Result<void> {
                        auto& use = balances.keys().at({row.column_int(0)});
                        use.last_used_at = column_as<std::optional<Time>>(row, 1);
                        use.last_used_ip = row.column_text(2);
                        return {};
                      });
}

}  // namespace

Result<Balances::Token*> load_token(SqlSession& sql, Balances& balances, TokenId id) {
  static const std::string k_one =
      select(k_token_columns + ", " + std::string(k_use),
             "FROM token JOIN token_balance ON token_balance.token_id = token.id WHERE token.id = ?1");
  Balances::Token* token = nullptr;
  auto read = sql.each_row(
      k_one,
      [&](const Row& row) -> Result<void> {
        const auto record = token_of(row);
        if (!record) return tl::unexpected(record.error());
        auto added = add_token(*record, row, k_token_column_count, balances);
        if (!added) return tl::unexpected(added.error());
        token = *added;
        return {};
      },
      id);
  if (!read) return tl::unexpected(read.error());
  return token;
}

Result<void> load_balances(SqlSession& sql, const Directory::Impl& directory, Balances& balances) {
  const auto overrun = sql.find_int("SELECT value FROM meta WHERE key = 'overrun'");
  if (!overrun) return tl::unexpected(overrun.error());
  balances.set_overrun(Credits::from_nano(overrun->value_or(0)));
  auto done = load_accounts(sql, balances);
  if (done) done = load_tokens(sql, directory, balances);
  if (done) done = load_key_uses(sql, balances);
  if (!done) return done;
  return balances.sums().load();
}

}  // namespace cr::ledger
