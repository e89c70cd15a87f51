// SPDX-License-Identifier: MIT
// What an edit changed, as crctl prints it. Pure, any thread.
#pragma once

#include <string_view>
#include <vector>

#include "admin/token_messages.h"

namespace cr::admin {

// The members of an object's JSON that differ, in words; `used`, `rev` and the like, which move by themselves, are left
// out. A text that is no JSON object differs in nothing.
std::vector<Change> changes_between(std::string_view before, std::string_view after);

}  // namespace cr::admin
