// SPDX-License-Identifier: MIT
// A meter of a response in the dialect that the endpoint is of, as it is where nothing is translated.
#pragma once

#include "dialect/anthropic/meter_form.h"
#include "dialect/meter.h"
#include "dialect/openai/meter_form.h"

namespace cr::dialect {

inline Meter meter_of(Endpoint endpoint, UsageEvent usage_event) {
  const bool anthropic = dialect_of(endpoint) == Dialect::anthropic;
  return {anthropic ? anthropic::k_meter_form : openai::k_meter_form, endpoint, usage_event};
}

}  // namespace cr::dialect
