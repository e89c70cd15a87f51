// SPDX-License-Identifier: MIT
#include "ledger/core/records.h"

#include <algorithm>
#include <utility>

#include "ledger/core/operations.h"

namespace cr::ledger {

Credits Balance::available() const {
  if (!quota) return Credits::max();
  // Both are never negative and quota is at least 0, so that neither difference wraps.
  return std::max(Credits(), *quota - posted - reserved);
}

Credits BudgetUse::available() const {
  return std::max(Credits(), limit - used - reserved);
}

std::string_view name_of(Ending ending) {
  switch (ending) {
    case Ending::complete:
      return "complete";
    case Ending::refused:
      return "refused";
    case Ending::client_gone:
      return "client_gone";
    case Ending::upstream_cut:
      return "upstream_cut";
    case Ending::upstream_silent:
      return "upstream_silent";
    case Ending::upstream_failed:
      return "upstream_failed";
    case Ending::in_doubt:
      return "in_doubt";
  }
  return "unknown";
}

}  // namespace cr::ledger
