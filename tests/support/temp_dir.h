// SPDX-License-Identifier: MIT
// TempDir: a directory of its own, 0700, removed with all that is in it. Its path is short enough for a unix socket.
#pragma once

#include <filesystem>
#include <string>

namespace cr::test {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::string operator/(std::string_view name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

void write_file(const std::string& path, std::string_view text);
std::string read_file(const std::string& path);  // throws std::runtime_error

}  // namespace cr::test
