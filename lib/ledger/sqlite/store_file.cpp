// SPDX-License-Identifier: MIT
#include "ledger/sqlite/store_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/boot.h"
#include "base/file_owner.h"
#include "ledger/sql/settings_sum.h"
#include "ledger/sqlite/durable_file.h"
#include "ledger/sqlite/schema.h"
#include "ledger/sqlite/store_head.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::Result;
using sqlite::Database;
using sqlite::OpenMode;

tl::unexpected<base::Error> failed(const std::string& doing, const std::string& path, int error) {
  const std::string why = std::generic_category().message(error);
  return base::fail(ErrorCode::unavailable, doing + ' ' + path + ": " + why,
                    "check that the folder exists, has room, and that this user may write it");
}

// The file's name is all that is said where another process has it open for writing but has not put its pid in yet.
std::string holder_of(int fd) {
  std::array<char, 16> text{};
  const ssize_t got = pread(fd, text.data(), text.size() - 1, 0);
  int pid = 0;
  if (got <= 0 || std::from_chars(text.data(), text.data() + got, pid).ec != std::errc()) return "another crd";
  return "another crd (pid " + std::to_string(pid) + ')';
}

tl::unexpected<base::Error> in_use(const std::string& path, int lock) {
  return base::fail(ErrorCode::unavailable, "open store " + path + ": " + holder_of(lock) + " uses it",
                    "stop that one first, or give this one a state directory of its own");
}

// Be it a link that leads nowhere.
bool exists(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0;
}

// Made whole under another name first: a start that was cut short leaves no half store behind.
Result<void> create(const std::string& path, const token::Vault& vault, std::string_view price_list) {
  if (exists(path + "-wal")) {
    return base::fail(ErrorCode::corrupt,
                      "open store " + path + ": the file is missing, but its log " + path + "-wal is there",
                      "put the file back beside its log, or restore a backup and move the log away");
  }
  const std::string fresh = path + ".new";
  for (const char* part : {"", "-journal", "-wal", "-shm"}) std::remove((fresh + part).c_str());
  const int fd = ::open(fresh.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return failed("create store", path, errno);
  close(fd);
  {
    auto db = Database::open(fresh, {OpenMode::read_write, 2000, {}});
    if (!db) return tl::unexpected(db.error());
    if (auto done = create_schema(*db, vault, price_list); !done) return done;
  }
  return rename_durably(fresh, path);
}

// What others could read or write before this start is not closed in silence.
Result<void> check_private(const std::string& path, const struct stat& status) {
  if (const auto why = base::why_not_ours(status); !why.empty()) {
    return base::fail(ErrorCode::invalid, "open store " + path + ": it " + why, "give it to the user that crd runs as");
  }
  if ((status.st_mode & 0077) == 0) return {};
  return base::fail(ErrorCode::invalid, "open store " + path + ": it can be read or written by others",
                    "run: chmod 600 " + path + " (and rotate the tokens if someone has changed it)");
}

Result<void> check_file(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return failed("open store", path, errno);
  // Its log would be beside the link, and not beside the file.
  if (S_ISLNK(status.st_mode)) {
    return base::fail(ErrorCode::invalid, "open store " + path + ": it is a link",
                      "put the file itself there, or name its folder with 'state_dir' in crd.toml");
  }
  if (!S_ISREG(status.st_mode)) return base::fail(ErrorCode::invalid, "open store " + path + ": not a regular file");
  if (status.st_size == 0) {
    return base::fail(ErrorCode::corrupt, "open store " + path + ": the file is empty",
                      "restore the newest backup in its place; to begin anew, move it away");
  }
  if (access(path.c_str(), R_OK | W_OK) != 0) return failed("open store", path, errno);
  return check_private(path, status);
}

Result<void> set_up_writer(Database& db) {
  auto mode = sqlite::Statement::prepare(db, "PRAGMA journal_mode = WAL");
  if (!mode) return tl::unexpected(mode.error());
  const auto row = mode->step();
  if (!row) return tl::unexpected(row.error());
  if (!*row || mode->column_text(0) != "wal") {
    return base::fail(ErrorCode::unavailable,
                      "open store " + db.path() + ": its file system cannot keep a write-ahead log",
                      "keep it on a local disk, not on a network file system");
  }
  mode->reset();
  // Checkpoints are the ledger thread's (checkpoint.h). Keys that are dropped are overwritten.
  return db.execute(
      "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864;"
      "PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON");
}

Result<Database> open_reader(const std::string& path) {
  auto reader = Database::open(path, {OpenMode::read_only, 2000, {}});
  if (!reader) return reader;
  auto done = reader->execute("PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY");
  if (!done) return tl::unexpected(done.error());
  return reader;
}

}  // namespace

Result<void> FileLock::take_folder(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  folder_fd_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_fd_ < 0) return failed("open folder", folder, errno);
  if (flock(folder_fd_, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK) return failed("lock folder", folder, errno);
  return in_use(path, fd_);
}

Result<FileLock> FileLock::take(const std::string& path) {
  const std::string name = path + ".lock";
  FileLock lock;
  // Whatever the name leads to would be overwritten: never another's file behind a link.
  lock.fd_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock.fd_ < 0 && errno == ELOOP) {
    return base::fail(ErrorCode::invalid, "open lock " + name + ": it is a link", "take it away: crd makes a file");
  }
  if (lock.fd_ < 0) return failed("open lock", name, errno);
  if (flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failed("lock", name, errno);
    return in_use(path, lock.fd_);
  }
  if (auto done = lock.take_folder(path); !done) return tl::unexpected(done.error());
  const std::string pid = std::to_string(getpid()) + '\n';
  if (ftruncate(lock.fd_, 0) != 0 || pwrite(lock.fd_, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return failed("write lock", name, errno);
  }
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), folder_fd_(std::exchange(other.folder_fd_, -1)) {}

FileLock::~FileLock() {
  for (const int fd : {fd_, folder_fd_}) {
    if (fd >= 0) close(fd);
  }
}

namespace {

// What the head says, or why it says nothing; with accept_loss that stops nobody.
struct Known {
  Result<std::optional<Head>> head;
  std::string accepted{};
  bool sum_begun = false;  // of the settings

  Result<void> judge(const Ledger::Options& options, Result<void> verdict) {
    if (verdict || verdict.error().code != ErrorCode::corrupt || !options.accept_loss) return verdict;
    accepted = verdict.error().message;
    return {};
  }
};

Result<void> compare(Known& known, Database& db, const Ledger::Options& options, const std::string& settings) {
  if (options.head.empty()) return {};
  if (!known.head) return known.judge(options, tl::unexpected(with_way_out(known.head.error())));
  SqlSession sql(db);
  return known.judge(options, compare_with_head(sql, {options.path, options.head, settings}, *known.head));
}

// Before anything is made in its place.
Result<void> check_not_lost(Known& known, const Ledger::Options& options) {
  if (!known.head) return known.judge(options, tl::unexpected(with_way_out(known.head.error())));
  if (!*known.head) return {};
  return known.judge(options, tl::unexpected(store_is_missing(options.path, options.head, **known.head)));
}

// What the sum of the settings ends with; "" of none.
Result<std::string> find_seal(Database& db) {
  SqlSession sql(db);
  const auto text = seal_text_of(sql);
  if (!text) return tl::unexpected(text.error());
  return std::string(code_of(text->value_or("")));
}

Result<Database> open_writer(const Ledger::Options& options, const token::Vault& vault, Known& known) {
  auto writer = Database::open(options.path, {OpenMode::read_write, 2000, {}});
  if (!writer) return writer;
  Result<void> ready = check_identity(*writer);
  if (ready) ready = set_up_writer(*writer);
  // As it was found: a migration may change it.
  const auto settings = ready ? find_seal(*writer) : Result<std::string>(std::string());
  if (!settings) ready = tl::unexpected(settings.error());
  if (ready) ready = migrate(*writer, migrations(), k_schema_version, &vault);
  if (ready) ready = check_tables(*writer);
  if (ready) ready = check_fingerprint(*writer, vault);
  if (ready && known.accepted.empty()) ready = compare(known, *writer, options, *settings);
  if (!ready) return tl::unexpected(ready.error());
  known.sum_begun = settings->empty();
  return writer;
}

}  // namespace

Result<StoreFile> StoreFile::open(const Ledger::Options& options, const token::Vault& vault) {
  const std::string& path = options.path;
  auto lock = FileLock::take(path);
  if (!lock) return tl::unexpected(lock.error());
  const auto locked_boot_ms = base::boot_ms();
  Known known{options.head.empty() ? std::optional<Head>() : load_head(options.head, vault)};
  if (!exists(path)) {
    if (auto kept = check_not_lost(known, options); !kept) return tl::unexpected(kept.error());
    if (auto created = create(path, vault, options.price_list); !created) return tl::unexpected(created.error());
  }
  if (auto checked = check_file(path); !checked) return tl::unexpected(checked.error());
  auto writer = open_writer(options, vault, known);
  if (!writer) return tl::unexpected(writer.error());
  auto reader = open_reader(path);
  if (!reader) return tl::unexpected(reader.error());
  auto long_reader = open_reader(path);
  if (!long_reader) return tl::unexpected(long_reader.error());
  return StoreFile{std::move(*lock),
                   locked_boot_ms,
                   std::move(*writer),
                   std::move(*reader),
                   std::move(*long_reader),
                   FileWatch(path),
                   known.head ? *known.head : std::nullopt,
                   known.accepted,
                   known.sum_begun};
}

}  // namespace cr::ledger
