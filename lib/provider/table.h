// SPDX-License-Identifier: MIT
// Every kind's Provider, at the place of its enumerator. Any thread.
#pragma once

#include <array>

#include "provider/provider.h"

namespace cr::provider {

extern const Provider k_openai;
extern const Provider k_anthropic;
extern const Provider k_echo;

inline constexpr std::array<const Provider*, k_kinds.size()> k_providers{&k_openai, &k_anthropic, &k_echo};

}  // namespace cr::provider
