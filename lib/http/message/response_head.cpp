// SPDX-License-Identifier: MIT
#include <algorithm>

#include "http/message/head.h"
#include "http/message/head_fields.h"

namespace cr::http::message {
namespace {

constexpr std::string_view k_version = "HTTP/1.";
constexpr std::size_t k_status_at = 9;  // "HTTP/1.x 200"

// The reason phrase says nothing and may be anything or missing, its blank too.
std::optional<HeadFault> check_status_line(std::string_view line, bool whole) {
  if (!k_version.starts_with(line.substr(0, k_version.size()))) return HeadFault{400, "not an HTTP/1.x answer"};
  if (!whole) return std::nullopt;
  const bool version = line.size() > k_status_at && (line[7] == '0' || line[7] == '1') && line[8] == ' ';
  if (!version) return HeadFault{400, "the status line has no known version"};
  const auto rest = line.substr(k_status_at);
  // Five classes there are (RFC 9110, 15); what is of none would pass to clients that know none either.
  const bool status = rest.size() >= 3 && rest[0] >= '1' && rest[0] <= '5' && is_digit(rest[1]) && is_digit(rest[2]);
  if (!status || (rest.size() > 3 && rest[3] != ' '))
    return HeadFault{400, "the status line has no status from 100 to 599"};
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> ResponseHead::find(std::string_view name) const {
  return find_field(fields, name);
}

struct ResponseHeadParser::Impl {
  LineCheck lines;

  std::optional<HeadFault> read(std::string_view bytes, ResponseHead& head) const;
};

std::optional<HeadFault> ResponseHeadParser::Impl::read(std::string_view bytes, ResponseHead& head) const {
  FramingFields framing;
  const auto line = split_head(bytes, head.fields, framing);
  const auto digit = [&](std::size_t at) { return line[k_status_at + at] - '0'; };
  head.status = digit(0) * 100 + digit(1) * 10 + digit(2);
  head.minor_version = line[k_status_at - 2] - '0';
  if (auto wrong = framing.check_lengths(head.minor_version)) return wrong;
  head.content_length = framing.content_length();
  head.chunked = framing.chunked();
  const bool bounded = head.chunked || head.content_length;
  const bool bodiless = !has_body(Method::get, head.status);
  head.keep_alive = framing.keep_alive(head.minor_version) && (bounded || bodiless);
  if (bodiless) {
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

}  // namespace cr::http::message
