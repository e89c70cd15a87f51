// SPDX-License-Identifier: MIT
#include "ledger/core/waiting_reservations.h"

namespace cr::ledger {

using base::Result;

bool WaitingReservations::add(ReserveOp& op) {
  if (size_ == k_most) return false;
  auto& line = tokens_[op.facts.token];
  if (!line.empty()) op.in_the_way = line.front()->in_the_way;
  line.push_back(&op);
  ++size_;
  return true;
}

Result<void> WaitingReservations::retry_line(Line& line, const std::function<Result<void>(ReserveOp&)>& decide,
                                             OpList<ReserveOp>& decided) {
  while (!line.empty()) {
    ReserveOp& op = *line.front();
    if (op.abandoned()) {
      op.outcome = ReserveOutcome::unavailable;
    } else {
      if (auto done = decide(op); !done) return done;
      if (op.outcome == ReserveOutcome::credit_reserved) return {};
    }
    line.pop_front();
    --size_;
    decided.push(op);
  }
  return {};
}

Result<void> WaitingReservations::retry(const std::function<Result<void>(ReserveOp&)>& decide,
                                        OpList<ReserveOp>& decided) {
  Result<void> done;
  for (auto token = tokens_.begin(); token != tokens_.end();) {
    if (done) done = retry_line(token->second, decide, decided);
    token = token->second.empty() ? tokens_.erase(token) : std::next(token);
  }
  return done;
}

OpList<ReserveOp> WaitingReservations::take_all() {
  OpList<ReserveOp> all;
  for (auto& [token, line] : tokens_) {
    for (ReserveOp* op : line) all.push(*op);
  }
  tokens_.clear();
  size_ = 0;
  return all;
}

}  // namespace cr::ledger
