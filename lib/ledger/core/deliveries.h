// SPDX-License-Identifier: MIT
// Deliveries: finished operations on their way back to who waits for them, a list a lane, so that a worker is woken
// once for all of a commit. The thread that commits only; the lanes outlive it.
#pragma once

#include <utility>
#include <vector>

#include "ledger/core/ledger.h"
#include "ledger/core/work_queue.h"

namespace cr::ledger {

class Deliveries {
 public:
  explicit Deliveries(const std::vector<Ledger::Lane>& lanes) : lanes_(lanes), lists_(lanes.size()) {}

  void add(ReserveOp& op) { lists_[op.lane].reserves.push(op); }
  void add(LookOp& op) { lists_[op.lane].looks.push(op); }
  // Hands each lane what was added for it.
  void release() {
    for (std::size_t lane = 0; lane < lists_.size(); ++lane) {
      Lists& lists = lists_[lane];
      if (lists.reserves.empty() && lists.looks.empty()) continue;
      const Lists taken = std::exchange(lists, {});
      lanes_[lane].deliver(taken.reserves.head, taken.looks.head);
    }
  }

 private:
  struct Lists {
    OpList<ReserveOp> reserves;
    OpList<LookOp> looks;
  };
  const std::vector<Ledger::Lane>& lanes_;
  std::vector<Lists> lists_;
};

}  // namespace cr::ledger
