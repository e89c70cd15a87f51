// SPDX-License-Identifier: MIT
// FailingVfs: SQLite's file system with faults in it, as the default one of this program. Counts the writes and syncs
// of all files, and lets the N-th and all later ones fail until it is mended.
#pragma once

#include <cstdint>

namespace cr::ledger::failing_vfs {

enum class Fault { none, disk_full, write_error, sync_error };

void install();  // once a program; before the first database
// The `after`-th matching call from now fails, and every one after it (0 = the next).
void break_after(Fault fault, std::int64_t after);
void mend();
bool met();  // did a call fail since break_after?
std::int64_t syncs();

}  // namespace cr::ledger::failing_vfs
