// SPDX-License-Identifier: MIT
#include "admin/socket_access.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/text.h"

namespace cr::admin {

namespace {

constexpr std::size_t k_record_bytes = 65'536;

std::string name_of_user(uid_t uid) {
  std::vector<char> buffer(k_record_bytes);
  passwd record{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &record, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) return found->pw_name;
  return std::to_string(uid);
}

gid_t first_group_of(uid_t uid) {
  std::vector<char> buffer(k_record_bytes);
  passwd record{};
  passwd* found = nullptr;
  const bool known = ::getpwuid_r(uid, &record, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
  return known ? found->pw_gid : static_cast<gid_t>(-1);
}

struct Group {
  std::string name;
  std::vector<std::string> members;
};

Group group_of(gid_t gid) {
  std::vector<char> buffer(k_record_bytes);
  group record{};
  group* found = nullptr;
  if (::getgrgid_r(gid, &record, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return {std::to_string(gid), {}};
  Group known{found->gr_name, {}};
  for (char** member = found->gr_mem; *member != nullptr; ++member) known.members.emplace_back(*member);
  return known;
}

bool has_group(gid_t gid) {
  if (::getegid() == gid) return true;
  const int count = ::getgroups(0, nullptr);
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(count, 0)));
  const int got = ::getgroups(count, groups.data());
  return got > 0 && std::find(groups.begin(), groups.begin() + got, gid) != groups.begin() + got;
}

}  // namespace

SocketAccess look_at_access(const std::string& socket_path) {
  SocketAccess access;
  access.user = name_of_user(::geteuid());
  struct stat about {};
  mode_t wanted = S_IWGRP;  // to connect to a socket
  std::filesystem::path gate(socket_path);
  while (::stat(gate.c_str(), &about) != 0) {
    wanted = S_IXGRP;
    if (!gate.has_relative_path() || gate == gate.parent_path()) return access;
    gate = gate.parent_path();
  }
  access.owner = name_of_user(about.st_uid);
  // What is root's group's is nobody else's: nobody is told to join that.
  if ((about.st_mode & wanted) == 0 || about.st_gid == 0) return access;
  const auto group = group_of(about.st_gid);
  access.group = group.name;
  access.member = first_group_of(::geteuid()) == about.st_gid ||
                  std::find(group.members.begin(), group.members.end(), access.user) != group.members.end();
  access.in_login = has_group(about.st_gid);
  return access;
}

base::Error not_permitted(const std::string& socket_path, const SocketAccess& access) {
  const auto shown = base::escape_for_terminal(socket_path);
  const auto user = base::escape_for_terminal(access.user), group = base::escape_for_terminal(access.group);
  base::Error error{base::ErrorCode::forbidden, "not permitted to use " + shown, {}};
  if (access.group.empty()) {
    const auto owner = base::escape_for_terminal(access.owner);
    error.hint = "the admin socket is for root" +
                 (owner.empty() || owner == "root" ? " alone" : " and " + owner + ", as whom crd runs, alone") +
                 ": run crctl with sudo";
  } else if (access.in_login) {
    error.hint = user + " is in the group " + group +
                 ", which is not enough here: look at the modes with 'sudo ls -la " +
                 base::escape_for_terminal(std::filesystem::path(socket_path).parent_path().string()) + "'";
  } else if (access.member) {
    error.message += ": " + user + " is in the group " + group + ", but not in this login";
    error.hint = "log in again, or for one shell: newgrp " + group;
  } else {
    error.hint = "the admin socket is for root and the group " + group + ": sudo usermod -aG " + group + " " + user +
                 ", then log in again";
  }
  return error;
}

}  // namespace cr::admin
