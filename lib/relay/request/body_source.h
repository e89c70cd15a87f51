// SPDX-License-Identifier: MIT
// BodySource: the body of a request as it comes from its client: whole, decompressed on its way, or a form with files.
// A small form is held and goes the way of every body; of a larger one the beginning is held until the model is known,
// and the rest is passed on piece by piece once a channel takes it. What is held is counted in the memory budget. Each
// step gives a Refusal or nothing; take() and finish() decide without I/O. Worker thread; one request each.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/memory_budget.h"
#include "dialect/openai/form_scan.h"
#include "dialect/refusal.h"
#include "dialect/request_scan.h"
#include "http/message/head.h"
#include "http/net/net.h"
#include "http/server/connection.h"
#include "ledger/core/records.h"
#include "relay/policy/settings.h"
#include "relay/request/admission.h"
#include "relay/request/coded_body.h"

namespace cr::relay::request {

class BodySource {
 public:
  using MaybeRefusal = std::optional<dialect::Refusal>;

  // `head` and `settings` outlive it. `now` is when the request came.
  BodySource(const http::message::RequestHead& head, dialect::Endpoint endpoint, const policy::Settings& settings,
             base::SteadyTime now);

  // What the head says of the body: its type and coding. What is held of it counts as `token`'s.
  MaybeRefusal begin(base::MemoryBudget& budget, const ledger::TokenRecord& token);

  // The whole body, if it came with its head and is no form and not compressed. False: read() it.
  bool take_whole(http::server::Connection& client);
  // The whole body, or of a form as much as must be held before a channel is asked.
  http::Task<MaybeRefusal> read(http::server::Connection& client);

  // The steps of read(). take(): the next bytes of the body, as they came, are held; `ended`: they are the last. After
  // it a form may stream. finish(): the body has ended, and all of it is held.
  MaybeRefusal take(std::string_view piece, bool ended);
  MaybeRefusal finish();
  // Of a read of a body: why there is no more of it.
  MaybeRefusal refusal_of(http::server::ReadOutcome outcome);

  // What is held: all of the body, or the beginning of a form that streams.
  std::string_view bytes() const { return held_.empty() ? whole_ : std::string_view(held_); }
  dialect::RefusalOr<dialect::RequestScan> scan(dialect::RequestScanner& scanner) const;
  bool is_form() const { return form_ != nullptr; }
  bool streams() const { return form_ && form_->streams; }  // there is more than is held
  // What a request's price depends on; before the body has `ended`, what it may come to.
  Admission::BodySize size(bool ended) const;
  // When the provider's part began: when the request came, or once all of an upload has come.
  base::SteadyTime came_at() const { return came_at_; }
  // Whether another channel can still be sent the same body.
  bool is_replayable() const { return !form_ || !(form_->passed_on || form_->refusal); }
  const MaybeRefusal& late_refusal() const { return form_->refusal; }  // of what came after a channel was chosen
  bool has_late_refusal() const { return form_ && form_->refusal; }
  bool client_left() const { return client_left_; }  // it was found gone while it sent the body

  // From here on a form may not ask for more results than that: they are paid for by a reservation.
  void limit_choices(std::int64_t choices) { choices_max_ = choices; }

  // How a body is passed on to a provider, where edits have made its held part `held_bytes` long: with that length, or
  // none where it goes in chunks; the held part is one, behind the line that frame_held() gives and before k_line_end.
  static constexpr std::string_view k_line_end = "\r\n";
  std::optional<std::uint64_t> forwarded_bytes(std::uint64_t held_bytes) const;
  bool is_chunked() const { return streams() && head_.chunked; }
  std::string_view frame_held(std::uint64_t held_bytes);
  std::string_view content_type() const { return form_->content_type; }

  // Of a form that streams, once a channel has its held part. admit(): whether the piece that was read next may be
  // passed on, the last one only once the form has proved whole; else late_refusal() says why not. pass(): as it is
  // sent, and what was held is gone; last_chunk() follows the last one.
  bool admit(http::server::ReadOutcome outcome, std::string_view piece, bool ended);
  std::array<http::asio::const_buffer, 3> pass(std::string_view piece);
  std::string_view last_chunk() const;
  void lose_piece() { form_->passed_on = true; }  // one was read, and goes nowhere
  void all_came(base::SteadyTime now) { came_at_ = now; }

  base::MemoryCharge& memory() { return *memory_; }
  dialect::Refusal crowded_out() const;

 private:
  struct Form {
    explicit Form(std::string_view boundary)
        : scanner(boundary), content_type(dialect::openai::multipart_content_type(boundary)) {}
    dialect::openai::FormScanner scanner;
    std::string content_type;                 // for the provider
    std::string size_line;                    // of the held part's chunk
    std::uint64_t received = 0;               // of the body, not compressed
    bool streams = false;                     // there is more than is held
    bool passed_on = false;                   // more than was held has been sent to a channel
    std::optional<dialect::Refusal> refusal;  // of what came after a channel was chosen
  };

  http::Task<MaybeRefusal> read_plain(http::server::Connection& client);
  http::Task<MaybeRefusal> read_pieces(http::server::Connection& client);
  MaybeRefusal check_length() const;
  MaybeRefusal decode(std::string_view piece);
  MaybeRefusal hold(std::string_view bytes, std::uint64_t memory);
  MaybeRefusal scan_form(std::string_view bytes);
  bool may_stream() const;

  const http::message::RequestHead& head_;
  const dialect::Endpoint endpoint_;
  const policy::Settings& settings_;
  base::SteadyTime came_at_;
  const ledger::TokenRecord* token_ = nullptr;
  std::optional<base::MemoryCharge> memory_;
  std::unique_ptr<CodedBody> coding_;  // of a body that comes compressed
  std::unique_ptr<Form> form_;
  std::string_view whole_;  // in the client's buffer
  std::string held_;        // what came in pieces
  std::optional<std::int64_t> choices_max_;
  bool client_left_ = false;
};

}  // namespace cr::relay::request
