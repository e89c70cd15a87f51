// SPDX-License-Identifier: MIT
// ConnectRace: connects to the first of several addresses that answers (RFC 8305, happy eyeballs): the next is tried
// after a quarter of a second, or when the one before has failed; the losers are closed. One worker's thread; lives
// as long as the coroutine that runs it. The deadline is the caller's, who cancels.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "base/result.h"
#include "http/net/net.h"

namespace cr::http::client {

// By turns of family, the first of the list's first (RFC 8305, section 4); the order within a family is kept.
std::vector<asio::ip::tcp::endpoint> interleaved(const std::vector<asio::ip::tcp::endpoint>& endpoints);

class ConnectRace {
 public:
  static constexpr std::chrono::milliseconds k_attempt_delay{250};
  static constexpr std::size_t k_attempts_max = 16;  // addresses tried; further ones are left out

  ConnectRace(asio::io_context& io, const std::vector<asio::ip::tcp::endpoint>& endpoints,
              std::chrono::milliseconds attempt_delay = k_attempt_delay);
  ~ConnectRace();
  ConnectRace(const ConnectRace&) = delete;
  ConnectRace& operator=(const ConnectRace&) = delete;

  // Once. `upstream` with the last attempt's error if none connects or cancel() came first; `exhausted` where this
  // machine had no descriptor or port for one of them, which says nothing of the peer. The message goes on from "the
  // upstream": "cannot be reached: ...".
  Task<base::Result<Socket>> run();
  void cancel();

 private:
  struct State;
  std::shared_ptr<State> state_;  // an attempt's handler may come after the race is over
};

}  // namespace cr::http::client
