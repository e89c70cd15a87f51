// SPDX-License-Identifier: MIT
// Resolver: names to addresses, off the worker (Asio's resolver thread), remembered for half a minute. One a worker.
#pragma once

#include <chrono>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "http/net.h"

namespace cr::http {

enum class PrivateAddresses { refuse, allow };

class Resolver {
 public:
  explicit Resolver(asio::io_context& io) : resolver_(io) {}
  // Addresses in the system's order. `upstream` if the name has none, `forbidden` if all are loopback, private,
  // link-local or metadata addresses and `privates` refuses them, `timeout` at the deadline.
  Task<base::Result<std::vector<asio::ip::tcp::endpoint>>> resolve(const std::string& host, std::uint16_t port,
                                                                   PrivateAddresses privates,
                                                                   std::chrono::milliseconds timeout);

 private:
  struct Remembered {
    std::vector<asio::ip::tcp::endpoint> endpoints;
    base::SteadyTime until;
  };
  using BasicResolver = asio::ip::basic_resolver<asio::ip::tcp, Executor>;
  Task<base::Result<std::vector<asio::ip::tcp::endpoint>>> look_up(const std::string& host, std::uint16_t port,
                                                                   std::chrono::milliseconds timeout);
  BasicResolver resolver_;
  std::unordered_map<std::string, Remembered> remembered_;
};

}  // namespace cr::http
