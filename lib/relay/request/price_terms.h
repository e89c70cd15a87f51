// SPDX-License-Identifier: MIT
// The ledger's price record as the arithmetic's Price: the two modules do not know each other. Pure; any thread.
#pragma once

#include "billing/price.h"
#include "ledger/core/records.h"

namespace cr::relay::request {

inline billing::Price to_price(const ledger::PriceRecord& record) {
  return {record.input,         record.cached_input,      record.cache_write,    record.output,
          record.per_request,   record.max_output_tokens, record.context_tokens, record.per_image,
          record.per_character, record.per_second};
}

}  // namespace cr::relay::request
