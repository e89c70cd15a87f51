// SPDX-License-Identifier: MIT
// What must be on the disk before what: this program sees its own syncs and renames, in their order.
#include "ledger/sqlite/durable_file.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "ledger/sqlite/schema.h"
#include "unit/ledger/ledger_fixture.h"

namespace {

std::vector<std::string> g_calls;

std::string name_of(int fd) {
  char path[4096];
  const auto length = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof path);
  return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : std::string();
}

}  // namespace

// In the place of the C library's.
extern "C" int fsync(int fd) {
  g_calls.push_back("sync " + name_of(fd));
  return static_cast<int>(::syscall(SYS_fsync, fd));
}
extern "C" int rename(const char* from, const char* to) noexcept {
  g_calls.push_back("rename " + std::string(from) + " " + to);
  return static_cast<int>(::syscall(SYS_rename, from, to));
}

namespace cr::ledger {
namespace {

using testing::ElementsAre;

class DurableFile : public LedgerFixture {
 protected:
  void SetUp() override { g_calls.clear(); }
  std::string folder() const { return std::filesystem::canonical(folder_).string(); }
};

TEST_F(DurableFile, gets_its_name_after_its_bytes_and_before_anything_else) {
  const auto from = folder() + "/a";
  const auto to = folder() + "/b";
  std::fclose(std::fopen(from.c_str(), "w"));
  ASSERT_TRUE(rename_durably(from, to));
  EXPECT_THAT(g_calls, ElementsAre("sync " + from, "rename " + from + " " + to, "sync " + folder()));
}

TEST_F(DurableFile, what_is_not_there_is_named) {
  const auto renamed = rename_durably(folder() + "/none", folder() + "/b");
  ASSERT_FALSE(renamed);
  EXPECT_THAT(renamed.error().message, testing::HasSubstr(folder() + "/none"));
}

TEST_F(DurableFile, copy_before_a_migration_is_one) {
  options_.path = folder() + "/crd.db";
  open();
  ledger_.reset();
  auto db = database();
  g_calls.clear();
  constexpr Migration steps[] = {{k_schema_version + 1, "CREATE TABLE extra (a)"}};
  ASSERT_TRUE(migrate(db, steps, k_schema_version + 1));
  const auto copy = options_.path + ".v" + std::to_string(k_schema_version) + ".bak";
  const auto at = std::find(g_calls.begin(), g_calls.end(), "rename " + copy + ".new " + copy);
  ASSERT_NE(at, g_calls.end());
  EXPECT_NE(std::find(g_calls.begin(), at, "sync " + copy + ".new"), at) << "its bytes first";
  ASSERT_NE(at + 1, g_calls.end());
  EXPECT_EQ(*(at + 1), "sync " + folder()) << "its name before the store is changed";
}

}  // namespace
}  // namespace cr::ledger
