// SPDX-License-Identifier: MIT
// What jemalloc reads before main() (jemalloc(3), TUNING): memory that was freed goes back to the system within two
// seconds, by a thread of its own, so that a crd that became idle gives it back too. Nothing where a sanitizer brings
// its own allocator.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:2000";
}
