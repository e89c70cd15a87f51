// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include "http/beast_head.h"
#include "http/head.h"
#include "http/head_fields.h"

namespace cr::http {
namespace {

constexpr std::string_view k_version = "HTTP/1.";
constexpr std::size_t k_status_at = 9;  // "HTTP/1.x 200"

// The reason phrase says nothing and may be anything or missing, its blank too.
std::optional<Refusal> check_status_line(std::string_view line, bool whole) {
  if (!k_version.starts_with(line.substr(0, k_version.size()))) return Refusal{400, "not an HTTP/1.x answer"};
  if (!whole) return std::nullopt;
  const bool version = line.size() > k_status_at && (line[7] == '0' || line[7] == '1') && line[8] == ' ';
  if (!version) return Refusal{400, "the status line has no known version"};
  const auto rest = line.substr(k_status_at);
  const bool status = rest.size() >= 3 && rest[0] != '0' && is_digit(rest[0]) && is_digit(rest[1]) && is_digit(rest[2]);
  if (!status || (rest.size() > 3 && rest[3] != ' ')) return Refusal{400, "the status line has no three-digit status"};
  return std::nullopt;
}

bool has_no_body(int status) {
  return status / 100 == 1 || status == 204 || status == 304;
}

}  // namespace

std::optional<std::string_view> ResponseHead::find(std::string_view name) const {
  return find_field(fields, name);
}

struct ResponseHeadParser::Impl {
  LineCheck lines;

  std::optional<Refusal> read(std::string_view bytes, ResponseHead& head) const;
};

std::optional<Refusal> ResponseHeadParser::Impl::read(std::string_view bytes, ResponseHead& head) const {
  head.fields.clear();
  FramingFields framing;
  BeastHead<false> parsed(head.fields, framing, lines.limits().head_bytes_max);
  // Beast wants the blank after the status even without a reason phrase, so it gets a status line that has one.
  const std::size_t line_end = bytes.find('\r');
  std::string_view line = bytes.substr(0, line_end + 2);
  std::string_view rest = bytes.substr(line_end + 2);
  std::array<char, 15> padded{};
  if (line_end == k_status_at + 3) {
    std::copy_n(line.begin(), line_end, padded.begin());
    std::copy_n(" \r\n", 3, padded.begin() + line_end);
    line = {padded.data(), padded.size()};
  }
  beast::error_code error;
  parsed.put(boost::asio::const_buffer(line.data(), line.size()), error);
  if (error == beast::http::error::need_more) {
    parsed.put(boost::asio::const_buffer(rest.data(), rest.size()), error);
  }
  if (error) return refusal_of(error);

  head.status = (bytes[9] - '0') * 100 + (bytes[10] - '0') * 10 + (bytes[11] - '0');
  head.minor_version = parsed.minor_version();
  if (auto wrong = framing.check_lengths(head.minor_version)) return wrong;
  head.content_length = framing.content_length();
  head.chunked = framing.chunked();
  const bool bounded = head.chunked || head.content_length;
  head.keep_alive = framing.keep_alive(head.minor_version) && (bounded || has_no_body(head.status));
  if (has_no_body(head.status)) {
    // A 204 that announces a body may well send it: what follows on that connection is not to be trusted.
    if (head.status != 304 && (head.chunked || head.content_length.value_or(0) != 0)) head.keep_alive = false;
    head.content_length = 0;
    head.chunked = false;
  }
  return std::nullopt;
}

ResponseHeadParser::ResponseHeadParser(HeadLimits limits)
    : impl_(new Impl{LineCheck(limits, check_status_line, LineCheck::LeadingLine::refused)}) {}

ResponseHeadParser::~ResponseHeadParser() = default;

HeadResult ResponseHeadParser::parse(std::string_view bytes, std::size_t seen, ResponseHead& head) {
  const auto result = impl_->lines.advance(bytes, seen);
  if (result.state != HeadState::complete) return result;
  if (const auto wrong = impl_->read(bytes.substr(0, result.bytes), head)) return refused(*wrong);
  return result;
}

}  // namespace cr::http
