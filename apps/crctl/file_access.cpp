// SPDX-License-Identifier: MIT
#include "crctl/file_access.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>

#include "base/text.h"
#include "crctl/output.h"

namespace cr::crctl {
namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

template <class Id>
std::optional<Id> number_of(std::string_view text) {
  Id id{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (code != std::errc() || end != text.data() + text.size() || id == static_cast<Id>(-1)) return std::nullopt;
  return id;
}

// crctl has one thread when these are called.
std::optional<uid_t> user_of(const std::string& name) {
  if (const passwd* found = ::getpwnam(name.c_str())) return found->pw_uid;  // NOLINT(concurrency-mt-unsafe)
  return number_of<uid_t>(name);
}
std::optional<gid_t> group_of(const std::string& name) {
  if (const group* found = ::getgrnam(name.c_str())) return found->gr_gid;  // NOLINT(concurrency-mt-unsafe)
  return number_of<gid_t>(name);
}

}  // namespace

Result<mode_t> parse_file_mode(std::string_view text) {
  constexpr mode_t k_permissions = 0777;
  mode_t mode = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  const bool good = code == std::errc() && end == text.data() + text.size() && mode <= k_permissions;
  if (good && text.size() >= 3 && (mode & S_IRUSR) != 0) return mode;
  return fail(ErrorCode::invalid, fmt::format("--mode '{}' is not one of a file", base::escape_for_terminal(text)),
              "write 0600, 0640 or 0440");
}

Result<Owner> parse_owner(std::string_view text) {
  const auto colon = text.find(':');
  const std::string user(text.substr(0, colon));
  const std::string group(colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1));
  Owner owner;
  if (!user.empty()) owner.user = user_of(user);
  if (!group.empty()) owner.group = group_of(group);
  const bool known = (user.empty() || owner.user) && (group.empty() || owner.group);
  if (known && (owner.user || owner.group)) return owner;
  const bool is_user = !user.empty() && !owner.user;
  if (user.empty() && group.empty())
    return fail(ErrorCode::invalid, "--owner names nobody", "write USER, USER:GROUP or :GROUP");
  return fail(ErrorCode::invalid,
              fmt::format("--owner: there is no {} '{}' here", is_user ? "user" : "group",
                          base::escape_for_terminal(is_user ? user : group)),
              "write USER, USER:GROUP or :GROUP");
}

Result<FileAccess> FileAccess::of(const std::optional<std::string>& mode, const std::optional<std::string>& owner,
                                  const struct stat* replaced) {
  FileAccess access;
  if (replaced != nullptr) access = {replaced->st_mode & 0777, {replaced->st_uid, replaced->st_gid}};
  if (mode) {
    const auto wanted = parse_file_mode(*mode);
    if (!wanted) return tl::unexpected(wanted.error());
    access.mode = *wanted;
  }
  if (owner) {
    const auto wanted = parse_owner(*owner);
    if (!wanted) return tl::unexpected(wanted.error());
    if (wanted->user) access.owner.user = wanted->user;
    if (wanted->group) access.owner.group = wanted->group;
  }
  return access;
}

Result<void> FileAccess::give(int fd, std::string_view shown) const {
  const auto refused = [&](const char* what) {
    return fail(ErrorCode::forbidden, fmt::format("cannot {} '{}': {}", what, shown, system_reason()),
                "run crctl as root, or as who owns the file");
  };
  struct stat info {};
  if (::fstat(fd, &info) != 0) return refused("look at");
  const auto user = owner.user.value_or(info.st_uid);
  const auto group = owner.group.value_or(info.st_gid);
  const bool is_theirs = user == info.st_uid && group == info.st_gid;
  if (!is_theirs && ::fchown(fd, user, group) != 0) return refused("give away");
  if (::fchmod(fd, mode) != 0) return refused("set the mode of");
  return {};
}

}  // namespace cr::crctl
