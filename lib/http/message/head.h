// SPDX-License-Identifier: MIT
// Heads of HTTP/1.1 messages, parsed strictly (RFC 9112, RFC 9110). Pure: bytes in, values out. Views point into the
// caller's buffer and hold as long as it does. Nothing is repaired: bare LF, bare CR, obs-fold, blanks before a colon
// and repeated framing fields are refused.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cr::http::message {

struct HeadLimits {
  std::size_t request_line_bytes_max = std::size_t{8} * 1024;
  std::size_t field_bytes_max = std::size_t{16} * 1024;  // one field line
  std::size_t head_bytes_max = std::size_t{64} * 1024;   // all of the head
  std::size_t fields_max = 100;
};

struct Field {
  std::string_view name;
  std::string_view value;  // outer blanks trimmed
};

// A name that differs from Content-Length or Transfer-Encoding in its dash alone. Programs before or behind this one
// take such a twin for the field (CGI and WSGI write both with underscores) and see another end of the message.
bool is_framing_twin(std::string_view name);

// Digits only, 1 to 19 of them, at most 2^63 - 1.
std::optional<std::uint64_t> parse_content_length(std::string_view text);

enum class Method { get, head, post, put, patch, delete_, options, trace, connect, other };

// Whether an answer of this status to a request of this method has a body, whatever its head says of a length (RFC
// 9112, 6.3). The one place that knows it, for answers that are read and for those that are written.
constexpr bool has_body(Method method, int status) {
  return method != Method::head && status / 100 != 1 && status != 204 && status != 304;
}

struct RequestHead {
  Method method = Method::get;
  std::string_view method_text;
  std::string_view target;  // as sent
  std::string_view path;    // without query; of an absolute-form target too
  std::string_view query;   // without '?'
  int minor_version = 1;    // HTTP/1.x
  std::vector<Field> fields;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;  // by version and Connection
  bool expect_continue = false;

  // First field of that name, by ASCII case-insensitive compare.
  std::optional<std::string_view> find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
};

struct ResponseHead {
  int status = 0;
  int minor_version = 1;
  std::vector<Field> fields;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
  std::optional<std::string_view> find(std::string_view name) const;
};

enum class HeadState { need_more, complete, refused };

struct HeadResult {
  HeadState state = HeadState::need_more;
  std::size_t bytes = 0;    // of the head with its blank line, when complete
  int status = 400;         // when refused: 400, 405, 414, 417, 431, 501, 505; the connection is closed after it
  std::string_view reason;  // when refused: a fixed sentence, nothing of the input in it
};

// Call with all bytes received so far, from the first byte of the message; cheap to call again when more have come
// (each byte is looked at a bounded number of times: the caller passes what it passed before as `seen`).
class RequestHeadParser {
 public:
  explicit RequestHeadParser(HeadLimits limits);
  ~RequestHeadParser();
  // A head that is refused leaves its method in `head` and its fields, or none where they could not be told apart: what
  // an answer to it needs. The rest of `head` is another request's then.
  HeadResult parse(std::string_view bytes, std::size_t seen, RequestHead& head);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Of an answer to a request that was no HEAD: crd sends none.
class ResponseHeadParser {
 public:
  explicit ResponseHeadParser(HeadLimits limits);
  ~ResponseHeadParser();
  // `refused` means the upstream sent garbage. 1xx heads are reported like others: the caller skips them.
  HeadResult parse(std::string_view bytes, std::size_t seen, ResponseHead& head);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cr::http::message
