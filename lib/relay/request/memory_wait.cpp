// SPDX-License-Identifier: MIT
#include "relay/request/memory_wait.h"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/post.hpp>

namespace cr::relay::request {

namespace asio = http::asio;

struct MemoryWait::Signal {
  explicit Signal(asio::io_context& io) : timer(io) {}
  asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, http::Executor>
      timer;
};

http::Task<bool> MemoryWait::grow(base::MemoryCharge& charge, std::uint64_t bytes, std::chrono::milliseconds timeout) {
  auto signal = std::make_shared<Signal>(io_);
  signal->timer.expires_after(timeout);
  // The handler runs on this thread, so not before the wait below has begun.
  const auto wake = [&io = io_, weak = std::weak_ptr<Signal>(signal)] {
    asio::post(io, [weak] {
      if (const auto waiting = weak.lock()) waiting->timer.cancel();
    });
  };
  if (charge.grow_or_wait(bytes, wake)) co_return true;
  signal_ = signal;
  co_await signal->timer.async_wait(http::k_await);
  signal_.reset();
  co_return charge.stop_waiting();
}

void MemoryWait::cancel() {
  if (signal_) signal_->timer.cancel();
}

}  // namespace cr::relay::request
