// SPDX-License-Identifier: MIT
// The small grammars of a form: the Content-Type that names its boundary, and the heads of its parts.
#include <algorithm>

#include "base/text.h"
#include "dialect/openai/multipart.h"

namespace cr::dialect::openai {
namespace {

using base::equals_ignoring_case;

constexpr std::size_t k_boundary_bytes_max = 70;

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_token_char(char c) {
  return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// bchars of RFC 2046, 5.1.1
bool is_boundary_char(char c) {
  return is_alphanumeric(c) || std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
}

bool is_boundary(std::string_view text) {
  return !text.empty() && text.size() <= k_boundary_bytes_max && text.back() != ' ' &&
         std::all_of(text.begin(), text.end(), is_boundary_char);
}

std::string_view take_token(std::string_view& rest) {
  const auto end = std::find_if_not(rest.begin(), rest.end(), is_token_char);
  const auto token = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  rest.remove_prefix(token.size());
  return token;
}

void skip_blanks(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of(" \t")));
}

// `; name=value` of a header value. A quoted value runs to the next quote: clients do not agree whether a backslash
// before it escapes it, so that such a value is refused.
bool take_parameter(std::string_view& rest, std::string_view& name, std::string_view& value) {
  if (!rest.starts_with(';')) return false;
  rest.remove_prefix(1);
  skip_blanks(rest);
  name = take_token(rest);
  if (name.empty() || !rest.starts_with('=')) return false;
  rest.remove_prefix(1);
  if (!rest.starts_with('"')) {
    value = take_token(rest);
    if (value.empty()) return false;
  } else {
    const auto end = rest.find('"', 1);
    if (end == std::string_view::npos || rest[end - 1] == '\\') return false;
    value = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
  }
  skip_blanks(rest);
  return true;
}

bool starts_ignoring_case(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && equals_ignoring_case(text.substr(0, lower.size()), lower);
}

// form-data; name="model"; filename="..." (RFC 7578, 4.2). RFC 5987's `name*` could name the part a second time.
bool read_disposition(std::string_view value, PartHead& part) {
  if (!equals_ignoring_case(take_token(value), "form-data")) return false;
  skip_blanks(value);
  bool named = false;
  std::string_view parameter, text;
  while (!value.empty()) {
    if (!take_parameter(value, parameter, text)) return false;
    if (starts_ignoring_case(parameter, "name*")) return false;
    if (equals_ignoring_case(parameter, "name")) {
      // Escaped in one way or another, for the next reader to undo.
      if (named || text.find_first_of("\\%") != std::string_view::npos) return false;
      named = true;
      part.name = text;
    } else if (equals_ignoring_case(parameter, "filename")) {
      if (part.has_file_name) return false;
      part.has_file_name = true;
    } else if (starts_ignoring_case(parameter, "filename*")) {
      part.has_file_name = true;
    }
  }
  return named;
}

// `ascii`: of a charset that agrees with UTF-8 as far as ASCII goes. It is the default of Java's most used client.
bool is_plain_type(std::string_view value, bool& ascii) {
  const auto kind = take_token(value);
  if (!equals_ignoring_case(kind, "text") || !value.starts_with('/')) return false;
  value.remove_prefix(1);
  if (!equals_ignoring_case(take_token(value), "plain")) return false;
  skip_blanks(value);
  std::string_view name, charset;
  while (!value.empty()) {
    if (!take_parameter(value, name, charset) || !equals_ignoring_case(name, "charset")) return false;
    if (equals_ignoring_case(charset, "iso-8859-1")) {
      ascii = true;
    } else if (!equals_ignoring_case(charset, "utf-8") && !equals_ignoring_case(charset, "us-ascii")) {
      return false;
    }
  }
  return true;
}

bool is_plain_coding(std::string_view value) {
  return equals_ignoring_case(value, "7bit") || equals_ignoring_case(value, "8bit") ||
         equals_ignoring_case(value, "binary");
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; });
}

bool read_field(std::string_view line, PartHead& part, bool& disposed) {
  const auto name = take_token(line);
  if (name.empty() || !line.starts_with(':')) return false;
  line.remove_prefix(1);
  skip_blanks(line);
  while (line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
  if (equals_ignoring_case(name, "content-disposition")) {
    if (disposed) return false;
    disposed = true;
    return read_disposition(line, part);
  }
  if (equals_ignoring_case(name, "content-type")) part.plain = part.plain && is_plain_type(line, part.ascii);
  if (equals_ignoring_case(name, "content-transfer-encoding")) part.plain = part.plain && is_plain_coding(line);
  return true;
}

tl::unexpected<Refusal> refuse(RefusalCode code, std::string message) {
  return tl::unexpected<Refusal>(Refusal{code, std::move(message), {}, {}});
}

}  // namespace

bool read_part_head(std::string_view lines, PartHead& part, std::string_view& reason) {
  part = {};
  bool disposed = false;
  while (!lines.empty()) {
    const auto end = lines.find("\r\n");
    if (end == std::string_view::npos || has_control(lines.substr(0, end)) ||
        !read_field(lines.substr(0, end), part, disposed)) {
      reason = "the head of a part of the form is malformed";
      return false;
    }
    lines.remove_prefix(end + 2);
  }
  if (disposed) return true;
  reason = "a part of the form has no Content-Disposition";
  return false;
}

RefusalOr<std::string> multipart_boundary(std::string_view content_type) {
  constexpr std::string_view k_type = "multipart/form-data";
  const bool ours = starts_ignoring_case(content_type, k_type) &&
                    (content_type.size() == k_type.size() || !is_token_char(content_type[k_type.size()]));
  if (!ours) {
    return refuse(RefusalCode::unsupported_media_type,
                  "this endpoint reads a form: send Content-Type: multipart/form-data with its boundary");
  }
  auto rest = content_type.substr(k_type.size());
  skip_blanks(rest);
  std::optional<std::string_view> boundary;
  std::string_view name, value;
  while (!rest.empty()) {
    const bool good = take_parameter(rest, name, value);
    const bool again = equals_ignoring_case(name, "boundary") && boundary;
    if (!good || again) return refuse(RefusalCode::invalid_multipart, "the Content-Type of the form is malformed");
    if (equals_ignoring_case(name, "boundary")) boundary = value;
  }
  if (boundary && is_boundary(*boundary)) return std::string(*boundary);
  return refuse(RefusalCode::invalid_multipart,
                "the Content-Type of the form needs a boundary of 1 to 70 characters (RFC 2046, 5.1.1)");
}

std::string multipart_content_type(std::string_view boundary) {
  const bool is_token = std::all_of(boundary.begin(), boundary.end(), is_token_char);
  const std::string_view quote = is_token ? "" : "\"";
  return std::string("multipart/form-data; boundary=").append(quote).append(boundary).append(quote);
}

}  // namespace cr::dialect::openai
