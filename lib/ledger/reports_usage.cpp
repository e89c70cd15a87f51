// SPDX-License-Identifier: MIT
#include <map>

#include "base/text.h"
#include "ledger/reports_state.h"

namespace cr::ledger {
namespace {

using sqlite::Statement;

constexpr std::int64_t k_day_ms = 86'400'000;
constexpr std::int64_t k_hour_ms = 3'600'000;

// What SQL groups by: numbers where there is one, names only for what comes out of it.
std::string_view expression_of(UsageBy by) {
  switch (by) {
    case UsageBy::token:
      return "token_id";
    case UsageBy::model:
      return "model";
    case UsageBy::day:
      return "started_at / 86400000";
    case UsageBy::hour:
      return "started_at / 3600000";
    case UsageBy::channel:
      return "channel_id";
    case UsageBy::group:
      return "group_name";
    case UsageBy::account:
      return "account_id";
  }
  return "NULL";
}

Result<std::string> key_of(Reports::Impl& impl, UsageBy by, const Statement& row, int column) {
  switch (by) {
    case UsageBy::token:
      return impl.name_of("token", row.column_int(column));
    case UsageBy::channel:
      return impl.name_of("channel", row.column_int(column));
    case UsageBy::account:
      return impl.name_of("account", row.column_int(column));
    case UsageBy::day:
      return base::format_rfc3339(base::from_unix_ms(row.column_int(column) * k_day_ms)).substr(0, 10);
    case UsageBy::hour:
      return base::format_rfc3339(base::from_unix_ms(row.column_int(column) * k_hour_ms));
    case UsageBy::model:
    case UsageBy::group:
      break;
  }
  return std::string(row.column_text(column));
}

Result<Where> filters_of(StatementCache& sql, const UsageSelection& selection) {
  Where where;
  where.add_blob("id >= ?", first_id(selection.since).bytes);
  where.add_blob("id < ?", first_id(selection.until).bytes);
  for (const auto& [table, name] : {std::pair("token", &selection.token), std::pair("channel", &selection.channel),
                                    std::pair("account", &selection.account)}) {
    if (!*name) continue;
    const auto ids = ids_named(sql, table, **name);
    if (!ids) return tl::unexpected(ids.error());
    where.add(*ids);
  }
  if (selection.model) where.add_text("model GLOB ?", sql_glob(*selection.model));
  if (selection.group) where.add_text("group_name = ?", *selection.group);
  return where;
}

std::string statement_of(const UsageSelection& selection, const Where& where) {
  std::string dimensions;
  for (const UsageBy by : selection.by) dimensions += std::string(expression_of(by)) + ", ";
  std::string text = "SELECT " + dimensions +
                     "count(*), sum(status >= 400 OR ending <> 0), sum(input_tokens), sum(cached_tokens),"
                     " sum(output_tokens), sum(posted), max(flags & 1) FROM request" +
                     where.text();
  if (!selection.by.empty()) text += " GROUP BY " + dimensions.substr(0, dimensions.size() - 2);
  return text;
}

void add(UsageGroup& group, const Statement& row, int at) {
  group.requests += row.column_int(at);
  group.errors += row.column_int(at + 1);
  group.input_tokens += row.column_int(at + 2);
  group.cached_tokens += row.column_int(at + 3);
  group.output_tokens += row.column_int(at + 4);
  group.cost += Credits::from_nano(row.column_int(at + 5));
  group.estimated = group.estimated || row.column_int(at + 6) != 0;
}

}  // namespace

Result<std::vector<UsageGroup>> Reports::usage(const UsageSelection& selection) {
  const auto where = filters_of(impl_.sql, selection);
  if (!where) return tl::unexpected(where.error());
  auto statement = impl_.sql.bind(statement_of(selection, *where));
  if (!statement) return tl::unexpected(statement.error());
  where->bind(**statement, 1);
  // By name: a token made anew under an old name goes on in the old one's row.
  std::map<std::vector<std::string>, UsageGroup> groups;
  for (;;) {
    const auto there = (*statement)->step();
    if (!there) return tl::unexpected(there.error());
    if (!*there) break;
    std::vector<std::string> key;
    for (const UsageBy by : selection.by) {
      auto part = key_of(impl_, by, **statement, static_cast<int>(key.size()));
      if (!part) return tl::unexpected(part.error());
      key.push_back(std::move(*part));
    }
    add(groups[key], **statement, static_cast<int>(selection.by.size()));
  }
  (*statement)->reset();
  std::vector<UsageGroup> rows;
  for (auto& [key, group] : groups) {
    group.key = key;
    rows.push_back(std::move(group));
  }
  return rows;
}

Result<Credits> Reports::posted_since(TokenId token, Time since, Time until) {
  const auto sum = impl_.sql.find_int("SELECT sum(posted) FROM request WHERE token_id = ?1 AND id >= ?2 AND id < ?3",
                                      token, Blob{first_id(since).bytes}, Blob{first_id(until).bytes});
  if (!sum) return tl::unexpected(sum.error());
  return Credits::from_nano(sum->value_or(0));
}

}  // namespace cr::ledger
