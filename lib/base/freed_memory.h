// SPDX-License-Identifier: MIT
// Memory that was freed, and that the allocator keeps for the next block of its size, given back to the system.
#pragma once

namespace cr::base {

// jemalloc's where the program is linked with it, as crd is, else glibc's; of the calling thread's cache too. Takes
// milliseconds where much is kept: to be called when much was freed, not for each block. Any thread.
void return_freed_memory();

}  // namespace cr::base
