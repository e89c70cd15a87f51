// SPDX-License-Identifier: MIT
// The parts of an upstream's base address. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cr::http::message {

enum class Scheme { http, https };

struct Url {
  Scheme scheme = Scheme::https;
  std::string host;  // a name, or an address without brackets
  std::uint16_t port = 443;
  std::string path;               // without a trailing slash; may be empty
  std::string authority() const;  // for Host: brackets and port where due

  // http(s)://host[:port][/path] and nothing else: `invalid` with userinfo, query, fragment or blanks.
  static base::Result<Url> parse(std::string_view text);
};

}  // namespace cr::http::message
