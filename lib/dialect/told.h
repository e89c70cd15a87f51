// SPDX-License-Identifier: MIT
// Told: what a response says beside its model tokens that may change what it costs: the model and tier that answered,
// counts of calls of tools, a cost that the provider itself names. By JSON pointers (RFC 6901) into the response
// without what wraps it (`response` of a responses event, `message` of a message_start): "/service_tier",
// "/usage/speed",
// "/usage/server_tool_use/web_search_requests". Elements of the list `output` are counted by their type, as
// "/output/web_search_call". What comes later of the same pointer replaces what came before. Plain value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cr::dialect {

class Told {
 public:
  // Text of a string, boolean or other scalar; at most k_text_max bytes and k_most of them, what is more is dropped.
  void set_text(std::string_view pointer, std::string_view value);
  void set_count(std::string_view pointer, std::int64_t count);
  void add_count(std::string_view pointer, std::int64_t count);

  std::string_view text(std::string_view pointer) const;  // empty: not told
  std::int64_t count(std::string_view pointer) const;     // 0: not told
  bool has_count(std::string_view pointer) const;
  const std::vector<std::pair<std::string, std::string>>& texts() const { return texts_; }
  // Counts that no field of Usage has.
  const std::vector<std::pair<std::string, std::int64_t>>& counts() const { return counts_; }

  static constexpr std::size_t k_text_max = 256;
  static constexpr std::size_t k_most = 64;

 private:
  std::vector<std::pair<std::string, std::string>> texts_;
  std::vector<std::pair<std::string, std::int64_t>> counts_;
};

}  // namespace cr::dialect
