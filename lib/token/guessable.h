// SPDX-License-Identifier: MIT
// What makes an imported key one that can be guessed, however long it is. Pure; any thread.
#pragma once

#include <string_view>

namespace cr::token {

// "it repeats itself": a reason, nothing of the key in it; empty where it looks like one made by chance. What vendors
// put before their keys counts for nothing.
std::string_view why_guessable(std::string_view key);

}  // namespace cr::token
