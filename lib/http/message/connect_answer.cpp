// SPDX-License-Identifier: MIT
#include "http/message/connect_answer.h"

#include <cstring>

namespace cr::http::message {
namespace {

// A proxy's answer to CONNECT is a line and a few fields.
constexpr std::size_t k_answer_bytes_max = std::size_t{16} * 1024;
constexpr int k_interim_heads_max = 20;
constexpr HeadLimits k_answer_limits{std::size_t{4} * 1024, std::size_t{8} * 1024, k_answer_bytes_max, 100};

tl::unexpected<base::Error> failed(std::string what) {
  return base::fail(base::ErrorCode::upstream, "the proxy " + std::move(what));
}

base::Result<void> judge(int status) {
  if (status >= 200 && status < 300) return {};
  if (status == 407) return failed("demands a user name and password (407), which a channel's proxy cannot have");
  return failed("refused the tunnel with status " + std::to_string(status));
}

}  // namespace

ConnectAnswer::ConnectAnswer() : answer_(k_answer_bytes_max, '\0'), parser_(k_answer_limits) {}

std::span<char> ConnectAnswer::room() {
  return {answer_.data() + size_, answer_.size() - size_};
}

std::optional<base::Result<void>> ConnectAnswer::take(std::size_t bytes) {
  size_ += bytes;
  while (size_ > 0) {
    const auto result = parser_.parse({answer_.data(), size_}, seen_, head_);
    seen_ = size_;
    if (result.state == HeadState::refused) return failed("did not answer in HTTP");
    if (result.state == HeadState::need_more) break;
    // Whatever a 2xx says of a length is void (RFC 9110, 9.3.6); a body of a refusal is of no interest.
    const bool interim = head_.status < 200;
    if (auto judged = interim ? base::Result<void>() : judge(head_.status); !judged) return judged;
    if (!interim && size_ > result.bytes) return failed("sent more than its answer");
    if (!interim) return base::Result<void>();
    if (++interim_heads_ > k_interim_heads_max) return failed("sent too many interim answers");
    size_ -= result.bytes;
    std::memmove(answer_.data(), answer_.data() + result.bytes, size_);
    seen_ = 0;
  }
  if (size_ == answer_.size()) return failed("answered with too long a head");
  return std::nullopt;
}

}  // namespace cr::http::message
