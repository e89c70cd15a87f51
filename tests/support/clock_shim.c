// SPDX-License-Identifier: MIT
/* For LD_PRELOAD: the wall clock (clock_gettime(CLOCK_REALTIME), gettimeofday, time) as the test sets it, in an 8-byte
 * count of nanoseconds since 1970 mapped from the file named by CR_TEST_CLOCK; 0 = real time. Other clocks pass
 * through, so that timeouts run on. Uses system calls only: it may be called before any library is ready. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static _Atomic(const volatile int64_t*) mapped;
static const int64_t k_real_time = 0;

static const volatile int64_t* clock_value(void) {
  const volatile int64_t* value = atomic_load(&mapped);
  if (value != NULL) return value;
  const char* path = getenv("CR_TEST_CLOCK");
  if (path == NULL) {
    if (environ != NULL) atomic_store(&mapped, &k_real_time);
    return &k_real_time;
  }
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return &k_real_time;
  void* memory = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (memory == MAP_FAILED) return &k_real_time;
  atomic_store(&mapped, (const volatile int64_t*)memory);
  return memory;
}

static int64_t wall_nanoseconds(void) {
  const int64_t set = *clock_value();
  if (set != 0) return set;
  struct timespec now;
  syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int clock_gettime(clockid_t clock, struct timespec* out) {
  if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return (int)syscall(SYS_clock_gettime, clock, out);
  const int64_t now = wall_nanoseconds();
  out->tv_sec = (time_t)(now / 1000000000);
  out->tv_nsec = (long)(now % 1000000000);
  return 0;
}

int gettimeofday(struct timeval* restrict out, void* restrict zone) {
  (void)zone;
  const int64_t now = wall_nanoseconds();
  out->tv_sec = (time_t)(now / 1000000000);
  out->tv_usec = (suseconds_t)(now % 1000000000 / 1000);
  return 0;
}

time_t time(time_t* out) {
  const time_t now = (time_t)(wall_nanoseconds() / 1000000000);
  if (out != NULL) *out = now;
  return now;
}
