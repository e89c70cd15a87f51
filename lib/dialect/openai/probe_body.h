// SPDX-License-Identifier: MIT
// The smallest chat with `model`, bounded to a few tokens by the member `bound_field`; empty: by none. Pure; any
// thread.
#pragma once

#include <string>
#include <string_view>

namespace cr::dialect::openai {

std::string probe_body(std::string_view model, std::string_view bound_field);

}  // namespace cr::dialect::openai
