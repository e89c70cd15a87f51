// SPDX-License-Identifier: MIT
#include "crctl/file_access.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace cr::crctl {
namespace {

TEST(FileMode, IsOctalAndOfAFileThatItsOwnerCanRead) {
  EXPECT_EQ(*parse_file_mode("0640"), 0640U);
  EXPECT_EQ(*parse_file_mode("600"), 0600U);
  EXPECT_EQ(*parse_file_mode("0444"), 0444U);
  for (const char* text : {"", "6", "0800", "01777", "u+r", "-600", "0600 ", "0077", "rw-r-----"})
    EXPECT_FALSE(parse_file_mode(text)) << text;
}

TEST(FileOwner, IsAUserAGroupOrBothByNameOrNumber) {
  const auto root = parse_owner("root");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->user, 0U);
  EXPECT_FALSE(root->group);
  const auto both = parse_owner("0:root");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->user, 0U);
  EXPECT_EQ(both->group, 0U);
  EXPECT_EQ(parse_owner(":12345")->group, 12345U);
  EXPECT_FALSE(parse_owner(":12345")->user);
  EXPECT_EQ(parse_owner("root:")->user, 0U);
  for (const char* text : {"", ":", "no-such-user-here", "root:no-such-group-here", "-1", "4294967295", "0x0"})
    EXPECT_FALSE(parse_owner(text)) << text;
  EXPECT_NE(parse_owner("root:no-such-group-here").error().message.find("no group 'no-such-group-here'"),
            std::string::npos);
}

TEST(FileAccess, IsThatOfWhatIsReplacedUnlessSaidOtherwise) {
  struct stat replaced {};
  replaced.st_mode = S_IFREG | 0640;
  replaced.st_uid = 7;
  replaced.st_gid = 8;
  const auto own = FileAccess::of({}, {}, nullptr);
  EXPECT_EQ(own->mode, 0600U);
  EXPECT_FALSE(own->owner.user);
  const auto kept = FileAccess::of({}, {}, &replaced);
  EXPECT_EQ(kept->mode, 0640U);
  EXPECT_EQ(kept->owner.user, 7U);
  EXPECT_EQ(kept->owner.group, 8U);
  const auto said = FileAccess::of("0400", ":9", &replaced);
  EXPECT_EQ(said->mode, 0400U);
  EXPECT_EQ(said->owner.user, 7U);
  EXPECT_EQ(said->owner.group, 9U);
  EXPECT_FALSE(FileAccess::of("9", {}, nullptr));
  EXPECT_FALSE(FileAccess::of({}, ":", nullptr));
}

TEST(FileAccess, IsGivenToAnOpenFile) {
  std::string path = testing::TempDir() + "access.XXXXXX";
  const int fd = ::mkstemp(path.data());
  ASSERT_GE(fd, 0);
  EXPECT_TRUE(FileAccess::of("0440", {}, nullptr)->give(fd, path));
  struct stat info {};
  ASSERT_EQ(::fstat(fd, &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0440U);
  if (::geteuid() != 0) {
    EXPECT_EQ(FileAccess::of({}, "root", nullptr)->give(fd, path).error().code, base::ErrorCode::forbidden);
  }
  ::close(fd);
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace cr::crctl
