// SPDX-License-Identifier: MIT
// The pieces both head parsers share: the strict line check, the split into fields, and the rules for the fields that
// decide where a message ends. Pure, no allocation; a LineCheck belongs to one connection. Inside this folder only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "http/message/head.h"

namespace cr::http::message {

struct HeadFault {
  int status = 400;
  std::string_view reason;
};

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
constexpr bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

inline constexpr std::array<bool, 256> k_token_chars = [] {
  std::array<bool, 256> table{};
  for (unsigned char c = 0; c < 128; ++c) table[c] = is_alphanumeric(static_cast<char>(c));
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

// tchar of RFC 9110, 5.6.2
constexpr bool is_token_char(char c) {
  return k_token_chars[static_cast<unsigned char>(c)];
}
bool is_token(std::string_view text);

// Host, or the authority of an absolute-form target: a name or an address, then perhaps a port. Stricter than RFC 3986:
// no userinfo, no percent signs, no sub-delims.
bool is_host_and_port(std::string_view text);

// Walks the lines of a head as they arrive, each byte once, and refuses what is no CRLF-ended line of `name: value`.
// The answer does not depend on how the bytes were cut.
class LineCheck {
 public:
  // `whole`: the line has ended. Before that it sees each longer beginning of it.
  using StartLineRule = std::optional<HeadFault> (*)(std::string_view line, bool whole);
  enum class LeadingLine { refused, one_allowed };

  LineCheck(HeadLimits limits, StartLineRule start_line_rule, LeadingLine leading_line)
      : limits_(limits), start_line_rule_(start_line_rule), leading_line_(leading_line) {}

  // As RequestHeadParser::parse: complete once the blank line is there.
  HeadResult advance(std::string_view bytes, std::size_t seen);
  const HeadLimits& limits() const { return limits_; }
  std::size_t start() const { return start_; }  // of the start line, after the leading CRLF

 private:
  HeadResult walk(std::string_view bytes);
  std::optional<HeadFault> take_line(std::string_view line);

  HeadLimits limits_;
  StartLineRule start_line_rule_;
  LeadingLine leading_line_;
  std::size_t seen_ = 0;     // bytes.size() of the last call
  std::size_t scanned_ = 0;  // up to here without a line end
  std::size_t start_ = 0;
  std::size_t line_start_ = 0;
  std::size_t lines_ = 0;  // taken: the start line and fields
};

HeadResult refused(HeadFault refusal);

std::optional<std::string_view> find_field(const std::vector<Field>& fields, std::string_view name);

// What framing and routing need of the fields, gathered one field at a time.
class FramingFields {
 public:
  void take(const Field& field);

  // Content-Length and Transfer-Encoding, each at most once, never together (RFC 9112, 6), and no twin of them.
  std::optional<HeadFault> check_lengths(int minor_version) const;
  std::optional<HeadFault> check_expect() const;  // 100-continue or nothing
  bool keep_alive(int minor_version) const;

  std::optional<std::uint64_t> content_length() const { return content_length_; }
  bool chunked() const { return transfer_encodings_ != 0; }
  bool expects() const { return expects_; }
  std::string_view host() const { return host_; }
  std::size_t hosts() const { return hosts_; }
  std::size_t authorizations() const { return authorizations_; }

 private:
  void take_connection(std::string_view list);

  std::size_t hosts_ = 0;
  std::size_t content_lengths_ = 0;
  std::size_t transfer_encodings_ = 0;
  std::size_t authorizations_ = 0;
  std::string_view host_;
  std::string_view transfer_encoding_;
  std::optional<std::uint64_t> content_length_;
  bool twin_ = false;
  bool expects_ = false;
  bool expects_other_ = false;
  bool close_ = false;
  bool keep_alive_ = false;
};

// Splits a head that LineCheck let pass whole: its fields into `fields` (cleared first, its room kept), with the blanks
// around a value trimmed (RFC 9112, 5). Gives the start line.
std::string_view split_head(std::string_view head, std::vector<Field>& fields, FramingFields& framing);

}  // namespace cr::http::message
