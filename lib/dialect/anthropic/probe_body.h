// SPDX-License-Identifier: MIT
// The smallest message to `model`, bounded to a few tokens. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace cr::dialect::anthropic {

// The bound has one name in this dialect: the second argument is for the form that all dialects' probes have.
std::string probe_body(std::string_view model, std::string_view bound_field);

}  // namespace cr::dialect::anthropic
