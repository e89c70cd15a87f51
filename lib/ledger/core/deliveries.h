// SPDX-License-Identifier: MIT
// Deliveries: finished operations on their way back to who waits for them, a list a recipient, so that a worker is
// woken once for all of a commit. The thread that commits only; the recipients outlive it.
#pragma once

#include <utility>
#include <vector>

#include "ledger/core/ledger.h"
#include "ledger/core/work_queue.h"

namespace cr::ledger {

class Deliveries {
 public:
  explicit Deliveries(const std::vector<Ledger::Recipient>& recipients)
      : recipients_(recipients), lists_(recipients.size()) {}

  void add(ReserveOp& op) { lists_[op.recipient].reserves.push(op); }
  void add(QueryOp& op) { lists_[op.recipient].queries.push(op); }
  // Hands each recipient what was added for it.
  void release() {
    for (std::size_t recipient = 0; recipient < lists_.size(); ++recipient) {
      Lists& lists = lists_[recipient];
      if (lists.reserves.empty() && lists.queries.empty()) continue;
      const Lists taken = std::exchange(lists, {});
      recipients_[recipient].deliver(taken.reserves.head, taken.queries.head);
    }
  }

 private:
  struct Lists {
    OpList<ReserveOp> reserves;
    OpList<QueryOp> queries;
  };
  const std::vector<Ledger::Recipient>& recipients_;
  std::vector<Lists> lists_;
};

}  // namespace cr::ledger
