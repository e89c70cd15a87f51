// SPDX-License-Identifier: MIT
/* For LD_PRELOAD: a steady clock (CLOCK_MONOTONIC, and its coarse reading) that runs CR_TEST_PACE times as fast as the real one, from the first
 * look at it on. What waits is waited for as long as before: a timer of ten seconds takes ten, and then a hundred have
 * passed. So only what looks at the clock is tried faster. */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const int64_t k_second = 1000000000;
static _Atomic int64_t first;

int clock_gettime(clockid_t clock, struct timespec* out) {
  const bool steady = clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE;
  const int result = (int)syscall(SYS_clock_gettime, steady ? CLOCK_MONOTONIC : clock, out);
  const char* pace = getenv("CR_TEST_PACE");
  if (!steady || pace == NULL) return result;
  const int64_t now = (int64_t)out->tv_sec * k_second + out->tv_nsec;
  int64_t begin = 0;
  if (atomic_compare_exchange_strong(&first, &begin, now)) begin = now;
  const int64_t shown = begin + (int64_t)((double)(now - begin) * strtod(pace, NULL));
  out->tv_sec = (time_t)(shown / k_second);
  out->tv_nsec = (long)(shown % k_second);
  return result;
}
