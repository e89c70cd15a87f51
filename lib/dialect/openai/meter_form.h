// SPDX-License-Identifier: MIT
// Usage as OpenAI and those compatible with it tell it (platform.openai.com/docs/api-reference), each in its own way:
// in chats, responses, transcriptions and images; and of a rerank as Cohere has it. Pure; any thread.
#pragma once

#include "dialect/meter_form.h"

namespace cr::dialect::openai {

extern const MeterForm k_meter_form;

}  // namespace cr::dialect::openai
