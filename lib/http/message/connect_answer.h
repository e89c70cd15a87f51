// SPDX-License-Identifier: MIT
// ConnectAnswer: what a proxy answers to CONNECT (RFC 9110, 9.3.6), as it comes. In bounded memory; pure but for its
// own state, one thread.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "http/message/head.h"

namespace cr::http::message {

class ConnectAnswer {
 public:
  ConnectAnswer();

  // Where the next bytes go, at least one.
  std::span<char> room();
  // So many have come there. A value: the tunnel stands, or why it does not (`upstream`, what the proxy did); nothing
  // more is taken then. None: more of the answer is to come.
  std::optional<base::Result<void>> take(std::size_t bytes);

 private:
  std::string answer_;
  ResponseHeadParser parser_;
  ResponseHead head_;
  std::size_t size_ = 0, seen_ = 0;
  int interim_heads_ = 0;
};

}  // namespace cr::http::message
