// SPDX-License-Identifier: MIT
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/text.h"
#include "http/message/head.h"
#include "http/message/head_fields.h"

namespace cr::http::message {
namespace {

constexpr std::size_t k_method_bytes_max = 32;

struct TargetParts {
  std::string_view authority;  // of the absolute form, else empty
  std::string_view path;
  std::string_view query;
  bool absolute = false;
};

// Refuses, from its first bytes on, what cannot become a request: a TLS hello, binary garbage, a method without end.
std::optional<HeadFault> check_method(std::string_view line) {
  const auto beginning = line.substr(0, k_method_bytes_max + 1);
  for (std::size_t at = 0; at < beginning.size(); ++at) {
    const char c = beginning[at];
    if (c == '\r' || (c == ' ' && at != 0)) return std::nullopt;
    if (!is_token_char(c)) return HeadFault{400, at == 0 ? "not HTTP" : "the method holds a byte that is not allowed"};
  }
  if (beginning.size() > k_method_bytes_max) return HeadFault{400, "the method is too long"};
  return std::nullopt;
}

std::optional<HeadFault> check_version(std::string_view version) {
  if (version == "HTTP/1.1" || version == "HTTP/1.0") return std::nullopt;
  const bool well_formed = version.size() == 8 && version.starts_with("HTTP/") && is_digit(version[5]) &&
                           version[6] == '.' && is_digit(version[7]);
  if (well_formed) return HeadFault{505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  return HeadFault{400, "the request line does not end in an HTTP version"};
}

TargetParts split_target(std::string_view target) {
  TargetParts parts;
  auto rest = target;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!base::equals_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    rest = target.substr(scheme.size());
    parts.absolute = true;
    parts.authority = rest.substr(0, rest.find_first_of("/?"));
    rest.remove_prefix(parts.authority.size());
  }
  const std::size_t question = rest.find('?');
  parts.path = rest.substr(0, question);
  if (parts.path.empty()) parts.path = "/";
  if (question != std::string_view::npos) parts.query = rest.substr(question + 1);
  return parts;
}

// Of a target: `%` is followed by two hex digits, and no NUL is hidden. Programs send a bare `%` in a query.
bool has_bad_escape(std::string_view target) {
  const std::size_t query = std::min(target.find('?'), target.size());
  for (auto at = target.find('%'); at != std::string_view::npos; at = target.find('%', at + 1)) {
    const auto digits = target.substr(at + 1, 2);
    const bool whole = digits.size() == 2 && is_hex_digit(digits[0]) && is_hex_digit(digits[1]);
    if (digits == "00" || (!whole && at < query)) return true;
  }
  return false;
}

std::optional<HeadFault> check_target(std::string_view method, std::string_view target) {
  if (target.empty()) return HeadFault{400, "the request line has no target, or blanks too many"};
  const bool printable = std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (!printable) return HeadFault{400, "the target holds a byte that must be percent-encoded"};
  if (has_bad_escape(target)) return HeadFault{400, "the target holds an escape that is malformed, or of a NUL"};
  if (target.find('#') != std::string_view::npos) return HeadFault{400, "the target holds a fragment"};
  if (target.front() == '/' || (target == "*" && method == "OPTIONS")) return std::nullopt;
  const auto parts = split_target(target);
  if (!parts.absolute) return HeadFault{400, "the target is not a path"};
  if (!is_host_and_port(parts.authority)) return HeadFault{400, "the target's authority is not a host"};
  return std::nullopt;
}

std::optional<HeadFault> check_request_line(std::string_view line, bool whole) {
  if (!whole) return check_method(line);
  const std::size_t first_blank = line.find(' ');
  const std::size_t last_blank = line.rfind(' ');
  if (first_blank == std::string_view::npos || first_blank == 0 || first_blank == last_blank) {
    return HeadFault{400, "the request line is not method, target and version"};
  }
  if (const auto wrong = check_version(line.substr(last_blank + 1))) return wrong;
  const auto method = line.substr(0, first_blank);
  if (method == "CONNECT" || method == "TRACE") return HeadFault{405, "CONNECT and TRACE are not served"};
  return check_target(method, line.substr(first_blank + 1, last_blank - first_blank - 1));
}

Method method_of(std::string_view text) {
  static constexpr std::pair<std::string_view, Method> k_methods[] = {
      {"GET", Method::get},         {"POST", Method::post},   {"HEAD", Method::head},
      {"PUT", Method::put},         {"PATCH", Method::patch}, {"DELETE", Method::delete_},
      {"OPTIONS", Method::options}, {"TRACE", Method::trace}, {"CONNECT", Method::connect}};
  const auto* const known = std::find_if(std::begin(k_methods), std::end(k_methods),
                                         [&](const auto& method) { return method.first == text; });
  return known == std::end(k_methods) ? Method::other : known->second;
}

// Of a head that is refused: whether its answer may have a body hangs on it.
Method method_at(std::string_view bytes) {
  if (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  return method_of(bytes.substr(0, bytes.find(' ')));
}

std::optional<HeadFault> check_host(const FramingFields& framing, const TargetParts& target, int minor_version) {
  if (framing.hosts() > 1) return HeadFault{400, "Host is there more than once"};
  if (framing.hosts() == 0) {
    if (minor_version == 0) return std::nullopt;
    return HeadFault{400, "Host is missing"};
  }
  if (!is_host_and_port(framing.host())) return HeadFault{400, "Host is not a host"};
  if (target.absolute && !base::equals_ignoring_case(target.authority, framing.host())) {
    return HeadFault{400, "the target's authority is not that of Host"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> RequestHead::find(std::string_view name) const {
  return find_field(fields, name);
}

std::size_t RequestHead::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      fields.begin(), fields.end(), [&](const Field& field) { return base::equals_ignoring_case(field.name, name); }));
}

struct RequestHeadParser::Impl {
  LineCheck lines;

  std::optional<HeadFault> read(std::string_view bytes, RequestHead& head) const;
};

// Every line is known to be well formed here; now come the rules that span several fields.
std::optional<HeadFault> RequestHeadParser::Impl::read(std::string_view bytes, RequestHead& head) const {
  FramingFields framing;
  const auto line = split_head(bytes, head.fields, framing);
  const std::size_t first_blank = line.find(' ');
  const std::size_t last_blank = line.rfind(' ');
  head.method_text = line.substr(0, first_blank);
  head.method = method_of(head.method_text);
  head.target = line.substr(first_blank + 1, last_blank - first_blank - 1);
  const auto target = split_target(head.target);
  const int minor_version = line.back() - '0';
  if (auto wrong = check_host(framing, target, minor_version)) return wrong;
  if (auto wrong = framing.check_lengths(minor_version)) return wrong;
  if (framing.authorizations() > 1) return HeadFault{400, "Authorization is there more than once"};
  if (auto wrong = framing.check_expect()) return wrong;

  head.path = target.path;
  head.query = target.query;
  head.minor_version = minor_version;
  head.content_length = framing.content_length();
  head.chunked = framing.chunked();
  head.keep_alive = framing.keep_alive(minor_version);
  head.expect_continue = framing.expects() && minor_version >= 1;  // RFC 9110, 10.1.1: 1.0 clients do not mean it
  return std::nullopt;
}

RequestHeadParser::RequestHeadParser(HeadLimits limits)
    : impl_(new Impl{LineCheck(limits, check_request_line, LineCheck::LeadingLine::one_allowed)}) {}

RequestHeadParser::~RequestHeadParser() = default;

HeadResult RequestHeadParser::parse(std::string_view bytes, std::size_t seen, RequestHead& head) {
  const auto result = impl_->lines.advance(bytes, seen);
  if (result.state == HeadState::refused) {
    head.fields.clear();
    head.method = method_at(bytes);
  }
  if (result.state != HeadState::complete) return result;
  const std::size_t start = impl_->lines.start();
  if (const auto wrong = impl_->read(bytes.substr(start, result.bytes - start), head)) return refused(*wrong);
  return result;
}

}  // namespace cr::http::message
