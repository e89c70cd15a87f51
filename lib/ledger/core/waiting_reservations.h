// SPDX-License-Identifier: MIT
// WaitingReservations: operations whose credit is there but for what running requests have reserved of it. Each token's
// wait in the order in which they came; all together are bounded. The thread that decides only. An operation whose
// waiter has left goes at the next retry.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>

#include "base/id.h"
#include "base/result.h"
#include "ledger/core/operations.h"
#include "ledger/core/work_queue.h"

namespace cr::ledger {

class WaitingReservations {
 public:
  static constexpr std::size_t k_most = 4096;

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  // Whether others of its token stand before it.
  bool has_before(const ReserveOp& op) const { return tokens_.contains(op.facts.token); }
  // False: too many wait already. One behind others, which was not decided, has in its way what the first of them has.
  bool add(ReserveOp& op);
  // Decides each anew, of a token up to the first that has to wait on; those decided are moved to `decided`. The first
  // Error ends it; that one, and those behind it, wait on.
  base::Result<void> retry(const std::function<base::Result<void>(ReserveOp&)>& decide, OpList<ReserveOp>& decided);
  // All of them, undecided.
  OpList<ReserveOp> take_all();

 private:
  using Line = std::deque<ReserveOp*>;
  base::Result<void> retry_line(Line& line, const std::function<base::Result<void>(ReserveOp&)>& decide,
                                OpList<ReserveOp>& decided);

  std::map<TokenId, Line> tokens_;
  std::size_t size_ = 0;
};

}  // namespace cr::ledger
