// SPDX-License-Identifier: MIT
// Connection, what is different under TLS.
#include "http/server/connection.h"

namespace cr::http::server {

namespace {

bool must_wait(tls::TlsStep step) {
  return step == tls::TlsStep::want_read || step == tls::TlsStep::want_write;
}

}  // namespace

Task<ReadOutcome> Connection::wait_for(tls::TlsStep step) {
  if (cut_) co_return ReadOutcome::closed;
  const auto awaited = step == tls::TlsStep::want_read ? Socket::wait_read : Socket::wait_write;
  auto [error] = co_await socket_.async_wait(awaited, k_await);
  co_return outcome_of(error);
}

Task<ReadOutcome> Connection::shake_hands() {
  timed_out_ = false;
  watch_.expire_after(limits_->head_timeout);
  auto step = tls_->shake_hands();
  auto outcome = ReadOutcome::ok;
  while (must_wait(step)) {
    outcome = co_await wait_for(step);
    if (outcome != ReadOutcome::ok) break;
    step = tls_->shake_hands();
  }
  watch_.disarm();
  if (step == tls::TlsStep::not_tls) co_return ReadOutcome::wrong_protocol;
  co_return step == tls::TlsStep::closed ? ReadOutcome::closed : outcome;
}

// Asks TLS before the socket: what it has read ahead does not make the socket readable.
Task<ReadOutcome> Connection::read_tls(char* place, std::size_t size, std::size_t& got) {
  for (;;) {
    if (cut_) co_return ReadOutcome::closed;
    const auto step = tls_->read(place, size, got);
    if (step == tls::TlsStep::done) co_return ReadOutcome::ok;
    if (!must_wait(step)) co_return ReadOutcome::closed;
    const auto outcome = co_await wait_for(step);
    if (outcome != ReadOutcome::ok) co_return outcome;
  }
}

std::optional<bool> Connection::try_write_tls(Gather& pieces) {
  tls_wants_ = tls_->write(pieces);
  if (must_wait(tls_wants_)) return std::nullopt;
  return tls_wants_ == tls::TlsStep::done;
}

// False: the socket stayed full.
Task<bool> Connection::say_goodbye() {
  tls_wants_ = tls_->end();
  while (must_wait(tls_wants_)) {
    const bool writable = co_await wait_writable();
    if (!writable) co_return false;
    tls_wants_ = tls_->end();
  }
  co_return true;
}

}  // namespace cr::http::server
