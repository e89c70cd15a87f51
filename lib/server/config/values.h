// SPDX-License-Identifier: MIT
// A value as the file gives it, and what it can be read as. Errors say what was expected. Pure, any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/config/config.h"

namespace cr::server::config {

struct ConfigValue {
  enum class Kind { text, whole, list, other } kind = Kind::other;
  std::string text;
  std::int64_t whole = 0;
  std::vector<std::string> list;  // of texts only
  std::size_t line = 0;
};

struct Between {
  std::int64_t low = 0, high = 0;
};

base::Result<std::int64_t> read_whole(const ConfigValue& value, Between range);
// A whole number of bytes, or "64KiB", "16MiB", "1GiB".
base::Result<std::int64_t> read_bytes(const ConfigValue& value, Between range);
base::Result<std::chrono::milliseconds> read_duration(const ConfigValue& value, Between range_ms);
base::Result<std::string> read_text(const ConfigValue& value);
base::Result<std::string> read_path(const ConfigValue& value);
base::Result<std::vector<std::string>> read_texts(const ConfigValue& value);
base::Result<ListenAddress> read_address(std::string_view text);

std::string show_bytes(std::int64_t bytes);
std::string show_text(std::string_view text);
std::string show_texts(const std::vector<std::string>& texts);

}  // namespace cr::server::config
