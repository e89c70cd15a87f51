// SPDX-License-Identifier: MIT
#include "http/client/connect_race.h"

#include <algorithm>
#include <boost/asio/basic_waitable_timer.hpp>
#include <cerrno>
#include <optional>
#include <utility>

namespace cr::http::client {

namespace {

using Endpoint = asio::ip::tcp::endpoint;
using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;

// This machine has nothing left to connect with; a port of IPv4, that is: without IPv6 all its addresses end so.
bool is_short(const SystemError& error, const Endpoint& endpoint) {
  return error == asio::error::no_descriptors || error.value() == ENFILE || error == asio::error::no_buffer_space ||
         error == asio::error::no_memory || (error.value() == EADDRNOTAVAIL && endpoint.address().is_v4());
}

}  // namespace

std::vector<Endpoint> interleaved(const std::vector<Endpoint>& endpoints) {
  if (endpoints.empty()) return {};
  std::vector<Endpoint> first;
  std::vector<Endpoint> second;
  const bool first_is_v6 = endpoints.front().address().is_v6();
  for (const auto& endpoint : endpoints) {
    (endpoint.address().is_v6() == first_is_v6 ? first : second).push_back(endpoint);
  }
  std::vector<Endpoint> ordered;
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) ordered.push_back(first[i]);
    if (i < second.size()) ordered.push_back(second[i]);
  }
  return ordered;
}

struct ConnectRace::State {
  State(asio::io_context& loop, std::vector<Endpoint> all, std::chrono::milliseconds wait)
      : io(loop), endpoints(std::move(all)), delay(wait), stagger(loop), end(loop, Timer::time_point::max()) {}

  static void start_next(const std::shared_ptr<State>& self);
  static void ended(const std::shared_ptr<State>& self, std::size_t attempt, const SystemError& error);
  void finish();

  asio::io_context& io;
  const std::vector<Endpoint> endpoints;
  const std::chrono::milliseconds delay;
  Timer stagger;
  Timer end;  // never by itself: finish() wakes who waits for it
  std::vector<std::unique_ptr<Socket>> attempts;
  std::size_t failed = 0;
  std::optional<Socket> winner;
  SystemError last = asio::error::operation_aborted;
  std::optional<SystemError> short_of;
  bool over = false;
};

void ConnectRace::State::start_next(const std::shared_ptr<State>& self) {
  const auto attempt = self->attempts.size();
  if (self->over || attempt == self->endpoints.size()) return;
  self->attempts.push_back(std::make_unique<Socket>(self->io));
  self->attempts.back()->async_connect(self->endpoints[attempt],
                                       [self, attempt](const SystemError& error) { ended(self, attempt, error); });
  if (self->attempts.size() == self->endpoints.size()) return;
  self->stagger.expires_after(self->delay);
  self->stagger.async_wait([self](const SystemError& error) {
    if (!error) start_next(self);
  });
}

void ConnectRace::State::ended(const std::shared_ptr<State>& self, std::size_t attempt, const SystemError& error) {
  if (self->over) return;
  if (!error) {
    self->winner = std::move(*self->attempts[attempt]);
    self->finish();
    return;
  }
  self->last = error;
  if (is_short(error, self->endpoints[attempt])) self->short_of = error;
  ++self->failed;
  if (self->failed == self->endpoints.size()) {
    self->finish();
  } else if (attempt + 1 == self->attempts.size() || self->failed == self->attempts.size()) {
    self->stagger.cancel();
    start_next(self);
  }
}

void ConnectRace::State::finish() {
  over = true;
  SystemError ignored;
  for (auto& attempt : attempts) attempt->close(ignored);
  stagger.cancel();
  end.cancel();
}

ConnectRace::ConnectRace(asio::io_context& io, const std::vector<Endpoint>& endpoints,
                         std::chrono::milliseconds attempt_delay) {
  auto ordered = interleaved(endpoints);
  if (ordered.size() > k_attempts_max) ordered.resize(k_attempts_max);
  state_ = std::make_shared<State>(io, std::move(ordered), attempt_delay);
}

ConnectRace::~ConnectRace() {
  cancel();
}

void ConnectRace::cancel() {
  if (!state_->over) state_->finish();
}

Task<base::Result<Socket>> ConnectRace::run() {
  State::start_next(state_);
  if (!state_->over && !state_->endpoints.empty()) co_await state_->end.async_wait(k_await);
  if (state_->winner) co_return std::move(*state_->winner);
  if (state_->short_of)
    co_return base::fail(base::ErrorCode::exhausted, "cannot be reached from here: " + state_->short_of->message());
  co_return base::fail(base::ErrorCode::upstream, "cannot be reached: " + state_->last.message());
}

}  // namespace cr::http::client
