// SPDX-License-Identifier: MIT
#include "failing_vfs.h"

#include <sqlite3.h>

#include <atomic>
#include <new>

namespace cr::ledger::failing_vfs {
namespace {

struct File {
  sqlite3_file base;
  sqlite3_file* real;  // follows in the same allocation
};

std::atomic<Fault> g_fault{Fault::none};
std::atomic<std::int64_t> g_left{0};
std::atomic<bool> g_met{false};
std::atomic<std::int64_t> g_syncs{0};
sqlite3_vfs* g_real = nullptr;
sqlite3_vfs g_vfs;
sqlite3_io_methods g_methods;

sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<File*>(file)->real;
}

bool fails(Fault fault) {
  if (g_fault.load() != fault || g_left.fetch_sub(1) > 0) return false;
  g_met.store(true);
  g_met.notify_all();
  return true;
}

int on_close(sqlite3_file* file) {
  return real(file)->pMethods->xClose(real(file));
}
int on_read(sqlite3_file* file, void* to, int size, sqlite3_int64 at) {
  return real(file)->pMethods->xRead(real(file), to, size, at);
}
int on_write(sqlite3_file* file, const void* from, int size, sqlite3_int64 at) {
  if (fails(Fault::disk_full)) return SQLITE_FULL;
  if (fails(Fault::write_error)) return SQLITE_IOERR_WRITE;
  return real(file)->pMethods->xWrite(real(file), from, size, at);
}
int on_truncate(sqlite3_file* file, sqlite3_int64 size) {
  return real(file)->pMethods->xTruncate(real(file), size);
}
int on_sync(sqlite3_file* file, int flags) {
  g_syncs.fetch_add(1);
  if (fails(Fault::sync_error)) return SQLITE_IOERR_FSYNC;
  if (fails(Fault::sync_hangs)) g_fault.wait(Fault::sync_hangs);
  return real(file)->pMethods->xSync(real(file), flags);
}
int on_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int on_lock(sqlite3_file* file, int level) {
  return real(file)->pMethods->xLock(real(file), level);
}
int on_unlock(sqlite3_file* file, int level) {
  return real(file)->pMethods->xUnlock(real(file), level);
}
int on_check_lock(sqlite3_file* file, int* held) {
  return real(file)->pMethods->xCheckReservedLock(real(file), held);
}
int on_control(sqlite3_file* file, int op, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), op, argument);
}
int on_sector(sqlite3_file* file) {
  return real(file)->pMethods->xSectorSize(real(file));
}
int on_device(sqlite3_file* file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}
int on_shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** to) {
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, to);
}
int on_shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
void on_shm_barrier(sqlite3_file* file) {
  real(file)->pMethods->xShmBarrier(real(file));
}
int on_shm_unmap(sqlite3_file* file, int remove) {
  return real(file)->pMethods->xShmUnmap(real(file), remove);
}

int on_open(sqlite3_vfs* /*vfs*/, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto* const ours = reinterpret_cast<File*>(file);
  ours->base.pMethods = nullptr;
  ours->real = reinterpret_cast<sqlite3_file*>(ours + 1);
  const int result = g_real->xOpen(g_real, name, ours->real, flags, out_flags);
  if (ours->real->pMethods != nullptr) ours->base.pMethods = &g_methods;
  return result;
}

}  // namespace

void install() {
  if (g_real != nullptr) return;
  g_real = sqlite3_vfs_find(nullptr);
  g_vfs = *g_real;
  g_vfs.zName = "failing";
  g_vfs.pNext = nullptr;
  g_vfs.szOsFile = static_cast<int>(sizeof(File)) + g_real->szOsFile;
  g_vfs.xOpen = on_open;
  g_methods = {2,           on_close,       on_read,       on_write,   on_truncate, on_sync,   on_size,
               on_lock,     on_unlock,      on_check_lock, on_control, on_sector,   on_device, on_shm_map,
               on_shm_lock, on_shm_barrier, on_shm_unmap,  nullptr,    nullptr};
  sqlite3_vfs_register(&g_vfs, 1);
}

void break_after(Fault fault, std::int64_t after) {
  g_met.store(false);
  g_left.store(after);
  g_fault.store(fault);
}
void mend() {
  g_fault.store(Fault::none);
  g_fault.notify_all();
}
bool met() {
  return g_met.load();
}
void wait_met() {
  g_met.wait(false);
}
std::int64_t syncs() {
  return g_syncs.load();
}

}  // namespace cr::ledger::failing_vfs
