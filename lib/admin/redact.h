// SPDX-License-Identifier: MIT
// A message's JSON as a trace may show it. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

namespace cr::admin {

// Every text under the name "key" becomes "[redacted]"; what is not JSON is only counted, for it may hold a key
// anywhere.
std::string redacted(std::string_view json);

}  // namespace cr::admin
