// SPDX-License-Identifier: MIT
// Usage as Anthropic tells it (docs.claude.com/en/api/messages, .../messages-streaming): the input without its cached
// parts, in a stream the input first and the output in the last message_delta. Pure; any thread.
#pragma once

#include "dialect/meter_form.h"

namespace cr::dialect::anthropic {

extern const MeterForm k_meter_form;

}  // namespace cr::dialect::anthropic
