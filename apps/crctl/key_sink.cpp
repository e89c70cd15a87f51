// SPDX-License-Identifier: MIT
#include "crctl/key_sink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "base/secret.h"
#include "base/text.h"
#include "crctl/file_access.h"
#include "crctl/interrupt.h"
#include "crctl/json_text.h"

namespace cr::crctl {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

std::string folder_of(const std::string& file) {
  const auto slash = file.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : file.substr(0, slash);
}

// What stands in a file's place and is none; nullptr for a regular file. A symbolic link is none either: replaced, a
// link such as /dev/stdout would be gone for everybody, and followed, it could lead anywhere.
const char* what_it_is(mode_t mode) {
  if (S_ISREG(mode)) return nullptr;
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISLNK(mode)) return "a symbolic link";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

const char* hint_for(mode_t mode) {
  if (S_ISDIR(mode)) return "name a file in it";
  if (S_ISLNK(mode)) return "name the file it leads to, or another one";
  return "a key is written to a regular file, or to stdout without --out";
}

// `stands`: what is there already, if anything is.
Result<void> check_target(const KeyTarget& target, std::optional<struct stat>& stands) {
  if (target.file->empty()) return fail(ErrorCode::invalid, "--out needs the name of a file");
  struct stat info {};
  stands.reset();
  if (::lstat(target.file->c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return fail(ErrorCode::invalid, fmt::format("cannot write '{}': {}", *target.file, system_reason()));
  }
  if (const char* what = what_it_is(info.st_mode)) {
    return fail(ErrorCode::invalid, fmt::format("'{}' is {}, not a file", *target.file, what), hint_for(info.st_mode));
  }
  stands = info;
  if (target.force) return {};
  return fail(ErrorCode::conflict, fmt::format("'{}' exists already", *target.file),
              "name another file, or add --force to replace it");
}

// Without force, a file somebody has made meanwhile stays: rename() alone would replace it. With force, what is no file
// stays: it is looked at again just before.
Result<void> place(const std::string& temporary, const KeyTarget& target) {
  const auto& file = *target.file;
  const auto failed = [] { return fail(ErrorCode::internal, system_reason()); };
  if (target.force) {
    std::optional<struct stat> stands;
    if (auto usable = check_target(target, stands); !usable) return usable;
    return ::rename(temporary.c_str(), file.c_str()) == 0 ? Result<void>() : failed();
  }
  if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, file.c_str(), RENAME_NOREPLACE) == 0) return {};
  if (errno != EINVAL && errno != ENOSYS) return failed();
  if (::link(temporary.c_str(), file.c_str()) != 0) return failed();
  ::unlink(temporary.c_str());
  return {};
}

// With what is above it, for nobody else to look into.
Result<void> make_folder(const std::string& folder) {
  std::string part;
  for (std::size_t at = 0; at != std::string::npos;) {
    at = folder.find('/', at + 1);
    part = folder.substr(0, at);
    if (::mkdir(part.c_str(), S_IRWXU) != 0 && errno != EEXIST)
      return fail(ErrorCode::invalid, fmt::format("cannot make the folder '{}': {}", part, system_reason()));
  }
  return {};
}

Result<void> check_stdout(const KeyTarget& target) {
  if (target.force) return fail(ErrorCode::invalid, "--force needs --out FILE");
  if (target.mode || target.owner)
    return fail(ErrorCode::invalid, fmt::format("{} needs --out FILE", target.mode ? "--mode" : "--owner"));
  return {};
}

}  // namespace

std::string key_file_text(std::string_view format, std::string_view key, std::string_view token_json) {
  if (format == "env") return fmt::format("OPENAI_API_KEY={}\n", key);
  if (format == "json") return indented(with_member(token_json, "key", key)) + "\n";
  return fmt::format("{}\n", key);
}

Result<KeySink> KeySink::open(Context& context, KeyTarget target) {
  if (target.file == "-") target.file.reset();
  if (!target.file) {
    if (auto good = check_stdout(target); !good) return tl::unexpected(good.error());
    return KeySink(context, std::move(target));
  }
  std::optional<struct stat> stands;
  if (auto usable = check_target(target, stands); !usable) return tl::unexpected(usable.error());
  const auto access = FileAccess::of(target.mode, target.owner, stands ? &*stands : nullptr);
  if (!access) return tl::unexpected(access.error());
  KeySink sink(context, std::move(target));
  if (context.globals.dry_run) return sink;
  if (auto made = make_folder(folder_of(sink.file())); !made) return tl::unexpected(made.error());
  std::string path = sink.file() + ".XXXXXX";
  sink.fd_ = ::mkostemp(path.data(), O_CLOEXEC);
  if (sink.fd_ < 0) {
    return fail(ErrorCode::invalid, fmt::format("cannot write into '{}': {}", folder_of(sink.file()), system_reason()));
  }
  sink.temporary_ = path;
  remember_temporary_file(path);
  if (auto given = access->give(sink.fd_, sink.file()); !given) return tl::unexpected(given.error());
  return sink;
}

KeySink::KeySink(KeySink&& other) noexcept
    : context_(other.context_),
      target_(std::move(other.target_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::exchange(other.fd_, -1)) {}

KeySink::~KeySink() {
  if (fd_ >= 0) ::close(fd_);
  if (temporary_.empty()) return;
  ::unlink(temporary_.c_str());
  forget_temporary_file();
}

Result<void> KeySink::write(std::string_view key, std::string_view token_json) {
  if (!is_file()) return write_stdout(key, token_json);
  std::string text = key_file_text(target_.format.value_or("key"), key, token_json);
  auto written = write_file(text);
  base::wipe(text);
  return written;
}

Result<void> KeySink::write_stdout(std::string_view key, std::string_view token_json) {
  std::string json;
  Result<void> written;
  if (target_.format) {
    json = key_file_text(*target_.format, key, token_json);
    written = context_->output.text(json);
  } else if (context_->output.wants_data()) {
    json = with_member(token_json, "key", key);
    written = context_->output.object(json);
  } else {
    json = fmt::format("{}\n", key);
    written = context_->output.text(json);
  }
  base::wipe(json);
  // A full disk may say so only now; what cannot be synced (a pipe, a terminal) says EINVAL.
  if (written && ::fdatasync(STDOUT_FILENO) != 0 && errno != EINVAL && errno != EROFS) {
    return fail(ErrorCode::internal, "cannot write to standard output: " + system_reason());
  }
  return written;
}

Result<void> KeySink::write_file(std::string_view text) {
  const auto refuse = [&](const std::string& why) {
    return fail(ErrorCode::internal, fmt::format("cannot write '{}': {}", file(), why));
  };
  if (auto written = write_all(fd_, text); !written) return refuse(written.error().message);
  if (::fsync(fd_) != 0) return refuse(system_reason());
  if (::close(std::exchange(fd_, -1)) != 0) return refuse(system_reason());
  if (auto placed = place(temporary_, target_); !placed) return refuse(placed.error().message);
  temporary_.clear();
  forget_temporary_file();
  const int folder = ::open(folder_of(file()).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return {};
  ::fsync(folder);
  ::close(folder);
  return {};
}

}  // namespace cr::crctl
