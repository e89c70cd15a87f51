// SPDX-License-Identifier: MIT
#include "relay/request/response_framing.h"

#include <charconv>

namespace cr::relay::request {

namespace asio = http::asio;

namespace {

constexpr std::size_t k_head_bytes = 512;  // of the usual head
constexpr std::string_view k_line_end = "\r\n";
constexpr std::string_view k_last_chunk = "0\r\n\r\n";
constexpr std::string_view k_comment = ":\n\n";
constexpr std::string_view k_comment_chunk = "3\r\n:\n\n\r\n";

// "1f\r\n" in `place`.
std::string_view chunk_size_line(std::array<char, 20>& place, std::size_t size) {
  auto* end = std::to_chars(place.data(), place.data() + 16, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return {place.data(), static_cast<std::size_t>(end - place.data())};
}

}  // namespace

void ResponseFraming::begin(const AnswerHead& head, base::SteadyTime now) {
  begun_ = true;
  chunked_ = head.chunked;
  head_.reserve(k_head_bytes);
  append_head(head_, head);
  last_write_ = now;
}

// An empty chunk would be the last one (RFC 9112, 7.1): without data there is none.
http::Gather ResponseFraming::compose(std::string_view data, Part part) {
  const bool framed = chunked_ && !data.empty();
  const auto size = framed ? chunk_size_line(size_line_, data.size()) : std::string_view();
  const auto end = framed ? k_line_end : std::string_view();
  const auto terminator = chunked_ && part == Part::last ? k_last_chunk : std::string_view();
  const std::array<asio::const_buffer, 5> buffers{asio::buffer(head_), asio::buffer(size), asio::buffer(data),
                                                  asio::buffer(end), asio::buffer(terminator)};
  writing_ = true;
  return http::Gather(buffers);
}

void ResponseFraming::wrote() {
  writing_ = false;
  head_.clear();
}

bool ResponseFraming::is_comment_due(base::SteadyTime now) const {
  return is_idle() && now - last_write_ >= comment_interval_;
}

std::string_view ResponseFraming::comment() const {
  return chunked_ ? k_comment_chunk : k_comment;
}

bool ResponseFraming::probe_half_closed() {
  if (!is_idle() || half_closed_) return false;
  half_closed_ = true;
  return true;
}

}  // namespace cr::relay::request
