// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdio>
#include <map>

#include "base/text.h"
#include "ledger/sql/reports_state.h"
#include "ledger/sql/usage_pieces.h"

namespace cr::ledger {
namespace {

using base::Period;
using base::TimeSpan;
using base::Zone;

bool is_time(UsageBy by) {
  return by == UsageBy::hour || by == UsageBy::day || by == UsageBy::week || by == UsageBy::month;
}

bool has(const UsageSelection& selection, UsageBy by) {
  return std::find(selection.by.begin(), selection.by.end(), by) != selection.by.end();
}

// The column that a dimension is told by, in `usage_key` and in `request` alike.
std::string_view column_of(UsageBy by) {
  switch (by) {
    case UsageBy::token:
      return "token_id";
    case UsageBy::channel:
      return "channel_id";
    case UsageBy::account:
      return "account_id";
    case UsageBy::group:
      return "group_name";
    default:
      return "model";
  }
}

// Where the hour, day, week or month of a row begins; rows are whole quarters of an hour, and none crosses a border.
Time start_of(UsageBy by, const Zone& zone, Time time) {
  if (by == UsageBy::hour) {
    const auto offset = zone.offset_at(time);
    return std::chrono::floor<std::chrono::hours>(time + offset) - offset;
  }
  const Period period = by == UsageBy::day ? Period::day : by == UsageBy::week ? Period::week : Period::month;
  return zone.period_of(period, time).start;
}

std::string text_of(UsageBy by, const Zone& zone, Time start) {
  if (by == UsageBy::hour) return zone.hour_text(start);
  const std::string day = zone.day_text(start);
  return by == UsageBy::month ? day.substr(0, 7) : day;
}

// Sorts as time does.
std::string sortable(Time time) {
  char text[24];
  std::snprintf(text, sizeof text, "%020lld", static_cast<long long>(base::to_unix_ms(time)));
  return text;
}

struct Query {
  const UsageSelection& selection;
  TimeSpan span;
  std::string columns;  // "token_id, model, "
  Where filters;
  bool by_time = false, by_token = false;
};

Result<Query> query_of(SqlSession& sql, const UsageSelection& selection) {
  Query query{selection, whole_quarters({selection.since, selection.until}), {}, {}, false, false};
  for (const UsageBy by : selection.by) {
    query.by_time |= is_time(by);
    if (!is_time(by)) query.columns += std::string(column_of(by)) + ", ";
  }
  query.by_token = has(selection, UsageBy::token) || selection.token;
  for (const auto& [table, name] : {std::pair("token", &selection.token), std::pair("channel", &selection.channel),
                                    std::pair("account", &selection.account)}) {
    if (!*name) continue;
    const auto ids = ids_named(sql, table, **name);
    if (!ids) return tl::unexpected(ids.error());
    query.filters.add_ids(std::string(table) + "_id", *ids);
  }
  if (selection.model) query.filters.add_glob(sql.dialect(), "model", *selection.model);
  if (selection.group) query.filters.add_text("group_name = ?", *selection.group);
  return query;
}

class Groups {
 public:
  Groups(Reports::Impl& impl, const Query& query) : impl_(impl), query_(query) {}

  // A row: the columns of the dimensions that are no time, then the sums.
  Result<void> add(const Row& row, Time time) {
    std::vector<std::string> key;
    int column = 0;
    for (const UsageBy by : query_.selection.by) {
      if (is_time(by)) {
        key.push_back(sortable(start_at(by, time)));
        continue;
      }
      auto part = name_of(by, row, column++);
      if (!part) return tl::unexpected(part.error());
      key.push_back(std::move(*part));
    }
    UsageGroup& group = groups_[std::move(key)];
    group.requests += row.column_int(column);
    group.errors += row.column_int(column + 1);
    group.estimated = group.estimated || row.column_int(column + 2) != 0;
    group.input_tokens += row.column_int(column + 3);
    group.cached_tokens += row.column_int(column + 4);
    group.output_tokens += row.column_int(column + 5);
    group.cost += Credits::from_nano(row.column_int(column + 6));
    return {};
  }

  std::vector<UsageGroup> take() {
    std::vector<UsageGroup> rows;
    for (auto& [key, group] : groups_) {
      group.key = key;
      for (std::size_t at = 0; at < key.size(); ++at) {
        const UsageBy by = query_.selection.by[at];
        if (is_time(by)) group.key[at] = text_of(by, query_.selection.zone, base::from_unix_ms(std::stoll(key[at])));
      }
      rows.push_back(std::move(group));
    }
    return rows;
  }

 private:
  // The calendar is asked once for each time: many rows have the same.
  Time start_at(UsageBy by, Time time) {
    const auto [place, fresh] = starts_.try_emplace({by, time});
    if (fresh) place->second = start_of(by, query_.selection.zone, time);
    return place->second;
  }

  Result<std::string> name_of(UsageBy by, const Row& row, int column) {
    const auto table = by == UsageBy::token     ? "token"
                       : by == UsageBy::channel ? "channel"
                       : by == UsageBy::account ? "account"
                                                : "";
    if (*table == '\0') return std::string(row.column_text(column));
    const auto [place, fresh] = names_.try_emplace({by, row.column_int(column)});
    if (!fresh) return place->second;
    auto name = impl_.name_of(table, row.column_int(column));
    if (name) place->second = *name;
    return name;
  }

  Reports::Impl& impl_;
  const Query& query_;
  // By name: a token made anew under an old name goes on in the old one's row.
  std::map<std::vector<std::string>, UsageGroup> groups_;
  std::map<std::pair<UsageBy, Time>, Time> starts_;
  std::map<std::pair<UsageBy, std::int64_t>, std::string> names_;
};

Result<void> add_rows(Reports::Impl& impl, const Query& query, const std::string& text, const Where& where,
                      Groups& groups, const std::function<Time(std::int64_t)>& time_of_row) {
  const int time_column = static_cast<int>(std::count(query.columns.begin(), query.columns.end(), ',')) + 7;
  return impl.sql.each_row_with(
      text, [&](const Row& row) { return groups.add(row, time_of_row(row.column_int(time_column))); }, where.values());
}

// PostgreSQL's sums of whole numbers are not of their type.
std::string sums_of(std::initializer_list<std::string_view> columns) {
  std::string text;
  for (const std::string_view column : columns) {
    text += (text.empty() ? "CAST(sum(" : ", CAST(sum(") + std::string(column) + ") AS BIGINT)";
  }
  return text;
}

std::string grouped(const Query& query, std::string_view time) {
  const std::string by = query.columns + (query.by_time ? std::string(time) + ", " : std::string());
  return by.empty() ? std::string() : " GROUP BY " + by.substr(0, by.size() - 2);
}

Result<void> add_summed(Reports::Impl& impl, const Query& query, Groups& groups) {
  const Zone& zone = query.selection.zone;
  const Step longest = has(query.selection, UsageBy::hour) ? longest_within_hours(zone, query.span)
                       : query.by_time                     ? longest_within_days(zone, query.span)
                                                           : Step::day;
  const auto pieces = usage_pieces(query.span, longest, query.by_token ? HourSteps::missing : HourSteps::there);
  for (const UsagePiece& piece : pieces) {
    Where where = query.filters;
    where.add("key_id = id");
    where.add(query.by_token ? "token_id <> 0" : "token_id = 0");
    where.add("step = ?", static_cast<std::int64_t>(piece.step));
    where.add("at >= ?", piece.from);
    where.add("at < ?", piece.to);
    const std::string text =
        "SELECT " + query.columns +
        sums_of({"requests", "errors", "estimated", "input_tokens", "cached_tokens", "output_tokens", "posted"}) +
        ", max(at) FROM usage_key CROSS JOIN usage" + where.text() + grouped(query, "at");
    auto added = add_rows(impl, query, text, where, groups, [&](std::int64_t at) { return time_of(piece.step, at); });
    if (!added) return added;
  }
  return {};
}

Result<void> add_noted(Reports::Impl& impl, const Query& query, Groups& groups) {
  Where where = query.filters;
  where.add("request.id = request_id");
  where.add("started_at >= ?", base::to_unix_ms(query.span.start));
  where.add("started_at < ?", base::to_unix_ms(query.span.end));
  const std::string text = "SELECT " + query.columns + "count(*), " +
                           sums_of({"CASE WHEN status >= 400 OR ending <> 0 THEN 1 ELSE 0 END", "flags & 1",
                                    "input_tokens", "cached_tokens", "output_tokens", "posted - refunded"}) +
                           ", max(started_at) FROM unsummed_request CROSS JOIN request" + where.text() +
                           grouped(query, "started_at / 900000");
  return add_rows(impl, query, text, where, groups, [](std::int64_t ms) { return base::from_unix_ms(ms); });
}

}  // namespace

Result<std::vector<UsageGroup>> Reports::usage(const UsageSelection& selection) {
  auto query = query_of(impl_.sql, selection);
  if (!query) return tl::unexpected(query.error());
  Groups groups(impl_, *query);
  auto added = add_summed(impl_, *query, groups);
  if (added) added = add_noted(impl_, *query, groups);
  if (!added) return tl::unexpected(added.error());
  auto rows = groups.take();
  // Without dimensions SQL answers with a row of nothing.
  std::erase_if(rows, [](const UsageGroup& group) { return group.requests == 0 && group.cost == Credits(); });
  return rows;
}

base::TimeSpan Reports::usage_span(Time since, Time until) {
  return whole_quarters({since, until});
}

}  // namespace cr::ledger
