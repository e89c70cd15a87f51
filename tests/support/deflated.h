// SPDX-License-Identifier: MIT
// Text as gzip and as zlib's deflate (RFC 1952, RFC 1950), as clients and providers send it. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace cr::test {

// Both throw std::runtime_error where zlib fails.
std::string gzip(std::string_view text);
std::string deflated(std::string_view text);

}  // namespace cr::test
