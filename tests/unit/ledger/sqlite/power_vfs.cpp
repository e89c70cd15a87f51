// SPDX-License-Identifier: MIT
#include "power_vfs.h"

#include <sqlite3.h>

#include <fstream>
#include <map>
#include <mutex>
#include <vector>

namespace cr::ledger::power_vfs {
namespace {

constexpr std::size_t k_sector = 512;

struct Write {
  std::size_t at = 0;
  std::string bytes;
  bool truncation = false;  // to `at` bytes
};
// One file, as the disk has it.
struct Content {
  std::string durable;
  std::vector<Write> unsynced;
  bool entry_durable = false;  // its name is in the folder for good
  bool removed = false;        // which is not synced: it may come back
};
using Disk = std::map<std::string, Content>;

struct File {
  sqlite3_file base;
  Content* content;  // of files that outlive a process, else null
  bool is_log;
  sqlite3_file* real;  // follows in the same allocation
};

std::mutex g_mutex;
Disk g_disk, g_cut_disk;
Syncs g_syncs = Syncs::honest;
Calls g_calls = Calls::all;
std::int64_t g_left = -1;
bool g_was_cut = false;
std::function<void()> g_on_cut;
sqlite3_vfs* g_real = nullptr;
sqlite3_vfs g_vfs;
sqlite3_io_methods g_methods;

sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<File*>(file)->real;
}
Content* content_of(sqlite3_file* file) {
  return reinterpret_cast<File*>(file)->content;
}
bool is_log(sqlite3_file* file) {
  return reinterpret_cast<File*>(file)->is_log;
}

void apply(const Write& write, std::string& to) {
  if (write.truncation) {
    to.resize(write.at);
    return;
  }
  if (to.size() < write.at + write.bytes.size()) to.resize(write.at + write.bytes.size());
  to.replace(write.at, write.bytes.size(), write.bytes);
}

void cut() {
  g_was_cut = true;
  g_cut_disk = g_disk;
  if (g_on_cut) g_on_cut();
}

// Called with the mutex held, before each call that changes the disk.
void count_down(bool of_log) {
  if (g_calls == Calls::checkpoint && of_log) return;
  if (g_left >= 0 && g_left-- == 0) cut();
}

int on_close(sqlite3_file* file) {
  return real(file)->pMethods->xClose(real(file));
}
int on_read(sqlite3_file* file, void* to, int size, sqlite3_int64 at) {
  return real(file)->pMethods->xRead(real(file), to, size, at);
}
int on_write(sqlite3_file* file, const void* from, int size, sqlite3_int64 at) {
  if (Content* const content = content_of(file)) {
    const std::lock_guard lock(g_mutex);
    count_down(is_log(file));
    content->unsynced.push_back(
        {static_cast<std::size_t>(at), std::string(static_cast<const char*>(from), static_cast<std::size_t>(size))});
  }
  return real(file)->pMethods->xWrite(real(file), from, size, at);
}
int on_truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (Content* const content = content_of(file)) {
    const std::lock_guard lock(g_mutex);
    count_down(is_log(file));
    content->unsynced.push_back({static_cast<std::size_t>(size), {}, true});
  }
  return real(file)->pMethods->xTruncate(real(file), size);
}
// The disk under the tests is not asked: what it would have is known here.
int on_sync(sqlite3_file* file, int /*flags*/) {
  Content* const content = content_of(file);
  if (content == nullptr) return SQLITE_OK;
  const std::lock_guard lock(g_mutex);
  count_down(is_log(file));
  if (g_syncs == Syncs::lying) return SQLITE_OK;
  for (const Write& write : content->unsynced) apply(write, content->durable);
  content->unsynced.clear();
  content->entry_durable = true;  // SQLite syncs the folder with a new file's first sync
  return SQLITE_OK;
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

std::string read_whole(const std::string& path) {
  std::string bytes(std::filesystem::file_size(path), '\0');
  std::ifstream(path, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

int on_open(sqlite3_vfs* /*vfs*/, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto* const ours = reinterpret_cast<File*>(file);
  ours->base.pMethods = nullptr;
  ours->content = nullptr;
  ours->is_log = (flags & SQLITE_OPEN_WAL) != 0;
  ours->real = reinterpret_cast<sqlite3_file*>(ours + 1);
  const bool was_there = name != nullptr && std::filesystem::exists(name);
  const int result = g_real->xOpen(g_real, name, ours->real, flags, out_flags);
  if (ours->real->pMethods != nullptr) ours->base.pMethods = &g_methods;
  if (result != SQLITE_OK || name == nullptr || (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) == 0) return result;
  const std::lock_guard lock(g_mutex);
  const auto [found, added] = g_disk.try_emplace(name);
  Content& content = found->second;
  if (added && was_there) content.durable = read_whole(name);
  if (added) content.entry_durable = was_there;
  // Made anew after its removal: another file of that name, of which nothing is durable yet.
  if (content.removed) content = Content{};
  ours->content = &content;
  return result;
}

int on_delete(sqlite3_vfs* /*vfs*/, const char* name, int sync_folder) {
  {
    const std::lock_guard lock(g_mutex);
    if (const auto found = g_disk.find(name); found != g_disk.end()) {
      count_down(true);
      found->second.removed = true;
    }
  }
  return g_real->xDelete(g_real, name, sync_folder);
}

// Of one write, what the disk may have of it.
void apply_in_part(const Write& write, std::string& to, std::mt19937& random) {
  const auto below = [&](std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
  };
  const std::size_t fate = below(4);
  if (fate == 0) return;                                                                              // nothing
  if (fate == 1 || write.truncation) return apply(write, to);                                         // all
  if (fate == 2) return apply({write.at, write.bytes.substr(0, below(write.bytes.size() + 1))}, to);  // its beginning
  for (std::size_t from = 0; from < write.bytes.size(); from += k_sector) {  // some of its sectors
    if (below(2) == 0) apply({write.at + from, write.bytes.substr(from, k_sector)}, to);
  }
}

}  // namespace

void install() {
  if (g_real != nullptr) return;
  g_real = sqlite3_vfs_find(nullptr);
  g_vfs = *g_real;
  g_vfs.zName = "power";
  g_vfs.pNext = nullptr;
  g_vfs.szOsFile = static_cast<int>(sizeof(File)) + g_real->szOsFile;
  g_vfs.xOpen = on_open;
  g_vfs.xDelete = on_delete;
  g_methods = {2,           on_close,       on_read,       on_write,   on_truncate, on_sync,   on_size,
               on_lock,     on_unlock,      on_check_lock, on_control, on_sector,   on_device, on_shm_map,
               on_shm_lock, on_shm_barrier, on_shm_unmap,  nullptr,    nullptr};
  sqlite3_vfs_register(&g_vfs, 1);
}

void begin(Syncs syncs) {
  const std::lock_guard lock(g_mutex);
  g_disk.clear();
  g_cut_disk.clear();
  g_syncs = syncs;
  g_left = -1;
  g_was_cut = false;
  g_on_cut = nullptr;
}

void cut_at(Calls calls, std::int64_t at, std::function<void()> on_cut) {
  const std::lock_guard lock(g_mutex);
  g_calls = calls;
  g_left = at;
  g_on_cut = std::move(on_cut);
}

void cut_now() {
  const std::lock_guard lock(g_mutex);
  if (!g_was_cut) cut();
}

bool was_cut() {
  const std::lock_guard lock(g_mutex);
  return g_was_cut;
}

bool was_cut_in_checkpoint() {
  const std::lock_guard lock(g_mutex);
  for (const auto& [name, content] : g_cut_disk) {
    if (!name.ends_with("-wal") && !content.unsynced.empty()) return true;
  }
  return false;
}

void leave(const std::filesystem::path& folder, std::mt19937& random) {
  const std::lock_guard lock(g_mutex);
  // All of it, nothing of it, or write by write.
  const auto manner = std::uniform_int_distribution<int>(0, 5)(random);
  for (const auto& [name, content] : g_cut_disk) {
    const bool here = std::uniform_int_distribution<int>(0, 1)(random) == 0;
    if ((content.removed || !content.entry_durable) && !here) continue;
    std::string bytes = content.durable;
    for (const Write& write : content.unsynced) {
      if (manner == 0) continue;
      if (manner == 1) {
        apply(write, bytes);
      } else {
        apply_in_part(write, bytes, random);
      }
    }
    std::ofstream file(folder / std::filesystem::path(name).filename(), std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
}

}  // namespace cr::ledger::power_vfs
