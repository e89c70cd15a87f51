// SPDX-License-Identifier: MIT
#include "ledger/sqlite/budgets.h"

#include <algorithm>

#include "ledger/sqlite/usage_sums.h"

namespace cr::ledger {
namespace {

using base::Period;
using base::Result;
using base::TimeSpan;
using base::to_unix_ms;

constexpr std::size_t k_windows_max = 200'000;  // kept in memory; their rows stay
constexpr Period k_periods[k_period_count] = {Period::day, Period::week, Period::month};

std::size_t index(Period period) {
  return static_cast<std::size_t>(period);
}

}  // namespace

Result<Budgets::Window*> Budgets::find(const Key& key) {
  const auto known = windows_.find(key);
  if (known != windows_.end()) return &known->second;
  Window* found = nullptr;
  auto read = sql_.each_row(
      "SELECT started_at, ends_at, posted, reserved, forgiven FROM budget_window WHERE token_id = ?1 AND period = ?2 "
      "AND"
      " started_at = ?3",
      [&](const Row& row) -> Result<void> {
        Window window;
        window.span = {base::from_unix_ms(row.column_int(0)), base::from_unix_ms(row.column_int(1))};
        window.posted = Credits::from_nano(row.column_int(2));
        window.reserved = Credits::from_nano(row.column_int(3));
        window.forgiven = Credits::from_nano(row.column_int(4));
        found = &windows_.emplace(key, window).first->second;
        return {};
      },
      key.token, static_cast<std::int64_t>(key.period), key.start_ms);
  if (!read) return tl::unexpected(read.error());
  return found;
}

Result<Budgets::Window*> Budgets::create(const Key& key, const TimeSpan& span, const History& history) {
  const auto posted = history.sums.posted_between(TokenId{key.token}, span);
  if (!posted) return tl::unexpected(posted.error());
  Window window;
  window.span = span;
  window.posted = *posted;
  window.reserved = history.reserved(span);
  Window& made = windows_.emplace(key, window).first->second;
  touch(TokenId{key.token}, key.period, made);
  return &made;
}

Result<Budgets::Windows> Budgets::windows_at(TokenId token, Terms& terms, Time time) {
  return meet(token, terms, time, nullptr);
}

Result<Budgets::Windows> Budgets::windows_at(TokenId token, Terms& terms, Time time, const History& history) {
  return meet(token, terms, time, &history);
}

Result<Budgets::Windows> Budgets::meet(TokenId token, Terms& terms, Time time, const History* history) {
  Windows windows{};
  for (const Period period : k_periods) {
    if (!terms.limits[index(period)]) continue;
    TimeSpan& span = terms.last[index(period)];
    if (!span.contains(time)) span = terms.zone.period_of(period, time);
    const Key key{token.value, to_unix_ms(span.start), period};
    auto window = find(key);
    if (window && *window == nullptr && history != nullptr) window = create(key, span, *history);
    if (!window) return tl::unexpected(window.error());
    windows[index(period)] = *window;
  }
  return windows;
}

void Budgets::touch(TokenId token, Period period, Window& window) {
  if (window.touched) return;
  window.touched = true;
  touched_.push_back({token.value, to_unix_ms(window.span.start), period});
}

Result<std::vector<BudgetUse>> Budgets::uses_at(TokenId token, Terms& terms, Time now) {
  const auto windows = windows_at(token, terms, now);
  if (!windows) return tl::unexpected(windows.error());
  std::vector<BudgetUse> uses;
  for (const Period period : k_periods) {
    const auto& limit = terms.limits[index(period)];
    if (!limit) continue;
    BudgetUse use{period, terms.last[index(period)], *limit, {}, {}};
    if (const Window* window = (*windows)[index(period)]; window != nullptr) {
      use.used = window->used();
      use.reserved = window->reserved;
    }
    uses.push_back(use);
  }
  return uses;
}

Result<void> Budgets::forgive(TokenId token, Terms& terms, Period period, Time now, const History& history) {
  const auto windows = windows_at(token, terms, now, history);
  if (!windows) return tl::unexpected(windows.error());
  Window* window = (*windows)[index(period)];
  if (window == nullptr) return {};
  window->forgiven = window->posted;
  touch(token, period, *window);
  return {};
}

Result<void> Budgets::change(TokenId token, const Terms& before, Terms& after, Time now, const History& history) {
  const bool moved = !(before.zone == after.zone);
  std::array<Credits, k_period_count> given_back{};
  Terms old = before;
  const auto windows = windows_at(token, old, now);
  if (!windows) return tl::unexpected(windows.error());
  for (const Period period : k_periods) {
    const std::size_t i = index(period);
    if ((*windows)[i] != nullptr) given_back[i] = (*windows)[i]->forgiven;
    if (after.limits[i] && !moved) continue;
    auto done = sql_.run("DELETE FROM budget_window WHERE token_id = ?1 AND period = ?2", token,
                         static_cast<std::int64_t>(period));
    if (!done) return done;
  }
  forget(token);
  after.last = {};
  const auto made = windows_at(token, after, now, history);
  if (!made) return tl::unexpected(made.error());
  for (const Period period : k_periods) {
    Window* window = (*made)[index(period)];
    if (window == nullptr || !moved || given_back[index(period)] == Credits()) continue;
    window->forgiven = std::min(given_back[index(period)], window->posted);
    touch(token, period, *window);
  }
  // In the change's own savepoint: what is taken back takes these rows with it.
  return write_touched();
}

void Budgets::forget(TokenId token) {
  std::erase_if(windows_, [&](const auto& entry) { return entry.first.token == token.value; });
}

Result<void> Budgets::write(const Key& key, Window& window) {
  auto done = sql_.run(
      "INSERT INTO budget_window (token_id, period, started_at, ends_at, posted, reserved, forgiven) VALUES (?1, ?2, "
      "?3,"
      " ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET posted = ?5, reserved = ?6, forgiven = ?7",
      key.token, static_cast<std::int64_t>(key.period), key.start_ms, window.span.end, window.posted, window.reserved,
      window.forgiven);
  if (done) window.touched = false;
  return done;
}

Result<void> Budgets::write_touched() {
  for (const Key& key : touched_) {
    const auto found = windows_.find(key);
    if (found == windows_.end() || !found->second.touched) continue;
    if (auto done = write(key, found->second); !done) return done;
  }
  return {};
}

void Budgets::committed() {
  touched_.clear();
  if (windows_.size() > k_windows_max) windows_.clear();
}

void Budgets::rolled_back() {
  for (const Key& key : touched_) windows_.erase(key);
  touched_.clear();
}

}  // namespace cr::ledger
