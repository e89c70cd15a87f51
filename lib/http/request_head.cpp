// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/text.h"
#include "http/beast_head.h"
#include "http/head.h"
#include "http/head_fields.h"

namespace cr::http {
namespace {

constexpr std::size_t k_method_bytes_max = 32;

struct TargetParts {
  std::string_view authority;  // of the absolute form, else empty
  std::string_view path;
  std::string_view query;
  bool absolute = false;
};

// Refuses, from its first bytes on, what cannot become a request: a TLS hello, binary garbage, a method without end.
std::optional<Refusal> check_method(std::string_view line) {
  const auto beginning = line.substr(0, k_method_bytes_max + 1);
  for (std::size_t at = 0; at < beginning.size(); ++at) {
    const char c = beginning[at];
    if (c == '\r' || (c == ' ' && at != 0)) return std::nullopt;
    if (!is_token_char(c)) return Refusal{400, at == 0 ? "not HTTP" : "the method holds a byte that is not allowed"};
  }
  if (beginning.size() > k_method_bytes_max) return Refusal{400, "the method is too long"};
  return std::nullopt;
}

std::optional<Refusal> check_version(std::string_view version) {
  if (version == "HTTP/1.1" || version == "HTTP/1.0") return std::nullopt;
  const bool well_formed = version.size() == 8 && version.starts_with("HTTP/") && is_digit(version[5]) &&
                           version[6] == '.' && is_digit(version[7]);
  if (well_formed) return Refusal{505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  return Refusal{400, "the request line does not end in an HTTP version"};
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

std::optional<Refusal> check_target(std::string_view method, std::string_view target) {
  if (target.empty()) return Refusal{400, "the request line has no target, or blanks too many"};
  const bool printable = std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (!printable) return Refusal{400, "the target holds a byte that must be percent-encoded"};
  if (target.find('#') != std::string_view::npos) return Refusal{400, "the target holds a fragment"};
  if (target.front() == '/' || (target == "*" && method == "OPTIONS")) return std::nullopt;
  const auto parts = split_target(target);
  if (!parts.absolute) return Refusal{400, "the target is not a path"};
  if (!is_host_and_port(parts.authority)) return Refusal{400, "the target's authority is not a host"};
  return std::nullopt;
}

std::optional<Refusal> check_request_line(std::string_view line, bool whole) {
  if (!whole) return check_method(line);
  const std::size_t first_blank = line.find(' ');
  const std::size_t last_blank = line.rfind(' ');
  if (first_blank == std::string_view::npos || first_blank == 0 || first_blank == last_blank) {
    return Refusal{400, "the request line is not method, target and version"};
  }
  if (const auto wrong = check_version(line.substr(last_blank + 1))) return wrong;
  const auto method = line.substr(0, first_blank);
  if (method == "CONNECT" || method == "TRACE") return Refusal{405, "CONNECT and TRACE are not served"};
  return check_target(method, line.substr(first_blank + 1, last_blank - first_blank - 1));
}

Method method_of(beast::http::verb verb) {
  using Verb = beast::http::verb;
  switch (verb) {
    case Verb::get:
      return Method::get;
    case Verb::head:
      return Method::head;
    case Verb::post:
      return Method::post;
    case Verb::put:
      return Method::put;
    case Verb::patch:
      return Method::patch;
    case Verb::delete_:
      return Method::delete_;
    case Verb::options:
      return Method::options;
    case Verb::trace:
      return Method::trace;
    case Verb::connect:
      return Method::connect;
    default:
      return Method::other;
  }
}

std::optional<Refusal> check_host(const FramingFields& framing, const TargetParts& target, int minor_version) {
  if (framing.hosts() > 1) return Refusal{400, "Host is there more than once"};
  if (framing.hosts() == 0) {
    if (minor_version == 0) return std::nullopt;
    return Refusal{400, "Host is missing"};
  }
  if (!is_host_and_port(framing.host())) return Refusal{400, "Host is not a host"};
  if (target.absolute && !base::equals_ignoring_case(target.authority, framing.host())) {
    return Refusal{400, "the target's authority is not that of Host"};
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

  std::optional<Refusal> read(std::string_view bytes, RequestHead& head) const;
};

// Every line is known to be well formed here: Beast splits them, then come the rules that span several fields.
std::optional<Refusal> RequestHeadParser::Impl::read(std::string_view bytes, RequestHead& head) const {
  head.fields.clear();
  FramingFields framing;
  BeastHead<true> parsed(head.fields, framing, lines.limits().head_bytes_max);
  beast::error_code error;
  parsed.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (error) return refusal_of(error);

  const auto target = split_target(parsed.target());
  const int minor_version = parsed.minor_version();
  if (auto wrong = check_host(framing, target, minor_version)) return wrong;
  if (auto wrong = framing.check_lengths(minor_version)) return wrong;
  if (framing.authorizations() > 1) return Refusal{400, "Authorization is there more than once"};
  if (auto wrong = framing.check_expect()) return wrong;

  head.method = method_of(parsed.verb());
  head.method_text = parsed.method();
  head.target = parsed.target();
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
  if (result.state != HeadState::complete) return result;
  const std::size_t start = impl_->lines.start();
  if (const auto wrong = impl_->read(bytes.substr(start, result.bytes - start), head)) return refused(*wrong);
  return result;
}

}  // namespace cr::http
