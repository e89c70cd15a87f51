// SPDX-License-Identifier: MIT
// Decisions: what may be reserved, what a settlement posts, and what a request adds to the usage. From numbers
// alone, so that every engine of the store decides alike. Pure; any thread.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <string>

#include "ledger/core/operations.h"
#include "ledger/core/records.h"

namespace cr::ledger {

// What a token has in one period of its budgets.
struct WindowSums {
  Credits posted, reserved, forgiven;  // forgiven: given back by resets
  Credits used() const { return std::max(Credits(), posted - forgiven); }
};
// The windows of one moment, by Period; null where there is no budget. Each that is there has its limit.
using BudgetWindows = std::array<const WindowSums*, k_period_count>;

// What may still be reserved or posted: the quota's rest, or what the type can hold. At least 0; neither ever wraps.
Credits headroom(const Balance& balance);
// The same if nothing were reserved.
Credits unposted(const Balance& balance);
Credits unposted(const BudgetLimits& limits, const BudgetWindows& windows);
// What all budgets leave; Credits::max() without any.
Credits headroom(const BudgetLimits& limits, const BudgetWindows& windows);
// The budget that is used up the most, and binds; what is reserved is not used up.
std::optional<base::Period> tightest(const BudgetLimits& limits, const BudgetWindows& windows);

// The rest of each of those that bind a reservation.
struct Room {
  Credits of_token, of_account, of_budgets;
};
struct Decision {
  ReserveOutcome outcome = ReserveOutcome::unavailable;  // reserved, or which of the three leaves too little
  Credits amount;  // 0 unless reserved; a free request reserves 0, and that is one too
};
// Asks `size` (as ReserveOp::size) once, with the least of what is not posted. An amount over that, or below 0, is
// refused; of those that leave the same the token's rest is named before the account's, and the budgets' last. What
// fits that but not `room`, which is less by what is reserved, is `credit_reserved`.
Decision decide(const Room& unposted, const Room& room,
                const std::function<std::optional<Credits>(Credits unposted)>& size);

// How a cost is booked: posted, and what is charged to nobody. Together they are the cost; one below 0 counts as 0.
struct Posting {
  Credits posted, overrun;
};
// `reserved` is what was reserved for it. Without one (0) as much is posted as both balances can take, quotas aside.
Posting posting_of(Credits cost, Credits reserved, const Balance& token, const Balance& account);

// Whether a request counts as an error: its client got one, or not the whole answer.
inline bool is_error(int status, Ending ending) {
  return status >= 400 || ending != Ending::complete;
}

// What one request adds to the usage; a refund adds no request and a negative cost.
struct UsageEntry {
  TokenId token;
  AccountId account;
  ChannelId channel;
  std::string group, model;
  Time started_at;
  std::int64_t requests = 1, errors = 0, estimated = 0;
  std::int64_t input_tokens = 0, cached_tokens = 0, output_tokens = 0;
  std::int64_t posted_nano = 0;
};
// Token, account and time are the reservation's, whatever the settlement says of them.
UsageEntry entry_of(const Settlement& settlement, TokenId token, AccountId account, Time reserved_at, Credits posted);

}  // namespace cr::ledger
