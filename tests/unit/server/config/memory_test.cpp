// SPDX-License-Identifier: MIT
#include "server/config/memory.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

namespace cr::server::config {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t k_mib = 1 << 20;

// A hierarchy of cgroups and the file that says where this process is in it.
class Cgroup : public testing::Test {
 protected:
  Cgroup() {
    std::string pattern = testing::TempDir() + "crd_cgroup_XXXXXX";
    root_ = ::mkdtemp(pattern.data());
  }
  ~Cgroup() override { std::filesystem::remove_all(root_); }
  void limit(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(root_ + path);
    std::ofstream(root_ + path + "/memory.max") << text;
  }
  std::optional<std::uint64_t> read(const std::string& processes) {
    std::ofstream(root_ + "/self") << processes;
    return cgroup_memory_max(root_ + "/self", root_);
  }
  std::string root_;
};

TEST_F(Cgroup, TheLowestLimitOfThePathCounts) {
  limit("/a/b", "max\n");
  limit("/a", "1073741824\n");
  limit("/c", "4096\n");
  limit("/c/d", "8192\n");
  limit("/e", "nonsense\n");
  EXPECT_EQ(read("0::/a/b\n"), 1024 * k_mib);
  EXPECT_EQ(read("0::/a/b/unknown\n"), 1024 * k_mib);
  EXPECT_EQ(read("12:memory:/c\n0::/a\n"), 1024 * k_mib);
  EXPECT_EQ(read("0::/c/d\n"), 4096);
  EXPECT_EQ(read("0::/e\n"), std::nullopt);
  EXPECT_EQ(read("0::/\n"), std::nullopt);
  EXPECT_EQ(read("4:memory:/c\n"), std::nullopt) << "cgroup v1";
  EXPECT_EQ(read(""), std::nullopt);
  limit("", "536870912");
  EXPECT_EQ(read("0::/\n"), 512 * k_mib) << "a container sees its own cgroup as the root";
  EXPECT_EQ(read("0::/a\n"), 512 * k_mib);
}

TEST(ConfigMemory, DefaultsFitTheCgroup) {
  struct Row {
    std::optional<std::uint64_t> limit;
    std::string text;
    std::uint64_t memory, body;  // in MiB; 0 = refused
  };
  const Row table[] = {
      {std::nullopt, "", 512, 64},
      {16 * 1024 * k_mib, "", 512, 64},
      {1024 * k_mib, "", 512, 64},
      {512 * k_mib, "", 256, 64},
      {256 * k_mib, "", 128, 60},
      {64 * k_mib, "", 32, 12},
      {4 * k_mib, "", 16, 4},
      {256 * k_mib, "[limits]\nmemory = '512MiB'", 512, 64},
      {256 * k_mib, "[limits]\nbody_bytes_max = '10MiB'", 128, 10},
      {256 * k_mib, "[limits]\nbody_bytes_max = '64MiB'", 0, 0},
      {std::nullopt, "[limits]\nmemory = '128MiB'", 0, 0},
  };
  for (const auto& row : table) {
    Surroundings around{true, "", "", "", "/root"};
    around.memory_max = row.limit;
    const auto config = parse_config(row.text, "crd.toml", around);
    ASSERT_EQ(config.has_value(), row.memory != 0) << row.text;
    if (!config) {
      EXPECT_THAT(config.error().message, HasSubstr("limits.memory (128MiB) is too small for limits.body_bytes_max"));
      continue;
    }
    EXPECT_EQ(config->relay.memory, row.memory * k_mib) << row.text;
    EXPECT_EQ(config->relay.body_bytes_max, row.body * k_mib) << row.text;
  }
}

}  // namespace
}  // namespace cr::server::config
