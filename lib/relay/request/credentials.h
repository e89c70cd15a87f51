// SPDX-License-Identifier: MIT
// Credentials: what of a request's head may be an API key. Pure; any thread. No message repeats anything of a key.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "http/message/head.h"

namespace cr::relay::request {

inline constexpr std::size_t k_offers_max = 8;

// What one field offers. Looks into the head that was read.
struct Offer {
  std::string_view key;  // empty: what the field holds cannot be one
  const http::message::Field* field = nullptr;
  // What to say of it if it is no known key; empty: nothing is wrong with it to look at.
  std::string mistake() const;
  // Whether the other is a line of the same field that says something else.
  bool contradicts(const Offer& other) const;
};

// In a fixed place: each request makes one, and nearly all hold one offer.
class Offers {
 public:
  void add(const Offer& offer);
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  bool too_many() const { return size_ > k_offers_max; }
  const Offer* begin() const { return offers_.data(); }
  const Offer* end() const { return offers_.data() + size_; }
  const Offer& operator[](std::size_t i) const { return offers_[i]; }

 private:
  std::array<Offer, k_offers_max + 1> offers_;  // one more than is looked at says that there are too many
  std::size_t size_ = 0;
};

// Authorization ("Bearer KEY", the scheme in any case, one space or more: RFC 9110, 11.4), x-api-key, api-key and
// x-goog-api-key, in this order, the lines of one field behind each other. A field that is empty, or holds a scheme and
// no key, offers nothing.
Offers read_offers(const http::message::RequestHead& head);

}  // namespace cr::relay::request
