// SPDX-License-Identifier: MIT
// Credentials: what of a request's head may be an API key. Pure; any thread. No message repeats anything of a key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/message/head.h"

namespace cr::relay::request {

struct Offer {
  std::string_view key;  // empty: what the field holds cannot be one, and `mistake` says why
  std::string mistake;   // what to say of it if it is no known key; empty: nothing is wrong with it to look at
};

inline constexpr std::size_t k_offers_max = 8;

// Authorization ("Bearer KEY", the scheme in any case, one space or more: RFC 9110, 11.4), x-api-key, api-key and
// x-goog-api-key, in this order. A field that is empty, or holds a scheme and no key, offers nothing.
std::vector<Offer> read_offers(const http::message::RequestHead& head);

}  // namespace cr::relay::request
