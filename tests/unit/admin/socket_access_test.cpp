// SPDX-License-Identifier: MIT
#include "admin/socket_access.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/temp_dir.h"

namespace cr::admin {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string k_path = "/run/crd/admin.sock";

TEST(SocketAccess, EachReasonHasItsWayOut) {
  const auto stranger = not_permitted(k_path, {"alice", "crd", "crd-admin", false, false});
  EXPECT_EQ(stranger.code, base::ErrorCode::forbidden);
  EXPECT_EQ(stranger.message, "not permitted to use /run/crd/admin.sock");
  EXPECT_THAT(stranger.hint, HasSubstr("sudo usermod -aG crd-admin alice, then log in again"));
  const auto joined = not_permitted(k_path, {"alice", "crd", "crd-admin", true, false});
  EXPECT_THAT(joined.message, HasSubstr("alice is in the group crd-admin, but not in this login"));
  EXPECT_THAT(joined.hint, HasSubstr("newgrp crd-admin"));
  EXPECT_THAT(joined.hint, Not(HasSubstr("usermod")));
  const auto inside = not_permitted(k_path, {"alice", "crd", "crd-admin", true, true});
  EXPECT_THAT(inside.hint, HasSubstr("sudo ls -la /run/crd"));
  EXPECT_THAT(inside.hint, Not(HasSubstr("usermod")));
  const auto others = not_permitted(k_path, {"alice", "bob", "", false, false});
  EXPECT_THAT(others.hint, HasSubstr("for root and bob"));
  EXPECT_THAT(others.hint, Not(HasSubstr("group")));
  EXPECT_THAT(not_permitted(k_path, {"alice", "root", "", false, false}).hint, HasSubstr("for root alone"));
}

TEST(SocketAccess, WhatStandsInTheWayIsFound) {
  test::TempDir dir;
  const auto folder = dir / "crd";
  ASSERT_EQ(::mkdir(folder.c_str(), 0750), 0);
  const auto mine = ::getegid();
  test::write_file(folder + "/admin.sock", "");
  ASSERT_EQ(::chmod((folder + "/admin.sock").c_str(), 0660), 0);
  const auto shared = look_at_access(folder + "/admin.sock");
  EXPECT_FALSE(shared.user.empty());
  EXPECT_EQ(shared.owner, shared.user);
  if (mine != 0) {
    EXPECT_TRUE(shared.in_login);
    EXPECT_TRUE(shared.member);
  } else {
    EXPECT_EQ(shared.group, "") << "nobody is told to join root's group";
    constexpr gid_t k_unnamed = 54'321;
    ASSERT_EQ(::chown((folder + "/admin.sock").c_str(), 0, k_unnamed), 0);
    const auto others = look_at_access(folder + "/admin.sock");
    EXPECT_EQ(others.group, "54321");
    EXPECT_FALSE(others.member);
    EXPECT_FALSE(others.in_login);
    ASSERT_EQ(::chown(folder.c_str(), 0, k_unnamed), 0);
    EXPECT_EQ(look_at_access(folder + "/none.sock").group, "54321")
        << "the folder's, where the socket is not to be seen";
  }
  ASSERT_EQ(::chmod((folder + "/admin.sock").c_str(), 0600), 0);
  EXPECT_EQ(look_at_access(folder + "/admin.sock").group, "") << "its owner's alone";
}

}  // namespace
}  // namespace cr::admin
