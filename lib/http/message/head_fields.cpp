// SPDX-License-Identifier: MIT
#include "http/message/head_fields.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/byte_search.h"
#include "base/text.h"

namespace cr::http::message {
namespace {

constexpr std::string_view k_content_length = "content-length";
constexpr std::string_view k_transfer_encoding = "transfer-encoding";

// Position of the first control byte in [from, end), or `end`.
std::size_t find_control(std::string_view bytes, std::size_t from, std::size_t end) {
  const char* const begin = bytes.data();
  return static_cast<std::size_t>(base::find_byte<base::LineControl>(begin + from, begin + end) - begin);
}

std::optional<HeadFault> check_field_line(std::string_view line) {
  if (line[0] == ' ' || line[0] == '\t') return HeadFault{400, "a header line starts with a blank"};
  std::size_t name = 0;
  while (name < line.size() && is_token_char(line[name])) ++name;
  if (name == line.size()) return HeadFault{400, "a header line has no colon"};
  if (line[name] != ':') return HeadFault{400, "a header name holds a byte that is not allowed in names"};
  if (name == 0) return HeadFault{400, "a header name is empty"};
  return std::nullopt;
}

// A list of codings we do not undo, chunked last and once, is well formed but not implemented; anything else is wrong.
bool is_list_with_chunked_last(std::string_view value) {
  const auto codings = base::split_list(value);
  if (codings.size() < 2 || !base::equals_ignoring_case(codings.back(), "chunked")) return false;
  return std::all_of(codings.begin(), codings.end() - 1, [](const std::string& coding) {
    return is_token(coding) && !base::equals_ignoring_case(coding, "chunked");
  });
}

bool is_twin_of(std::string_view field, std::string_view name) {
  const auto dash = field.find('-');
  return name.size() == field.size() && name[dash] != '-' &&
         base::equals_ignoring_case(name.substr(0, dash), field.substr(0, dash)) &&
         base::equals_ignoring_case(name.substr(dash + 1), field.substr(dash + 1));
}

std::string_view trim_blanks(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return is_token_char(c); });
}

bool is_host_and_port(std::string_view text) {
  std::size_t host = 0;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || close == 1) return false;
    const auto address = text.substr(1, close - 1);
    if (address.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return false;
    host = close + 1;
  } else {
    while (host < text.size() && (is_alphanumeric(text[host]) || text[host] == '-' || text[host] == '.' ||
                                  text[host] == '_' || text[host] == '~')) {
      ++host;
    }
    if (host == 0) return false;
  }
  const auto port = text.substr(host);
  if (port.empty()) return true;
  return port[0] == ':' && port.size() <= 6 && std::all_of(port.begin() + 1, port.end(), is_digit);
}

std::optional<std::uint64_t> parse_content_length(std::string_view text) {
  constexpr auto k_max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (text.empty() || text.size() > 19 || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);  // 19 digits always fit
  if (value > k_max) return std::nullopt;
  return value;
}

bool is_framing_twin(std::string_view name) {
  return is_twin_of(k_content_length, name) || is_twin_of(k_transfer_encoding, name);
}

HeadResult refused(HeadFault refusal) {
  return HeadResult{HeadState::refused, 0, refusal.status, refusal.reason};
}

std::optional<std::string_view> find_field(const std::vector<Field>& fields, std::string_view name) {
  for (const Field& field : fields) {
    if (base::equals_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

HeadResult LineCheck::advance(std::string_view bytes, std::size_t seen) {
  if (seen == 0 || seen != seen_ || bytes.size() < seen) {
    scanned_ = start_ = line_start_ = lines_ = 0;
  }
  seen_ = bytes.size();
  const auto inside = bytes.substr(0, limits_.head_bytes_max);
  const auto result = walk(inside);
  if (result.state == HeadState::need_more && inside.size() == limits_.head_bytes_max) {
    return refused({431, "the head is too large"});
  }
  return result;
}

HeadResult LineCheck::walk(std::string_view bytes) {
  for (;;) {
    if (lines_ == 0) {
      if (const auto wrong = start_line_rule_(bytes.substr(line_start_), false)) return refused(*wrong);
    }
    const std::size_t line_max = lines_ == 0 ? limits_.request_line_bytes_max : limits_.field_bytes_max;
    const std::size_t end = std::min(bytes.size(), line_start_ + line_max + 1);
    const std::size_t at = find_control(bytes, std::max(scanned_, line_start_), end);
    scanned_ = at;
    if (at == end) {
      if (end - line_start_ <= line_max) return {};
      return refused(lines_ == 0 ? HeadFault{414, "the request line is too long"}
                                 : HeadFault{431, "a header line is too long"});
    }
    if (bytes[at] == '\n') return refused({400, "a line ends in a bare LF"});
    if (bytes[at] != '\r') return refused({400, "the head holds a control byte"});
    if (at + 1 == bytes.size()) return {};
    if (bytes[at + 1] != '\n') return refused({400, "the head holds a bare CR"});

    const auto line = bytes.substr(line_start_, at - line_start_);
    const bool leading = line_start_ == 0 && line.empty() && leading_line_ == LeadingLine::one_allowed;
    line_start_ = scanned_ = at + 2;
    if (leading) {
      start_ = line_start_;
      continue;
    }
    if (lines_ != 0 && line.empty()) return HeadResult{HeadState::complete, line_start_, 0, {}};
    if (const auto wrong = take_line(line)) return refused(*wrong);
  }
}

std::optional<HeadFault> LineCheck::take_line(std::string_view line) {
  const std::size_t number = lines_++;
  if (number == 0) return start_line_rule_(line, true);
  if (number > limits_.fields_max) return HeadFault{431, "the head has too many header lines"};
  return check_field_line(line);
}

void FramingFields::take(const Field& field) {
  const auto is = [&](std::string_view name) { return base::equals_ignoring_case(field.name, name); };
  switch (field.name.size()) {
    case 4:
      if (is("host") && ++hosts_ == 1) host_ = field.value;
      break;
    case 6:
      if (is("expect")) {
        (expects_ || !base::equals_ignoring_case(field.value, "100-continue") ? expects_other_ : expects_) = true;
      }
      break;
    case 10:
      if (is("connection")) take_connection(field.value);
      break;
    case 13:
      if (is("authorization")) ++authorizations_;
      break;
    case 14:
      if (is(k_content_length) && ++content_lengths_ == 1) content_length_ = parse_content_length(field.value);
      twin_ = twin_ || is_framing_twin(field.name);
      break;
    case 17:
      if (is(k_transfer_encoding) && ++transfer_encodings_ == 1) transfer_encoding_ = field.value;
      twin_ = twin_ || is_framing_twin(field.name);
      break;
    default:
      break;
  }
}

void FramingFields::take_connection(std::string_view list) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const auto member = trim_blanks(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    if (base::equals_ignoring_case(member, "close")) close_ = true;
    if (base::equals_ignoring_case(member, "keep-alive")) keep_alive_ = true;
  }
}

std::optional<HeadFault> FramingFields::check_lengths(int minor_version) const {
  if (twin_) return HeadFault{400, "a header name looks like Content-Length or Transfer-Encoding"};
  if (content_lengths_ != 0 && transfer_encodings_ != 0) {
    return HeadFault{400, "Content-Length and Transfer-Encoding exclude each other"};
  }
  if (content_lengths_ > 1) return HeadFault{400, "Content-Length is there more than once"};
  if (content_lengths_ == 1 && !content_length_) return HeadFault{400, "Content-Length is not one decimal number"};
  if (transfer_encodings_ == 0) return std::nullopt;
  if (minor_version == 0) return HeadFault{400, "Transfer-Encoding is not part of HTTP/1.0"};
  if (transfer_encodings_ > 1) return HeadFault{400, "Transfer-Encoding is there more than once"};
  if (base::equals_ignoring_case(transfer_encoding_, "chunked")) return std::nullopt;
  if (is_list_with_chunked_last(transfer_encoding_))
    return HeadFault{501, "only the chunked transfer coding is supported"};
  return HeadFault{400, "Transfer-Encoding is not chunked"};
}

std::optional<HeadFault> FramingFields::check_expect() const {
  if (!expects_other_) return std::nullopt;
  return HeadFault{417, "the only supported expectation is 100-continue"};
}

bool FramingFields::keep_alive(int minor_version) const {
  return !close_ && (minor_version >= 1 || keep_alive_);
}

std::string_view split_head(std::string_view head, std::vector<Field>& fields, FramingFields& framing) {
  fields.clear();
  const auto take_line = [&head] {
    const auto line = head.substr(0, head.find('\r'));
    head.remove_prefix(line.size() + 2);
    return line;
  };
  const auto start_line = take_line();
  for (auto line = take_line(); !line.empty(); line = take_line()) {
    const std::size_t colon = line.find(':');
    framing.take(fields.emplace_back(Field{line.substr(0, colon), trim_blanks(line.substr(colon + 1))}));
  }
  return start_line;
}

}  // namespace cr::http::message
