// SPDX-License-Identifier: MIT
// Topics of `crctl help`: what concerns many verbs, laid out for a width. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cr::crctl {

struct Entry {
  std::string left, right;
};
// "  left   right", the right part broken at blanks and kept in its column. `width` in columns.
std::string columns_of(const std::vector<Entry>& entries, std::size_t width);
// Broken at blanks.
std::string paragraph_of(std::string_view text, std::size_t width);

std::vector<std::string> written_topics();
std::optional<std::string> written_topic(std::string_view topic, std::size_t width);

}  // namespace cr::crctl
