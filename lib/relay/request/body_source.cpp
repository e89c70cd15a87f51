// SPDX-License-Identifier: MIT
#include "relay/request/body_source.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "http/coding/content_coding.h"

namespace cr::relay::request {

using dialect::Refusal;
using dialect::RefusalCode;
using http::coding::DecodeState;
using http::server::ReadOutcome;
namespace asio = http::asio;

namespace {

// Up to here a form is held whole, so that it can go to a second channel.
constexpr std::uint64_t k_whole_bytes_max = std::uint64_t{1024} * 1024;
constexpr std::string_view k_last_chunk = "0\r\n\r\n";

bool is_json(std::string_view content_type) {
  constexpr std::string_view k_json = "application/json";
  if (content_type.size() < k_json.size()) return false;
  if (!base::equals_ignoring_case(content_type.substr(0, k_json.size()), k_json)) return false;
  const auto rest = content_type.substr(k_json.size());
  return rest.empty() || rest.front() == ';' || rest.front() == ' ';
}

Refusal too_large(std::uint64_t bytes_max) {
  return {RefusalCode::body_too_large,
          "the request body is larger than " + std::to_string(bytes_max) + " bytes ('body_bytes_max')",
          {},
          {}};
}

Refusal form_too_large(std::uint64_t bytes_max) {
  return {RefusalCode::body_too_large,
          "the form is larger than " + std::to_string(bytes_max) + " bytes ('upload_bytes_max')",
          {},
          {}};
}

Refusal model_is_late(std::uint64_t bytes_max) {
  return {RefusalCode::body_too_large,
          "the form's first " + std::to_string(bytes_max) +
              " bytes ('body_bytes_max') have no model: send the model field before the file",
          "model",
          {}};
}

Refusal bad_coding(std::string_view what) {
  return {RefusalCode::invalid_encoding,
          "the request body " + std::string(what) + ": send it again, or without Content-Encoding",
          {},
          {}};
}

std::string size_line(std::uint64_t size) {
  std::array<char, 16> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
  return std::string(digits.data(), end).append(BodySource::k_line_end);
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
  if (!coding || *coding == http::coding::ContentCoding::br) {
    return tl::unexpected(Refusal{RefusalCode::unsupported_encoding,
                                  "the request body's Content-Encoding is not read here: send one of " +
                                      std::string(http::coding::k_accepted_codings) + ", or none",
                                  {},
                                  {}});
  }
  if (*coding == http::coding::ContentCoding::identity) return nullptr;
  return std::make_unique<CodedBody>(*coding);
}

BodySource::BodySource(const http::message::RequestHead& head, dialect::Endpoint endpoint,
                       const policy::Settings& settings, base::SteadyTime now)
    : head_(head), endpoint_(endpoint), settings_(settings), came_at_(now) {}

BodySource::MaybeRefusal BodySource::begin(base::MemoryBudget& budget, const ledger::TokenRecord& token) {
  token_ = &token;
  memory_.emplace(budget, token.id.value);
  if (endpoint_ == dialect::Endpoint::response_by_id) return std::nullopt;  // has no body that matters
  auto coding = read_coding(head_);
  if (!coding) return coding.error();
  coding_ = std::move(*coding);
  const auto content_type = head_.find("content-type").value_or("");
  if (dialect::takes_form(endpoint_)) {
    const auto boundary = dialect::openai::multipart_boundary(content_type);
    if (!boundary) return boundary.error();
    form_ = std::make_unique<Form>(*boundary);
    return std::nullopt;
  }
  if (!is_json(content_type)) {
    return Refusal{
        RefusalCode::unsupported_media_type, "this endpoint reads JSON: send Content-Type: application/json", {}, {}};
  }
  return std::nullopt;
}

bool BodySource::take_whole(http::server::Connection& client) {
  if (form_ || coding_ || !client.take_body(settings_.body_bytes_max)) return false;
  whole_ = client.body();
  return true;
}

http::Task<BodySource::MaybeRefusal> BodySource::read(http::server::Connection& client) {
  return form_ || coding_ ? read_pieces(client) : read_plain(client);
}

http::Task<BodySource::MaybeRefusal> BodySource::read_plain(http::server::Connection& client) {
  if (auto refusal = check_length()) co_return refusal;
  if (!co_await client.say_continue()) client_left_ = true;
  const auto outcome = co_await client.read_body(settings_.body_bytes_max, &*memory_);
  whole_ = client.body();
  co_return refusal_of(outcome);
}

http::Task<BodySource::MaybeRefusal> BodySource::read_pieces(http::server::Connection& client) {
  if (auto refusal = check_length()) co_return refusal;
  if (!co_await client.say_continue()) client_left_ = true;
  MaybeRefusal refusal;
  while (!refusal && !client.body_ended() && !streams()) {
    std::string_view piece;
    const auto outcome = co_await client.read_piece(piece);
    refusal = refusal_of(outcome);
    if (!refusal) refusal = take(piece, client.body_ended());
  }
  if (!refusal && !streams()) refusal = finish();
  if (!refusal && form_) came_at_ = base::steady_now();
  co_return refusal;
}

BodySource::MaybeRefusal BodySource::check_length() const {
  const auto length = head_.content_length.value_or(0);
  if (form_ && length > settings_.upload_bytes_max) return form_too_large(settings_.upload_bytes_max);
  if ((!form_ || coding_) && length > settings_.body_bytes_max) return too_large(settings_.body_bytes_max);
  return std::nullopt;
}

BodySource::MaybeRefusal BodySource::take(std::string_view piece, bool ended) {
  if (coding_) return decode(piece);
  if (auto refusal = hold(piece, held_.size() + piece.size())) return refusal;
  if (form_ && held_.size() > settings_.body_bytes_max && !form_->scanner.has_model())
    return model_is_late(settings_.body_bytes_max);
  if (form_) form_->streams = !ended && may_stream();
  return std::nullopt;
}

// A compressed form is held whole, since nobody knows its length before.
bool BodySource::may_stream() const {
  const auto least = std::min(k_whole_bytes_max, settings_.body_bytes_max);
  return form_ && !coding_ && form_->scanner.has_model() && held_.size() >= least;
}

BodySource::MaybeRefusal BodySource::finish() {
  if (coding_) {
    if (!coding_->decoder->is_whole()) return bad_coding("ends before its Content-Encoding does");
    coding_.reset();
    memory_->shrink_to(held_.size());
  }
  return form_ ? form_->scanner.finish() : std::nullopt;
}

// A piece of a body as it came, and as much as it comes to.
BodySource::MaybeRefusal BodySource::decode(std::string_view piece) {
  auto& body = *coding_;
  body.received += piece.size();
  for (auto state = DecodeState::wants_room; state == DecodeState::wants_room;) {
    std::size_t size = 0;
    state = body.decoder->decode(piece, body.room.data(), body.room.size(), size);
    if (state == DecodeState::garbage) return bad_coding("is not of its Content-Encoding");
    body.decoded += size;
    if (body.decoded > settings_.body_bytes_max) return too_large(settings_.body_bytes_max);
    if (http::coding::is_bomb(body.received, body.decoded)) {
      return Refusal{RefusalCode::body_too_large,
                     "the request body decompresses to more than a hundred times its size: send it uncompressed",
                     {},
                     {}};
    }
    if (auto refusal = hold({body.room.data(), size}, body.held_bytes())) return refusal;
  }
  return std::nullopt;
}

// More of a body that is held, for which then `memory` bytes are counted.
BodySource::MaybeRefusal BodySource::hold(std::string_view bytes, std::uint64_t memory) {
  if (!memory_->grow_to(memory)) return crowded_out();
  held_.append(bytes);
  return form_ ? scan_form(bytes) : std::nullopt;
}

BodySource::MaybeRefusal BodySource::scan_form(std::string_view bytes) {
  form_->received += bytes.size();
  if (form_->received > settings_.upload_bytes_max) return form_too_large(settings_.upload_bytes_max);
  auto refusal = form_->scanner.push(bytes);
  if (!refusal && choices_max_ && form_->scanner.scan().choices > *choices_max_)
    refusal = Refusal{RefusalCode::invalid_value, "n came after the file: send it before the file", "n", {}};
  return refusal;
}

dialect::RefusalOr<dialect::RequestScan> BodySource::scan(dialect::RequestScanner& scanner) const {
  if (form_) return form_->scanner.scan();
  return scanner.scan(endpoint_, bytes());
}

Admission::BodySize BodySource::size(bool ended) const {
  Admission::BodySize size{.bytes = bytes().size()};
  if (!form_) return size;
  size.told_bytes = std::max<std::uint64_t>(form_->received, head_.content_length.value_or(0));
  if (form_->streams) size.bytes = head_.content_length.value_or(ended ? form_->received : settings_.upload_bytes_max);
  return size;
}

std::optional<std::uint64_t> BodySource::forwarded_bytes(std::uint64_t held_bytes) const {
  if (!streams()) return held_bytes;
  if (!head_.content_length) return std::nullopt;
  return *head_.content_length - held_.size() + held_bytes;
}

std::string_view BodySource::frame_held(std::uint64_t held_bytes) {
  form_->size_line = size_line(held_bytes);
  return form_->size_line;
}

bool BodySource::admit(ReadOutcome outcome, std::string_view piece, bool ended) {
  auto refusal = refusal_of(outcome);
  if (!refusal) refusal = scan_form(piece);
  if (!refusal && ended) refusal = form_->scanner.finish();
  form_->refusal = std::move(refusal);
  return !form_->refusal;
}

std::array<asio::const_buffer, 3> BodySource::pass(std::string_view piece) {
  form_->passed_on = true;
  std::string().swap(held_);
  memory_->shrink_to(0);
  form_->size_line = is_chunked() ? size_line(piece.size()) : std::string();
  const auto end = is_chunked() ? k_line_end : std::string_view();
  return {asio::buffer(form_->size_line), asio::buffer(piece), asio::buffer(end)};
}

std::string_view BodySource::last_chunk() const {
  return is_chunked() ? k_last_chunk : std::string_view();
}

Refusal BodySource::crowded_out() const {
  return {RefusalCode::overloaded,
          "too many large requests and answers at once, of token '" + token_->name +
              "' or of all ('limits.memory'): send it again",
          {},
          dialect::k_retry_soon};
}

BodySource::MaybeRefusal BodySource::refusal_of(ReadOutcome outcome) {
  switch (outcome) {
    case ReadOutcome::ok:
      return std::nullopt;
    case ReadOutcome::too_large:
      return too_large(settings_.body_bytes_max);
    case ReadOutcome::no_room:
      return crowded_out();
    case ReadOutcome::timed_out:
      return Refusal{RefusalCode::body_timeout, "the request body did not arrive in time", {}, {}};
    case ReadOutcome::refused:
      return Refusal{RefusalCode::bad_framing, "the request body's chunked coding is malformed", {}, {}};
    default:
      break;
  }
  client_left_ = true;
  return Refusal{RefusalCode::bad_framing, "the request body ended early", {}, {}};
}

}  // namespace cr::relay::request
