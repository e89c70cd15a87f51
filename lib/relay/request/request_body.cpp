// SPDX-License-Identifier: MIT
// Exchange, reading a body: counted in the memory budget as it comes, and decompressed if it came compressed.
#include <algorithm>

#include "base/text.h"
#include "http/coding/content_coding.h"
#include "relay/request/exchange.h"

namespace cr::relay::request {

using dialect::Refusal;
using dialect::RefusalCode;
using http::coding::DecodeState;

namespace {

constexpr std::chrono::seconds k_overload_retry{1};

Refusal too_large(std::uint64_t bytes_max) {
  return {RefusalCode::body_too_large,
          "the request body is larger than " + std::to_string(bytes_max) + " bytes ('body_bytes_max')",
          {},
          {}};
}

Refusal bad_coding(std::string_view what) {
  return {RefusalCode::invalid_encoding,
          "the request body " + std::string(what) + ": send it again, or without Content-Encoding",
          {},
          {}};
}

}  // namespace

std::string content_encoding(const std::vector<http::message::Field>& fields) {
  std::string value;
  for (const auto& field : fields) {
    if (base::equals_ignoring_case(field.name, "content-encoding")) value.append(",").append(field.value);
  }
  return value;
}

dialect::RefusalOr<std::unique_ptr<CodedBody>> read_coding(const http::message::RequestHead& head) {
  if (!head.find("content-encoding")) return nullptr;
  const auto coding = http::coding::parse_content_coding(content_encoding(head.fields));
  if (!coding) {
    return tl::unexpected(Refusal{RefusalCode::unsupported_encoding,
                                  "the request body's Content-Encoding is not read here: send one of " +
                                      std::string(http::coding::k_accepted_codings) + ", or none",
                                  {},
                                  {}});
  }
  if (*coding == http::coding::ContentCoding::identity) return nullptr;
  return std::make_unique<CodedBody>(*coding);
}

Refusal Exchange::crowded_out() const {
  return {RefusalCode::overloaded,
          "too many large requests and answers at once, of token '" + token().name +
              "' or of all ('limits.memory'): send it again",
          {},
          k_overload_retry};
}

http::Task<Exchange::MaybeRefusal> Exchange::read_body() {
  if (head_.content_length.value_or(0) > settings_->body_bytes_max) co_return too_large(settings_->body_bytes_max);
  if (!co_await client_.say_continue()) client_gone_ = true;
  if (!coded_) {
    const auto outcome = co_await client_.read_body(settings_->body_bytes_max, &*body_memory_);
    co_return refusal_of_body(outcome);
  }
  MaybeRefusal refusal;
  do {
    std::string_view piece;
    const auto outcome = co_await client_.read_piece(piece);
    refusal = refusal_of_body(outcome);
    if (!refusal) refusal = decode_piece(piece);
  } while (!refusal && !client_.body_ended());
  if (!refusal && !coded_->decoder->is_whole()) refusal = bad_coding("ends before its Content-Encoding does");
  coded_.reset();
  if (!refusal) body_memory_->shrink_to(client_.body().size());
  co_return refusal;
}

// One piece of a body as it came, and as much as it comes to.
Exchange::MaybeRefusal Exchange::decode_piece(std::string_view piece) {
  auto& body = *coded_;
  body.received += piece.size();
  for (auto state = DecodeState::wants_room; state == DecodeState::wants_room;) {
    std::size_t size = 0;
    state = body.decoder->decode(piece, body.room.data(), body.room.size(), size);
    if (state == DecodeState::garbage) return bad_coding("is not of its Content-Encoding");
    body.decoded += size;
    if (body.decoded > settings_->body_bytes_max) return too_large(settings_->body_bytes_max);
    if (http::coding::is_bomb(body.received, body.decoded)) {
      return Refusal{RefusalCode::body_too_large,
                     "the request body decompresses to more than a hundred times its size: send it uncompressed",
                     {},
                     {}};
    }
    if (auto refusal = keep({body.room.data(), size}, body.held_bytes())) return refusal;
  }
  return std::nullopt;
}

// More of a body that is held, of which then `held` bytes are.
Exchange::MaybeRefusal Exchange::keep(std::string_view bytes, std::uint64_t held) {
  if (!body_memory_->grow_to(held)) return crowded_out();
  client_.hold(bytes);
  return upload_ ? push_form(bytes) : std::nullopt;
}

Exchange::MaybeRefusal Exchange::refusal_of_body(http::server::ReadOutcome outcome) {
  switch (outcome) {
    case http::server::ReadOutcome::ok:
      return std::nullopt;
    case http::server::ReadOutcome::too_large:
      return too_large(settings_->body_bytes_max);
    case http::server::ReadOutcome::no_room:
      return crowded_out();
    case http::server::ReadOutcome::timed_out:
      return Refusal{RefusalCode::body_timeout, "the request body did not arrive in time", {}, {}};
    case http::server::ReadOutcome::refused:
      return Refusal{RefusalCode::invalid_json, "the request body's chunked coding is malformed", {}, {}};
    default:
      break;
  }
  client_gone_ = true;
  return Refusal{RefusalCode::invalid_json, "the request body ended early", {}, {}};
}

}  // namespace cr::relay::request
