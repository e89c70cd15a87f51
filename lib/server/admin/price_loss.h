// SPDX-License-Identifier: MIT
// Whom a model's price is missed by when it is gone: limited tokens, which may not call a model without one.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ledger/core/directory.h"
#include "ledger/core/records.h"

namespace cr::server::admin {

// One model's price, as `directory` has it. A view: the directory must outlive it. Pure; any thread.
class PriceLoss {
 public:
  PriceLoss(const ledger::Directory& directory, std::string_view model, base::Time now);
  // There is no name and no channel that this price is used for.
  bool is_none() const { return used_.empty(); }
  // The token is limited, and may ask for a name that is priced so on a channel of its groups.
  bool stops(const ledger::TokenRecord& token) const;

 private:
  const ledger::Directory& directory_;
  std::vector<std::pair<std::string, const ledger::ChannelRecord*>> used_;  // what is asked for, and of which channel
};

}  // namespace cr::server::admin
