// SPDX-License-Identifier: MIT
// What a request to the fake provider used, in all units that it charges by. Plain value.
#pragma once

#include <cstdint>

namespace cr::test {

struct FakeUsage {
  std::int64_t input = 0;
  std::int64_t cached = 0;
  std::int64_t output = 0;  // of all choices
  std::int64_t images = 0;
  std::int64_t characters = 0;                         // spoken, in Unicode characters
  std::int64_t search_units = 0;                       // of a rerank
  std::int64_t cache_write = 0, long_cache_write = 0;  // of the input; the second a part of the first
  std::int64_t reasoning = 0;                          // of the output
  std::int64_t searches = 0;                           // of the web; what they found is in the input
  std::int64_t requests = 0;                           // that were worked on
};

}  // namespace cr::test
