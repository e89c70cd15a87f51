// SPDX-License-Identifier: MIT
// BeastHead: Beast's parser told to stop at the blank line and to hand each field to a vector and to FramingFields. One
// object parses one head, on the stack, without allocating. Inside this folder only: no other header includes it.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <string_view>
#include <vector>

#include "http/head_fields.h"

namespace cr::http {

namespace beast = boost::beast;

inline std::string_view view_of(beast::string_view text) {
  return {text.data(), text.size()};
}

// Only what the line check let pass comes here, so what is left for Beast to refuse is mostly framing.
inline Refusal refusal_of(const beast::error_code& error) {
  using Code = beast::http::error;
  if (error == Code::bad_content_length) return {400, "Content-Length is not one decimal number"};
  if (error == Code::multiple_content_length) return {400, "Content-Length is there more than once"};
  if (error == Code::bad_transfer_encoding) return {400, "Transfer-Encoding is wrong or there more than once"};
  return {400, "the head is malformed"};
}

template <bool is_request>
class BeastHead final : public beast::http::basic_parser<is_request> {
 public:
  BeastHead(std::vector<Field>& fields, FramingFields& framing, std::size_t head_bytes_max)
      : fields_(fields), framing_(framing) {
    this->header_limit(static_cast<std::uint32_t>(head_bytes_max));
    this->body_limit(boost::none);
    this->skip(true);
  }

  beast::http::verb verb() const { return verb_; }
  std::string_view method() const { return method_; }
  std::string_view target() const { return target_; }
  int minor_version() const { return version_ % 10; }

 private:
  void on_request_impl(beast::http::verb verb, beast::string_view method, beast::string_view target, int version,
                       beast::error_code&) override {
    verb_ = verb;
    method_ = view_of(method);
    target_ = view_of(target);
    version_ = version;
  }
  void on_response_impl(int, beast::string_view, int version, beast::error_code&) override { version_ = version; }
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value,
                     beast::error_code&) override {
    framing_.take(fields_.emplace_back(Field{view_of(name), view_of(value)}));
  }
  void on_header_impl(beast::error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, beast::error_code&) override {}
  std::size_t on_body_impl(beast::string_view, beast::error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, beast::error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view, beast::error_code&) override { return 0; }
  void on_finish_impl(beast::error_code&) override {}

  std::vector<Field>& fields_;
  FramingFields& framing_;
  beast::http::verb verb_ = beast::http::verb::unknown;
  std::string_view method_;
  std::string_view target_;
  int version_ = 11;
};

}  // namespace cr::http
