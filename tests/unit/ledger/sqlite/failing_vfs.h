// SPDX-License-Identifier: MIT
// FailingVfs: SQLite's file system with faults in it, as the default one of this program. Counts the writes and syncs
// of all files, and lets the N-th and all later ones fail, or a sync hang, until it is mended.
#pragma once

#include <cstdint>

namespace cr::ledger::failing_vfs {

enum class Fault { none, disk_full, write_error, sync_error, sync_hangs };

void install();  // once a program; before the first database
// The `after`-th matching call from now fails, and every one after it (0 = the next).
void break_after(Fault fault, std::int64_t after);
void mend();      // what hangs goes on
bool met();       // did a call fail, or hang, since break_after?
void wait_met();  // until one does
std::int64_t syncs();

}  // namespace cr::ledger::failing_vfs
