// SPDX-License-Identifier: MIT
#include "server/admin/farewell.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace cr::server::admin {

namespace {

constexpr std::size_t k_most = 64;
constexpr std::size_t k_bytes_max = std::size_t{9} << 20;  // a whole request at its limit
constexpr std::chrono::seconds k_time{1};

}  // namespace

Farewell::~Farewell() {
  for (const auto& leaving : leaving_) ::close(leaving.fd);
}

void Farewell::add(int fd, base::SteadyTime now) {
  ::shutdown(fd, SHUT_WR);
  if (leaving_.size() >= k_most) {
    ::close(leaving_.front().fd);
    leaving_.erase(leaving_.begin());
  }
  leaving_.push_back({fd, k_bytes_max, now + k_time});
}

void Farewell::append(std::vector<pollfd>& entries) const {
  for (const auto& leaving : leaving_) entries.push_back({leaving.fd, POLLIN, 0});
}

int Farewell::wait_ms(base::SteadyTime now) const {
  if (leaving_.empty()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(leaving_.front().until - now).count();
  return static_cast<int>(std::max<long long>(left, 0));
}

bool Farewell::is_over(Leaving& leaving, base::SteadyTime now) {
  std::array<char, 16'384> away;
  while (leaving.bytes_left > 0) {
    const auto got = ::recv(leaving.fd, away.data(), std::min(away.size(), leaving.bytes_left), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return now >= leaving.until;
    if (got <= 0) return true;
    leaving.bytes_left -= static_cast<std::size_t>(got);
  }
  return true;
}

void Farewell::read(base::SteadyTime now) {
  std::erase_if(leaving_, [now](Leaving& leaving) {
    const bool over = is_over(leaving, now);
    if (over) ::close(leaving.fd);
    return over;
  });
}

}  // namespace cr::server::admin
