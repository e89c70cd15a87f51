// SPDX-License-Identifier: MIT
/* For LD_PRELOAD: kills its own process at the N-th write or sync of the store, as SQLite makes them, or lets that one
 * and all later ones fail or hang: so that a crash, a broken disk or one that does not answer can be had at a place
 * instead of at a time. What, when and how many more is in the file named by CR_TEST_CRASH
 * (crash_point.h), mapped and shared with the test. Only files named ledger.db... count, without the lock's. Everything
 * passes through by system calls: it may be called before any library is ready. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "crash_control.h"

static _Atomic(struct crash_control*) mapped;
static struct crash_control k_unarmed;
static _Atomic int log_written; /* since its last sync */

static struct crash_control* control(void) {
  struct crash_control* const known = atomic_load(&mapped);
  if (known != NULL) return known;
  const char* path = getenv("CR_TEST_CRASH");
  if (path == NULL) {
    if (environ != NULL) atomic_store(&mapped, &k_unarmed);
    return &k_unarmed;
  }
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) return &k_unarmed;
  void* memory = mmap(NULL, sizeof(struct crash_control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (memory == MAP_FAILED) return &k_unarmed;
  atomic_store(&mapped, memory);
  return memory;
}

/* The end of the file's name that begins with "ledger.db": "" of the file itself, "-wal" of its log; NULL of others. */
static const char* store_part(int fd, char* path, size_t size) {
  char link[32] = "/proc/self/fd/";
  char digits[12];
  size_t count = 0;
  do digits[count++] = (char)('0' + fd % 10);
  while ((fd /= 10) > 0);
  size_t end = strlen(link);
  while (count > 0) link[end++] = digits[--count];
  link[end] = '\0';
  const long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, size - 1);
  if (length <= 0) return NULL;
  path[length] = '\0';
  const char* const slash = strrchr(path, '/');
  const char* const name = slash == NULL ? path : slash + 1;
  if (strncmp(name, "ledger.db", 9) != 0 || strcmp(name + 9, ".lock") == 0) return NULL;
  return name + 9;
}

static void die(void) {
  syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
  for (;;) syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0); /* until it arrives */
}

static void meet(struct crash_control* state) {
  atomic_fetch_add(&state->met, 1);
  syscall(SYS_futex, &state->met, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static void hang(struct crash_control* state) {
  meet(state);
  while (atomic_load(&state->open) == 0) syscall(SYS_futex, &state->open, FUTEX_WAIT, 0, NULL, NULL, 0);
}

/* What is to be done with this call: it passes, is the last one, or fails. One that hangs has hung here. */
enum verdict { PASSES, LAST, FAILS };

/* Before the one that is to kill, the process ends here; after it, the caller ends it. */
static enum verdict judge(int32_t call, int fd) {
  struct crash_control* const state = control();
  if (atomic_load(&state->left) <= 0) return PASSES;
  const int saved = errno;
  char path[4096];
  const char* const part = store_part(fd, path, sizeof path);
  errno = saved;
  if (part == NULL) return PASSES;
  const int of_log = strcmp(part, "-wal") == 0;
  int is_commit = 0;
  if (call == CRASH_WRITE && of_log) atomic_store(&log_written, 1);
  if (call == CRASH_SYNC && of_log) is_commit = atomic_exchange(&log_written, 0);
  const int32_t wanted = atomic_load(&state->call);
  if (wanted != call && !(wanted == CRASH_COMMIT && is_commit)) return PASSES;
  const int32_t effect = atomic_load(&state->effect);
  if (effect != CRASH_KILL && atomic_load(&state->left) == 1) {
    if (effect == CRASH_HANG) {
      hang(state);
      return PASSES;
    }
    meet(state);
    errno = atomic_load(&state->error);
    return FAILS;
  }
  if (atomic_fetch_sub(&state->left, 1) != 1) return PASSES;
  if (atomic_load(&state->when) == CRASH_BEFORE) die();
  return LAST;
}

static ssize_t finish(ssize_t result, enum verdict verdict) {
  if (verdict == LAST) die();
  return result;
}

ssize_t write(int fd, const void* from, size_t size) {
  const enum verdict verdict = judge(CRASH_WRITE, fd);
  if (verdict == FAILS) return -1;
  return finish(syscall(SYS_write, fd, from, size), verdict);
}

ssize_t pwrite64(int fd, const void* from, size_t size, off64_t at) {
  const enum verdict verdict = judge(CRASH_WRITE, fd);
  if (verdict == FAILS) return -1;
  return finish(syscall(SYS_pwrite64, fd, from, size, at), verdict);
}

ssize_t pwrite(int fd, const void* from, size_t size, off_t at) {
  return pwrite64(fd, from, size, at);
}

int ftruncate64(int fd, off64_t size) {
  const enum verdict verdict = judge(CRASH_WRITE, fd);
  if (verdict == FAILS) return -1;
  return (int)finish(syscall(SYS_ftruncate, fd, size), verdict);
}

int ftruncate(int fd, off_t size) {
  return ftruncate64(fd, size);
}

int fdatasync(int fd) {
  const enum verdict verdict = judge(CRASH_SYNC, fd);
  if (verdict == FAILS) return -1;
  return (int)finish(syscall(SYS_fdatasync, fd), verdict);
}

int fsync(int fd) {
  const enum verdict verdict = judge(CRASH_SYNC, fd);
  if (verdict == FAILS) return -1;
  return (int)finish(syscall(SYS_fsync, fd), verdict);
}
