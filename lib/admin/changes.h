// SPDX-License-Identifier: MIT
// What an edit changed, as crctl prints it. Pure, any thread.
#pragma once

#include <vector>

#include "admin/messages.h"

namespace cr::admin {

// The settings that differ, in words ("$20.00" -> "$25.00") and in the order of their sections; `used`, `rev` and the
// like, which move by themselves, are left out. For Token, Channel, Group, Account and Price.
template <class Record>
std::vector<Change> changes_between(const Record& before, const Record& after);

// The same of a record that is gone: what each of its settings was, those left out that had no value.
template <class Record>
std::vector<Change> changes_to_nothing(const Record& before);

}  // namespace cr::admin
