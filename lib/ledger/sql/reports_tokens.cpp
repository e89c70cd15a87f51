// SPDX-License-Identifier: MIT
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "ledger/core/refused_counts.h"
#include "ledger/sql/reports_state.h"
#include "ledger/sql/rows.h"
#include "ledger/sql/settings_json.h"
#include "ledger/sql/store_state.h"

namespace cr::ledger {
namespace {

constexpr std::string_view k_left =
    "CASE WHEN token.quota IS NULL THEN 9223372036854775807"
    " WHEN token.quota > token_balance.posted + token_balance.reserved"
    " THEN token.quota - token_balance.posted - token_balance.reserved ELSE 0 END";

std::string_view sorted_by(TokenQuery::Sort sort) {
  switch (sort) {
    case TokenQuery::Sort::name:
      return "lower(token.name)";
    case TokenQuery::Sort::used:
      return "token_balance.posted";
    case TokenQuery::Sort::left:
      return k_left;
    case TokenQuery::Sort::expires:  // never is later than any time
      return "coalesce(token.expires, 9223372036854775807)";
    case TokenQuery::Sort::last_used:
      return "coalesce(token_balance.last_used_at, 0)";
    case TokenQuery::Sort::created:
      return "token.created_at";
  }
  return "token.id";
}

std::string order_of(const TokenQuery& query) {
  const std::string direction = query.descending ? " DESC" : "";
  // The id makes the order total, so that pages neither repeat nor leave out.
  return " ORDER BY " + std::string(sorted_by(query.sort)) + direction + ", token.id" + direction;
}

// The first condition is what an index can begin at.
void add_after(Where& where, const TokenQuery& query, const TokenPlace& place) {
  const std::string by(sorted_by(query.sort));
  const std::string later = query.descending ? " <" : " >";
  const std::string from = by + later + "= ?";
  const std::string beyond = "(" + by + later + " ? OR token.id" + later + " ?)";
  if (query.sort == TokenQuery::Sort::name) {
    where.add_text(from, place.name);
    where.add_text(beyond, place.name);
  } else {
    where.add(from, place.number);
    where.add(beyond, place.number);
  }
  where.also(place.id.value);
}

Result<Where> filters_of(SqlSession& sql, const TokenQuery& query, Time now) {
  const Dialect dialect = sql.dialect();
  Where where;
  where.add(query.deleted ? "token.deleted_at IS NOT NULL" : "token.deleted_at IS NULL");
  if (query.name_glob) where.add_glob(dialect, "token.name", *query.name_glob);
  if (query.group) {
    where.add_text("EXISTS (SELECT 1 FROM " + each_of_json(dialect, JsonKind::list, "token.groups", "member") +
                       " WHERE member.value = ?)",
                   *query.group);
  }
  if (query.account) {
    const auto ids = ids_named(sql, "account", *query.account);
    if (!ids) return tl::unexpected(ids.error());
    where.add_ids("token.account_id", *ids);
  }
  if (query.tag) {
    where.add_text(
        "EXISTS (SELECT 1 FROM " + each_of_json(dialect, JsonKind::map, "token.tags", "tag") + " WHERE tag.key = ?",
        query.tag->first);
    // The condition goes on; Where joins with AND.
    if (query.tag->second) {
      where.add_text("tag.value = ?)", *query.tag->second);
    } else {
      where.add("TRUE)");
    }
  }
  if (query.expires_before) {
    where.add("token.expires > ?", base::to_unix_ms(now));
    where.add("token.expires < ?", base::to_unix_ms(*query.expires_before));
  }
  if (query.not_used_since) {
    // A token that is younger than that has not been idle for so long.
    where.add("coalesce(token_balance.last_used_at, 0) < ?", base::to_unix_ms(*query.not_used_since));
    where.add("token.created_at < ?", base::to_unix_ms(*query.not_used_since));
  }
  if (query.rotating) {
    where.add("EXISTS (SELECT 1 FROM key WHERE key.token_id = token.id AND key.not_after > ?)", base::to_unix_ms(now));
  }
  if (query.over_percent) {
    where.add("token_balance.posted >= token.quota / 100.0 * ?", *query.over_percent);
  }
  if (query.after) add_after(where, query, *query.after);
  return where;
}

// `like`: settings that it likely has.
Result<TokenRow> row_of(const Row& row, const SharedTokenSettings& like) {
  auto token = token_of(row, 0, like);
  if (!token) return tl::unexpected(token.error());
  constexpr int at = k_token_column_count;
  const TokenId token_id = token->id;
  return TokenRow{std::move(*token),
                  std::string(row.column_text(at)),
                  Credits::from_nano(row.column_int(at + 1)),
                  Credits::from_nano(row.column_int(at + 2)),
                  {},
                  column_as<std::optional<Time>>(row, at + 3),
                  {},
                  {std::string(row.column_text(at + 4)), row.column_int(at + 4), token_id},
                  {}};
}

// The tokens of a page, for what is read of all of them by one query.
struct Page {
  std::unordered_map<TokenId, TokenRow*> by_id;
  std::string ids;  // a JSON list

  explicit Page(std::vector<TokenRow>& tokens) {
    std::vector<std::string> texts;
    for (TokenRow& token : tokens) {
      by_id.emplace(token.token.id, &token);
      texts.push_back(std::to_string(token.token.id.value));
    }
    ids = json_of(texts);
  }
};

// Each token's current one first.
Result<void> add_keys(SqlSession& sql, const Page& page, std::vector<TokenRow>& tokens, Time now) {
  const std::string keys_of = select(std::string(k_key_columns) + ", key.last_used_at, key.last_used_ip",
                                     "FROM " + each_of_json(sql.dialect(), JsonKind::list, "?1", "token_id") +
                                         " CROSS JOIN key WHERE key.token_id = CAST(token_id.value AS BIGINT)"
                                         " AND (key.not_after IS NULL OR key.not_after > ?2)");
  auto read = sql.each_row(
      keys_of,
      [&](const Row& row) -> Result<void> {
        auto key = key_of(row);
        if (!key) return tl::unexpected(key.error());
        auto& keys = page.by_id.at(key->token)->keys;
        keys.push_back({*key, column_as<std::optional<Time>>(row, k_key_column_count),
                        row.column_optional_text(k_key_column_count + 1)});
        return {};
      },
      page.ids, now);
  for (TokenRow& token : tokens) {
    std::sort(token.keys.begin(), token.keys.end(), [](const KeyRow& a, const KeyRow& b) {
      return std::pair(a.key.not_after.has_value(), b.key.id) < std::pair(b.key.not_after.has_value(), a.key.id);
    });
  }
  return read;
}

// What the token's own calendar says is now; a period without a row is one that nothing was used in yet.
Result<void> add_budgets(SqlSession& sql, TokenRow& row, Time now) {
  for (std::size_t i = 0; i < k_period_count; ++i) {
    if (!row.token.settings->budgets[i]) continue;
    const auto period = static_cast<base::Period>(i);
    BudgetUse use{period, row.token.settings->zone.period_of(period, now), *row.token.settings->budgets[i], {}, {}};
    auto read = sql.each_row(
        "SELECT CASE WHEN posted > forgiven THEN posted - forgiven ELSE 0 END, reserved FROM budget_window WHERE "
        "token_id = ?1 AND period = ?2 AND"
        " started_at = ?3",
        [&](const Row& found) -> Result<void> {
          use.used = Credits::from_nano(found.column_int(0));
          use.reserved = Credits::from_nano(found.column_int(1));
          return {};
        },
        row.token.id, static_cast<std::int64_t>(i), use.span.start);
    if (!read) return read;
    row.budgets.push_back(use);
  }
  return {};
}

constexpr std::chrono::hours k_refused_shown{24};

Result<void> add_refused(SqlSession& sql, const Page& page, Time now) {
  const std::string text = "SELECT refused.token_id, code, CAST(sum(requests) AS BIGINT) FROM " +
                           each_of_json(sql.dialect(), JsonKind::list, "?1", "id") +
                           " CROSS JOIN refused WHERE refused.token_id = CAST(id.value AS BIGINT) AND minute > ?2"
                           " GROUP BY refused.token_id, code";
  return sql.each_row(
      text,
      [&](const Row& row) -> Result<void> {
        page.by_id.at(TokenId{row.column_int(0)})->refused.emplace(row.column_text(1), row.column_int(2));
        return {};
      },
      page.ids, minute_of(now - k_refused_shown));
}

Result<std::vector<TokenRow>> rows_where(SqlSession& sql, const Where& where, const TokenQuery& query, Time now) {
  const std::string text =
      select(std::string(k_token_columns) +
                 ", account.name, token_balance.posted, token_balance.reserved, token_balance.last_used_at, " +
                 std::string(sorted_by(query.sort)),
             "FROM token JOIN token_balance ON token_balance.token_id = token.id JOIN account ON account.id = "
             "token.account_id" +
                 where.text() + order_of(query) + " LIMIT ? OFFSET ?");
  std::vector<SqlValue> values = where.values();
  values.emplace_back(static_cast<std::int64_t>(query.limit));
  values.emplace_back(static_cast<std::int64_t>(query.offset));
  std::vector<TokenRow> rows;
  rows.reserve(query.limit);
  auto read = sql.each_row_with(
      text,
      [&](const Row& found) -> Result<void> {
        auto row = row_of(found, rows.empty() ? SharedTokenSettings() : rows.back().token.settings);
        if (!row) return tl::unexpected(row.error());
        rows.push_back(std::move(*row));
        return {};
      },
      values);
  if (!read) return tl::unexpected(read.error());
  const Page page(rows);
  if (auto added = add_keys(sql, page, rows, now); !added) return tl::unexpected(added.error());
  if (auto added = add_refused(sql, page, now); !added) return tl::unexpected(added.error());
  for (TokenRow& row : rows) {
    if (auto added = add_budgets(sql, row, now); !added) return tl::unexpected(added.error());
  }
  return rows;
}

}  // namespace

Result<std::vector<TokenRow>> Reports::tokens(const TokenQuery& query) {
  const Time now = impl_.clock.now();
  const auto where = filters_of(impl_.sql, query, now);
  if (!where) return tl::unexpected(where.error());
  return rows_where(impl_.sql, *where, query, now);
}

Result<std::vector<std::string>> Reports::token_names(std::size_t limit) {
  std::vector<std::string> names;
  auto read = impl_.sql.each_row(
      "SELECT name FROM token WHERE deleted_at IS NULL ORDER BY lower(name) LIMIT ?1",
      [&](const Row& row) -> Result<void> {
        names.emplace_back(row.column_text(0));
        return {};
      },
      static_cast<std::int64_t>(limit));
  if (!read) return tl::unexpected(read.error());
  return names;
}

Result<std::int64_t> Reports::count_tokens() {
  const auto count = impl_.sql.find_int("SELECT count(*) FROM token WHERE deleted_at IS NULL");
  if (!count) return tl::unexpected(count.error());
  return count->value_or(0);
}

Result<TokenRow> Reports::token(std::string_view name) {
  Where where;
  where.add("token.deleted_at IS NULL");
  where.add_text("lower(token.name) = lower(?)", name);
  where.add_text("token.name || '' = ?", name);  // as k_is_named
  TokenQuery one;
  one.limit = 1;
  auto rows = rows_where(impl_.sql, where, one, impl_.clock.now());
  if (!rows) return tl::unexpected(rows.error());
  if (!rows->empty()) return std::move(rows->front());
  return tl::unexpected(no_such_row(impl_.sql, "token", name, Among::live));
}

}  // namespace cr::ledger
