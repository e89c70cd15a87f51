// SPDX-License-Identifier: MIT
#include "ledger/sqlite/balances_loading.h"

#include <memory>
#include <string>

#include "ledger/sql/rows.h"
#include "ledger/sql/settings_json.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::string_view k_no_budgets = "{}";

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

constexpr std::string_view k_tokens =
    "SELECT token.id, token.name, token.account_id, token.enabled, token.deleted_at, token.budgets, token.time_zone,"
    " token.quota, token_balance.posted, token_balance.reserved, token_balance.last_used_at FROM token"
    " JOIN token_balance ON token_balance.token_id = token.id WHERE ";

Result<Balances::Token*> add_token(const Row& row, Balances& balances) {
  const auto corrupt = [&](std::string_view what) {
    return base::fail(ErrorCode::corrupt, "token '" + std::string(row.column_text(1)) + "': " + std::string(what));
  };
  auto& token =
      balances.add_token({row.column_int(0)}, {row.column_int(2)}, column_as<Switch>(row, 3), balance_of(row, 7));
  if (token.account == nullptr) return corrupt("its account is missing");
  if (row.column_text(5) != k_no_budgets) {
    const auto limits = budgets_from_json(row.column_text(5));
    if (!limits) return corrupt(limits.error().message);
    auto zone = base::Zone::find(row.column_text(6));
    if (!zone) return corrupt(zone.error().message);
    token.set_budget({*limits, std::move(*zone), {}});
  }
  token.deleted = !row.column_is_null(4);
  token.last_used_at = column_as<std::optional<Time>>(row, 10);
  return &token;
}

// In the order of their rows, not of the index of names. Deleted ones are read when something of theirs ends.
Result<void> load_tokens(SqlSession& sql, Balances& balances) {
  return sql.each_row(std::string(k_tokens) + "token.deleted_at IS NULL ORDER BY token.id",
                      [&](const Row& row) -> Result<void> {
                        auto added = add_token(row, balances);
                        return added ? Result<void>() : tl::unexpected(added.error());
                      });
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
  static const std::string k_one = std::string(k_tokens) + "token.id = ?1";
  Balances::Token* token = nullptr;
  auto read = sql.each_row(
      k_one,
      [&](const Row& row) -> Result<void> {
        auto added = add_token(row, balances);
        if (!added) return tl::unexpected(added.error());
        token = *added;
        return {};
      },
      id);
  if (!read) return tl::unexpected(read.error());
  return token;
}

Result<void> load_balances(SqlSession& sql, Balances& balances) {
  const auto overrun = sql.find_int("SELECT value FROM meta WHERE key = 'overrun'");
  if (!overrun) return tl::unexpected(overrun.error());
  balances.set_overrun(Credits::from_nano(overrun->value_or(0)));
  for (const auto part : {load_accounts, load_tokens, load_key_uses}) {
    if (auto done = part(sql, balances); !done) return done;
  }
  return balances.sums().load();
}

}  // namespace cr::ledger
