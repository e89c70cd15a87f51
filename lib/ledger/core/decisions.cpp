// SPDX-License-Identifier: MIT
#include "ledger/core/decisions.h"

namespace cr::ledger {
namespace {

// Nothing wraps: all are at least 0.
Credits rest(Credits limit, const WindowSums& window) {
  return std::max(Credits(), limit - window.used() - window.reserved);
}

}  // namespace

Credits headroom(const Balance& balance) {
  return std::max(Credits(), balance.quota.value_or(Credits::max()) - balance.posted - balance.reserved);
}

Credits headroom(const BudgetLimits& limits, const BudgetWindows& windows) {
  Credits least = Credits::max();
  for (std::size_t i = 0; i < k_period_count; ++i) {
    if (windows[i] != nullptr) least = std::min(least, rest(*limits[i], *windows[i]));
  }
  return least;
}

Credits unposted(const Balance& balance) {
  return std::max(Credits(), balance.quota.value_or(Credits::max()) - balance.posted);
}

Credits unposted(const BudgetLimits& limits, const BudgetWindows& windows) {
  Credits least = Credits::max();
  for (std::size_t i = 0; i < k_period_count; ++i) {
    if (windows[i] != nullptr) least = std::min(least, std::max(Credits(), *limits[i] - windows[i]->used()));
  }
  return least;
}

std::optional<base::Period> tightest(const BudgetLimits& limits, const BudgetWindows& windows) {
  std::optional<base::Period> found;
  Credits least = Credits::max();
  // Of two that are used up alike, the longer one decides when there is something again.
  for (std::size_t i = 0; i < k_period_count; ++i) {
    if (windows[i] == nullptr) continue;
    const Credits left = std::max(Credits(), *limits[i] - windows[i]->used());
    if (found && left > least) continue;
    least = left;
    found = static_cast<base::Period>(i);
  }
  return found;
}

Decision decide(const Room& unposted, const Room& room, const std::function<std::optional<Credits>(Credits)>& size) {
  const Credits most = std::min({unposted.of_token, unposted.of_account, unposted.of_budgets});
  const Credits available = std::min({room.of_token, room.of_account, room.of_budgets});
  const std::optional<Credits> amount = size(most);
  if (amount && *amount <= most && *amount >= Credits()) {
    if (*amount <= available) return {ReserveOutcome::reserved, *amount};
    return {ReserveOutcome::credit_reserved, {}};
  }
  if (most == unposted.of_token) return {ReserveOutcome::no_token_credit, {}};
  if (most == unposted.of_account) return {ReserveOutcome::no_account_credit, {}};
  return {ReserveOutcome::no_budget, {}};
}

Posting posting_of(Credits cost, Credits reserved, const Balance& token, const Balance& account) {
  Posting posting{std::max(Credits(), cost), Credits()};
  const Credits limit = reserved > Credits() ? reserved
                                             : std::min(Credits::max() - token.posted - token.reserved,
                                                        Credits::max() - account.posted - account.reserved);
  if (posting.posted > limit) {
    posting.overrun = posting.posted - limit;
    posting.posted = limit;
  }
  return posting;
}

UsageEntry entry_of(const Settlement& settlement, TokenId token, AccountId account, Time reserved_at, Credits posted) {
  UsageEntry entry;
  entry.token = token;
  entry.account = account;
  entry.channel = settlement.channel;
  entry.group = settlement.facts.group;
  entry.model = settlement.facts.model;
  entry.started_at = reserved_at;
  entry.errors = is_error(settlement.status, settlement.ending) ? 1 : 0;
  entry.estimated = (settlement.flags & k_estimated) != 0 ? 1 : 0;
  entry.input_tokens = settlement.input_tokens;
  entry.cached_tokens = settlement.cached_tokens;
  entry.output_tokens = settlement.output_tokens;
  entry.posted_nano = posted.nano();
  return entry;
}

}  // namespace cr::ledger
