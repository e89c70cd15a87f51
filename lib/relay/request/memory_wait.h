// SPDX-License-Identifier: MIT
// MemoryWait: a coroutine's wait for a charge to grow. One wait at a time; worker thread.
#pragma once

#include <chrono>
#include <memory>

#include "base/memory_budget.h"
#include "http/net/net.h"

namespace cr::relay::request {

class MemoryWait {
 public:
  explicit MemoryWait(http::asio::io_context& io) : io_(io) {}

  // Until the charge has `bytes`, `timeout` has passed or cancel() is called. False: it has not grown.
  http::Task<bool> grow(base::MemoryCharge& charge, std::uint64_t bytes, std::chrono::milliseconds timeout);
  void cancel();  // from another coroutine; nothing if there is no wait

 private:
  struct Signal;  // shared with the handler that another thread posts
  http::asio::io_context& io_;
  std::shared_ptr<Signal> signal_;
};

}  // namespace cr::relay::request
