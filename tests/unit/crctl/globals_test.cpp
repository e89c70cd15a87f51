// SPDX-License-Identifier: MIT
#include "crctl/globals.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/temp_dir.h"

namespace cr::crctl {
namespace {

// As somebody whom modes hold for: root may look everywhere.
bool may_be_there_for_others(const std::string& path) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::seteuid(65'534) != 0) ::_exit(2);
    ::_exit(may_be_there(path) ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_LT(WEXITSTATUS(status), 2);
  return WEXITSTATUS(status) == 1;
}

TEST(SystemSocket, is_the_one_to_ask_where_its_folder_may_not_be_looked_into) {
  test::TempDir dir;
  ASSERT_EQ(::chmod(dir.path().c_str(), 0755), 0);
  EXPECT_FALSE(may_be_there_for_others(dir / "crd/admin.sock"));
  ASSERT_EQ(::mkdir((dir / "crd").c_str(), 0755), 0);
  EXPECT_FALSE(may_be_there_for_others(dir / "crd/admin.sock"));
  ASSERT_EQ(::chmod((dir / "crd").c_str(), 0), 0);
  EXPECT_TRUE(may_be_there_for_others(dir / "crd/admin.sock"));
  ASSERT_EQ(::chmod((dir / "crd").c_str(), 0755), 0);
  test::write_file(dir / "crd/admin.sock", "");
  EXPECT_TRUE(may_be_there_for_others(dir / "crd/admin.sock"));
}

}  // namespace
}  // namespace cr::crctl
