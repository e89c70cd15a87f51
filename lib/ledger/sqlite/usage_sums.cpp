// SPDX-License-Identifier: MIT
#include "ledger/sqlite/usage_sums.h"

#include <algorithm>

namespace cr::ledger {
namespace {

using base::Result;

constexpr std::chrono::milliseconds k_fold_after{1000};
constexpr std::size_t k_keys_max = 256;  // then it is due at once: a fold must stay short
// Of one row of `unsummed`: its view copies what is left of a row for each id in it, so that rows without a bound would
// make it quadratic.
constexpr std::size_t k_row_bytes = 64 * 16;
constexpr std::size_t k_ids_max = 50'000;  // remembered; the others are looked up
constexpr std::int64_t k_all_tokens = 0;

constexpr std::string_view k_select_unsummed =
    "SELECT token_id, account_id, channel_id, group_name, model, started_at, status, ending, flags & 1, input_tokens,"
    " cached_tokens, output_tokens, posted - refunded, request_id FROM unsummed_request CROSS JOIN request"
    " ON request.id = request_id";

std::int64_t saturated(std::int64_t left, std::int64_t right) {
  return (Credits::from_nano(left) + Credits::from_nano(right)).nano();
}

RequestId id_of_row(const Row& row) {
  RequestId id;
  const auto bytes = row.column_blob(13);
  std::copy_n(bytes.begin(), std::min(bytes.size(), id.bytes.size()), id.bytes.begin());
  return id;
}

UsageEntry entry_of(const Row& row) {
  UsageEntry entry;
  entry.token = {row.column_int(0)};
  entry.account = {row.column_int(1)};
  entry.channel = {row.column_int(2)};
  entry.group = row.column_text(3);
  entry.model = row.column_text(4);
  entry.started_at = base::from_unix_ms(row.column_int(5));
  entry.errors = is_error(static_cast<int>(row.column_int(6)), static_cast<Ending>(row.column_int(7))) ? 1 : 0;
  entry.estimated = row.column_int(8);
  entry.input_tokens = row.column_int(9);
  entry.cached_tokens = row.column_int(10);
  entry.output_tokens = row.column_int(11);
  entry.posted_nano = row.column_int(12);
  return entry;
}

}  // namespace

std::size_t UsageSums::KeyHash::operator()(const Key& key) const noexcept {
  std::size_t hash = std::hash<std::string>()(key.model);
  for (const std::size_t part : {std::hash<std::string>()(key.group), std::hash<std::int64_t>()(key.token),
                                 std::hash<std::int64_t>()(key.account), std::hash<std::int64_t>()(key.channel)}) {
    hash = hash * 1'000'003 + part;
  }
  return hash;
}

void UsageSums::Sums::add(const Sums& other) {
  for (auto [to, from] :
       {std::pair(&requests, other.requests), std::pair(&errors, other.errors), std::pair(&estimated, other.estimated),
        std::pair(&input, other.input), std::pair(&cached, other.cached), std::pair(&output, other.output),
        std::pair(&posted, other.posted)}) {
    *to = saturated(*to, from);
  }
}

void UsageSums::put(Table& table, const UsageEntry& entry) {
  const Key key{entry.token.value, entry.account.value, entry.channel.value, entry.group, entry.model};
  table[key][step_at(Step::quarter, entry.started_at)].add({entry.requests, entry.errors, entry.estimated,
                                                            entry.input_tokens, entry.cached_tokens,
                                                            entry.output_tokens, entry.posted_nano});
}

Result<void> UsageSums::load() {
  auto read = sql_.each_row(k_select_unsummed, [&](const Row& row) -> Result<void> {
    put(open_, entry_of(row));
    oldest_noted_ = std::min(oldest_noted_, id_of_row(row).time());
    return {};
  });
  if (read && !open_.empty()) due_at_ = base::SteadyTime::min();
  return read;
}

void UsageSums::note(const RequestId& id, const UsageEntry& entry) {
  unwritten_ids_.insert(unwritten_ids_.end(), id.bytes.begin(), id.bytes.end());
  oldest_noted_ = std::min(oldest_noted_, id.time());
  add(entry);
}

Result<void> UsageSums::write_notes() {
  const std::span<const std::uint8_t> all(unwritten_ids_);
  for (std::size_t at = 0; at < all.size(); at += k_row_bytes) {
    const auto ids = all.subspan(at, std::min(k_row_bytes, all.size() - at));
    if (auto done = sql_.run("INSERT INTO unsummed (ids) VALUES (?1)", Blob{ids}); !done) return done;
  }
  unwritten_ids_.clear();
  return {};
}

void UsageSums::add(const UsageEntry& entry) {
  fresh_.push_back(entry);
}

bool UsageSums::due(base::SteadyTime now) const {
  return !empty() && (now >= due_at_ || open_.size() >= k_keys_max);
}

Result<std::int64_t> UsageSums::id_of(const Key& key) {
  if (const auto known = ids_.find(key); known != ids_.end()) return known->second;
  const auto find = [&] {
    return sql_.find_int(
        "SELECT id FROM usage_key WHERE token_id = ?1 AND account_id = ?2 AND channel_id = ?3 AND group_name = ?4 AND"
        " model = ?5",
        key.token, key.account, key.channel, key.group, key.model);
  };
  auto id = find();
  if (id && !*id) {
    const auto made = sql_.insert(
        "INSERT INTO usage_key (token_id, account_id, channel_id, group_name, model) VALUES (?1, ?2, ?3, ?4, ?5)"
        " RETURNING id",
        key.token, key.account, key.channel, key.group, key.model);
    if (!made) return tl::unexpected(made.error());
    *id = *made;
  }
  if (!id) return tl::unexpected(id.error());
  if (ids_.size() >= k_ids_max) ids_.clear();
  ids_.emplace(key, **id);
  return **id;
}

Result<void> UsageSums::upsert(std::int64_t key_id, Step step, std::int64_t at, const Sums& sums) {
  return sql_.run(
      "INSERT INTO usage (key_id, step, at, requests, errors, estimated, input_tokens, cached_tokens, output_tokens,"
      " posted) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO UPDATE SET requests = requests + ?4,"
      " errors = errors + ?5, estimated = estimated + ?6, input_tokens = input_tokens + ?7,"
      " cached_tokens = cached_tokens + ?8, output_tokens = output_tokens + ?9, posted = posted + ?10",
      key_id, static_cast<std::int64_t>(step), at, sums.requests, sums.errors, sums.estimated, sums.input, sums.cached,
      sums.output, sums.posted);
}

Result<void> UsageSums::write(const Key& key, const AtSums& quarters, std::initializer_list<Step> steps) {
  const auto id = id_of(key);
  if (!id) return tl::unexpected(id.error());
  for (const Step step : steps) {
    std::unordered_map<std::int64_t, Sums> sums;
    for (const auto& [quarter, its] : quarters) sums[step_at(step, time_of(Step::quarter, quarter))].add(its);
    for (const auto& [at, its] : sums) {
      if (auto done = upsert(*id, step, at, its); !done) return done;
    }
  }
  return {};
}

Result<void> UsageSums::write_all(const Table& all) {
  wrote_ = true;
  Table together;
  for (const auto& [key, quarters] : all) {
    Key site = key;
    site.token = k_all_tokens;
    for (const auto& [quarter, sums] : quarters) together[site][quarter].add(sums);
    if (auto done = write(key, quarters, {Step::quarter, Step::day}); !done) return done;
  }
  for (const auto& [key, quarters] : together) {
    if (auto done = write(key, quarters, {Step::quarter, Step::hour, Step::day}); !done) return done;
  }
  return {};
}

Result<void> UsageSums::fold() {
  Table all = open_;
  for (const UsageEntry& entry : fresh_) put(all, entry);
  if (auto done = write_all(all); !done) return done;
  folded_ = true;
  return sql_.run("DELETE FROM unsummed");
}

Result<void> UsageSums::write_at_once(const std::vector<UsageEntry>& entries) {
  Table all;
  for (const UsageEntry& entry : entries) put(all, entry);
  return write_all(all);
}

void UsageSums::committed() {
  if (folded_) {
    open_.clear();
    due_at_ = base::SteadyTime::max();
    oldest_noted_ = Time::max();
  } else if (!fresh_.empty()) {
    if (open_.empty()) due_at_ = base::steady_now() + k_fold_after;
    for (const UsageEntry& entry : fresh_) put(open_, entry);
  }
  folded_ = wrote_ = false;
  fresh_.clear();
}

void UsageSums::rolled_back() {
  unwritten_ids_.clear();
  if (wrote_) ids_.clear();
  folded_ = wrote_ = false;
  fresh_.clear();
}

Result<Credits> UsageSums::posted_between(TokenId token, const base::TimeSpan& span) {
  const std::int64_t from = step_at(Step::quarter, span.start);
  const std::int64_t to = step_at(Step::quarter, span.end);
  const auto summed = sql_.find_int(
      "SELECT sum(usage.posted) FROM usage_key JOIN usage ON usage.key_id = usage_key.id WHERE usage_key.token_id = ?1"
      " AND usage.step = 0 AND usage.at >= ?2 AND usage.at < ?3",
      token, from, to);
  if (!summed) return tl::unexpected(summed.error());
  std::int64_t posted = summed->value_or(0);
  const auto within = [&](std::int64_t at) { return at >= from && at < to; };
  for (const auto& [key, quarters] : open_) {
    if (key.token != token.value) continue;
    for (const auto& [quarter, sums] : quarters) {
      if (within(quarter)) posted = saturated(posted, sums.posted);
    }
  }
  for (const UsageEntry& entry : fresh_) {
    const bool counts = entry.token == token && within(step_at(Step::quarter, entry.started_at));
    if (counts) posted = saturated(posted, entry.posted_nano);
  }
  return Credits::from_nano(posted);
}

}  // namespace cr::ledger
