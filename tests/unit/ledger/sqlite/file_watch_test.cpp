// SPDX-License-Identifier: MIT
#include "ledger/sqlite/file_watch.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace cr::ledger {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class FileWatchTest : public testing::Test {
 protected:
  FileWatchTest() {
    std::string pattern = (fs::temp_directory_path() / "crd-watch-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    path_ = (folder_ / "crd.db").string();
    for (const char* part : {"", "-wal", "-shm", ".lock"}) std::ofstream(path_ + part) << "text";
  }
  ~FileWatchTest() override { fs::remove_all(folder_); }
  void replace(const std::string& name) {
    std::ofstream(name + ".other") << "other";
    fs::rename(name + ".other", name);
  }
  static std::string told(const FileWatch& watch) {
    const auto looked = watch.look();
    return looked ? "nothing" : looked.error().message;
  }
  fs::path folder_;
  std::string path_;
};

TEST_F(FileWatchTest, each_name_is_missed_and_found_again) {
  const FileWatch watch(path_);
  EXPECT_EQ(told(watch), "nothing");
  for (const std::string part : {"", "-wal", "-shm", ".lock"}) {
    const std::string name = path_ + part;
    fs::rename(name, name + ".away");
    EXPECT_EQ(told(watch), name + " is gone");
    EXPECT_EQ(watch.has_file(), !part.empty());
    replace(name);
    EXPECT_THAT(told(watch), HasSubstr(name + " is not the file any more"));
    EXPECT_EQ(watch.has_another(), part.empty());
    fs::rename(name + ".away", name);
    EXPECT_EQ(told(watch), "nothing");
  }
}

TEST_F(FileWatchTest, a_file_that_was_emptied_is_not_there) {
  const FileWatch watch(path_);
  fs::resize_file(path_ + "-wal", 0);
  EXPECT_EQ(told(watch), "nothing") << "a log is empty at times";
  fs::resize_file(path_, 0);
  EXPECT_EQ(told(watch), path_ + " was emptied");
  EXPECT_FALSE(watch.has_file());
}

TEST_F(FileWatchTest, our_log_is_set_aside_and_another_one_is_left) {
  const FileWatch watch(path_);
  replace(path_);
  ASSERT_TRUE(watch.set_log_aside());
  EXPECT_FALSE(fs::exists(path_ + "-wal"));
  EXPECT_TRUE(fs::exists(path_ + "-wal.replaced"));
  std::ofstream(path_ + "-wal") << "not ours";
  ASSERT_TRUE(watch.set_log_aside());
  EXPECT_TRUE(fs::exists(path_ + "-wal"));
}

}  // namespace
}  // namespace cr::ledger
