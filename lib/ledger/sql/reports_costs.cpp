// SPDX-License-Identifier: MIT
#include <map>

#include "billing/bill_parts.h"
#include "billing/cost.h"
#include "ledger/sql/reports_state.h"

namespace cr::ledger {
namespace {

// Whose price it was is what answered, where that is another than was asked for; else the name that the provider was
// asked by.
constexpr std::string_view k_billed =
    "CASE WHEN price_generation.model IS NOT NULL AND price_generation.model <> request.model "
    "THEN price_generation.model ELSE coalesce(request.upstream_model, request.model) END";
// Those that crd made by itself are on the bill, too.
constexpr std::string_view k_from =
    " FROM (SELECT id, channel_id, model, upstream_model, price, flags, input_tokens, cached_tokens,"
    " cache_write_tokens, output_tokens, posted, overrun, refunded, cost, parts, 0 AS own FROM request UNION ALL"
    " SELECT id, channel_id, model, upstream_model, price, flags, input_tokens, cached_tokens, cache_write_tokens,"
    " output_tokens, 0, 0, 0, cost, NULL, 1 FROM own_request) AS request"
    " LEFT JOIN price_generation ON price_generation.id = request.price";
constexpr std::string_view k_cost = "coalesce(request.cost, posted + overrun)";

Result<Where> rows_of(SqlSession& sql, const CostSelection& selection) {
  const auto ids = ids_named(sql, "channel", selection.channel);
  if (!ids) return tl::unexpected(ids.error());
  Where where;
  where.add_ids("channel_id", *ids);
  where.add_blob("request.id >= ?", first_id(selection.since).bytes);
  where.add_blob("request.id < ?", first_id(selection.until).bytes);
  return where;
}

std::string sum_of(std::string_view value) {
  return ", CAST(sum(" + std::string(value) + ") AS BIGINT)";
}

// How many requests have `condition`, and what they cost.
std::string part_of(const std::string& condition) {
  return sum_of("CASE WHEN " + condition + " THEN 1 ELSE 0 END") +
         sum_of("CASE WHEN " + condition + " THEN " + std::string(k_cost) + " ELSE 0 END");
}

std::string has(Flag flag) {
  return "(flags & " + std::to_string(flag) + ") <> 0";
}
std::string has_not(Flag flag) {
  return "(flags & " + std::to_string(flag) + ") = 0";
}

std::string sums_text(const Where& where) {
  std::string text = "SELECT " + std::string(k_billed) + " AS billed, count(*)";
  for (const std::string_view column : {"request.input_tokens", "request.cached_tokens", "request.cache_write_tokens",
                                        "request.output_tokens", "posted", "overrun", "refunded"}) {
    text += sum_of(column);
  }
  text += sum_of(k_cost);
  text += part_of(has(k_in_doubt));
  text += part_of(has_not(k_in_doubt) + " AND " + has(k_unknown));
  text += part_of(has_not(k_in_doubt) + " AND " + has_not(k_unknown) + " AND " + has(k_estimated));
  text += part_of(has(k_told_cost));
  text += part_of(has(k_unpriced));
  text += part_of("own = 1");
  return text + std::string(k_from) + where.text() + " GROUP BY billed ORDER BY billed";
}

CostGroup cost_group_of(const Row& row) {
  int column = 0;
  const auto next = [&] { return row.column_int(column++); };
  const auto money = [&] { return Credits::from_nano(next()); };
  CostGroup group;
  group.model = std::string(row.column_text(column++));
  group.requests = next();
  group.input_tokens = next();
  group.cached_tokens = next();
  group.cache_write_tokens = next();
  group.output_tokens = next();
  group.posted = money();
  group.overrun = money();
  group.refunded = money();
  group.cost = money();
  for (auto* part : {&group.in_doubt, &group.unknown, &group.estimated, &group.told, &group.unpriced, &group.own}) {
    part->requests = next();
    part->cost = money();
  }
  return group;
}

// What calls of the provider's own tools cost, by the price as it was.
class Fees {
 public:
  explicit Fees(Reports& reports) : reports_(reports) {}

  Result<void> add(const std::string& model, std::int64_t generation, std::string_view parts_text,
                   const dialect::Usage& usage) {
    const auto parts = billing::read_bill_parts(parts_text);
    if (!parts) return tl::unexpected(parts.error());
    const auto price = price_of(generation);
    if (!price) return tl::unexpected(price.error());
    if (*price == nullptr) return {};
    for (const auto& charge : billing::charges_of(**price, usage, parts->circumstances())) {
      if (charge.part == billing::Part::tool) sums_[model] = billing::plus(sums_[model], charge.sum);
    }
    return {};
  }
  Credits of(const std::string& model) const {
    const auto found = sums_.find(model);
    return found == sums_.end() ? Credits() : billing::round_up(found->second, {});
  }

 private:
  // Null: there is none of that number.
  Result<const PriceRecord*> price_of(std::int64_t generation) {
    const auto [place, fresh] = prices_.try_emplace(generation);
    if (fresh) {
      auto price = reports_.price_generation(generation);
      if (!price) return tl::unexpected(price.error());
      place->second = std::move(*price);
    }
    return place->second ? &*place->second : nullptr;
  }

  Reports& reports_;
  std::map<std::int64_t, std::optional<PriceRecord>> prices_;
  std::map<std::string, billing::Sum> sums_;
};

Result<void> add_fees(SqlSession& sql, Where where, Fees& fees) {
  where.add("parts LIKE '%\"counts\"%'");
  const std::string text = "SELECT " + std::string(k_billed) +
                           ", request.price, parts, request.input_tokens, request.cached_tokens, "
                           "request.cache_write_tokens, request.output_tokens" +
                           std::string(k_from) + where.text();
  return sql.each_row_with(
      text,
      [&](const Row& row) {
        dialect::Usage usage;
        usage.input_tokens = row.column_int(3);
        usage.cached_tokens = row.column_int(4);
        usage.cache_write_tokens = row.column_int(5);
        usage.output_tokens = row.column_int(6);
        return fees.add(std::string(row.column_text(0)), row.column_int(1), row.column_text(2), usage);
      },
      where.values());
}

}  // namespace

Result<Costs> Reports::costs(const CostSelection& selection) {
  const auto where = rows_of(impl_.sql, selection);
  if (!where) return tl::unexpected(where.error());
  Costs costs;
  auto read = impl_.sql.each_row_with(
      sums_text(*where),
      [&](const Row& row) -> Result<void> {
        costs.groups.push_back(cost_group_of(row));
        return {};
      },
      where->values());
  Fees fees(*this);
  if (read) read = add_fees(impl_.sql, *where, fees);
  if (!read) return tl::unexpected(read.error());
  for (auto& group : costs.groups) group.fees = fees.of(group.model);
  const auto pruned = impl_.sql.find_int("SELECT value FROM meta WHERE key = 'pruned_before'");
  if (!pruned) return tl::unexpected(pruned.error());
  if (*pruned && **pruned > 0) costs.rows_since = base::from_unix_ms(**pruned);
  return costs;
}

}  // namespace cr::ledger
