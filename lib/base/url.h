// SPDX-License-Identifier: MIT
// Url: the parts of an absolute http or https URL. The only parser of them: what a setting is accepted by is what a
// request is sent by. Plain value, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cr::base {

enum class Scheme { http, https };

struct Url {
  Scheme scheme = Scheme::https;
  std::string host;  // a name, or an address without brackets
  std::uint16_t port = 443;
  std::string path;               // without a trailing slash; may be empty
  std::string authority() const;  // for Host: brackets and port where due

  // http(s)://host[:port][/path] and nothing else: `invalid` with userinfo, query, fragment, backslash, blanks and
  // bytes that are not ASCII. The message says what is wrong without repeating the text, which may hold a password.
  static Result<Url> parse(std::string_view text);
};

// Whether something stands before an '@' in the authority: it may be a password.
bool has_userinfo(std::string_view url);
// As much of a URL as an error may show, escaped for a terminal: nothing before an '@', nothing from a query on.
std::string shown_url(std::string_view url);

}  // namespace cr::base
