// SPDX-License-Identifier: MIT
/* What crash_shim and crash_point.cpp share, in a file that both have mapped. Plain C: the shim is. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
#include <atomic>
#define CR_SHARED(type) std::atomic<type>
#else
#define CR_SHARED(type) _Atomic(type)
#endif

enum {
  CRASH_WRITE = 1,
  CRASH_SYNC = 2,
  CRASH_COMMIT = 3 /* a sync of the log that was written to since its last one */
};
enum { CRASH_BEFORE = 0, CRASH_AFTER = 1 };
/* What becomes of the call: the process is killed at it; or it and all later ones fail, or wait until `open` is 1. */
enum { CRASH_KILL = 0, CRASH_FAIL = 1, CRASH_HANG = 2 };

struct crash_control {
  CR_SHARED(int64_t) left; /* the call that brings it to 0 is the last; 0 or less = unarmed */
  CR_SHARED(int32_t) call;
  CR_SHARED(int32_t) when;
  CR_SHARED(int32_t) effect;
  CR_SHARED(int32_t) error; /* errno of a call that fails */
  CR_SHARED(uint32_t) met;  /* calls that failed or hang; a futex */
  CR_SHARED(uint32_t) open; /* a futex */
};
