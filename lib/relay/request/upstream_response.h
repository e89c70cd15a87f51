// SPDX-License-Identifier: MIT
// UpstreamResponse: where an answer comes from once a channel is open: a provider's connection, or the built-in echo.
// The pump sees the same thing: a status, a content type, and pieces of a body, not compressed. One answer each; worker
// thread.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/client/upstream_pool.h"
#include "http/coding/content_coding.h"
#include "provider/provider.h"

namespace cr::relay::request {

struct ResponseStep {
  enum class State { data, need_more, done, cut, timed_out, garbage, cancelled, no_memory } state = State::need_more;
  std::string_view data;  // valid to the next step() or fill()
};

class UpstreamResponse {
 public:
  UpstreamResponse() = default;
  // Whether the body behind `head` is in a coding that can be undone here, or in none.
  static bool can_read(const http::message::ResponseHead& head);
  // A provider's answer whose head was read and that can be read, timed out when it has not ended at `until`. The
  // connection returns to `pool` when the body has been read to its end.
  UpstreamResponse(http::client::UpstreamPool& pool, const http::client::PoolKey& key,
                   std::unique_ptr<http::client::UpstreamConnection> connection, base::SteadyTime until);
  UpstreamResponse(http::asio::io_context& io, provider::LocalResponse answer, std::chrono::milliseconds delay);
  UpstreamResponse(UpstreamResponse&&) noexcept = default;
  UpstreamResponse& operator=(UpstreamResponse&& other) noexcept;
  ~UpstreamResponse();

  int status() const { return status_; }
  std::string_view content_type() const { return content_type_; }
  bool is_event_stream() const;
  std::optional<std::uint64_t> content_length() const { return content_length_; }
  const std::optional<std::string>& retry_after() const { return retry_after_; }

  ResponseStep step();
  // Waits for more; the outcome shows in the next step().
  http::Task<void> fill(std::chrono::milliseconds timeout);
  void cancel();
  // What was read of the body to look at it comes again, before the rest. Once.
  void put_back(std::string&& bytes);
  // What undoing its coding holds of memory.
  std::uint64_t held_bytes() const;

 private:
  void release();
  ResponseStep begin();
  ResponseStep begin_undoing(http::coding::ContentCoding coding, std::string_view first);
  ResponseStep undo_coding();

  int status_ = 200;
  std::string content_type_;
  std::optional<std::uint64_t> content_length_;
  std::optional<std::string> retry_after_;
  std::optional<ResponseStep::State> failed_;
  bool cancelled_ = false;
  bool is_put_back_ = false;
  std::string put_back_;
  bool begun_ = false;  // its first bytes were looked at
  std::string first_;   // those that were too few to tell

  http::client::UpstreamPool* pool_ = nullptr;
  http::client::PoolKey pool_key_;
  std::unique_ptr<http::client::UpstreamConnection> connection_;
  base::SteadyTime until_{};

  struct Echo;
  std::shared_ptr<Echo> echo_;
  struct Coded;
  std::shared_ptr<Coded> coded_;  // of an answer that came compressed
};

}  // namespace cr::relay::request
