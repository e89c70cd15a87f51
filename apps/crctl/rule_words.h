// SPDX-License-Identifier: MIT
// A price's rules as a reader wants them; their JSON is what programs get. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace cr::crctl {

// "input over 272000 tokens: input $5, output $22.5; service_tier flex: x 0.5; web_search: $0.01 a call". Rules without
// effect are left out; what is no list of rules is given back as it is.
std::string rules_in_words(std::string_view json);

}  // namespace cr::crctl
