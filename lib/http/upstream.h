// SPDX-License-Identifier: MIT
// UpstreamConnection: one connection to a provider, plain or TLS. Sends a request, reads the answer's head and body
// piece by piece. Lives on its worker's thread. Every wait has a deadline; cancel() ends any of them from another
// coroutine.
#pragma once

#include <boost/asio/ssl/stream.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/chunked.h"
#include "http/gather.h"
#include "http/head.h"
#include "http/heartbeat.h"
#include "http/net.h"
#include "http/resolver.h"
#include "http/tls_book.h"
#include "http/url.h"

namespace cr::http {

struct UpstreamTarget {
  Url url;
  std::optional<Url> proxy{};  // to be asked for a tunnel; it may have a private address
  PrivateAddresses privates = PrivateAddresses::refuse;
  std::chrono::milliseconds connect_timeout{5'000};  // name, TCP, proxy and TLS together
  TlsContext tls{};                                  // never null for https
};

enum class AnswerOutcome {
  ok,
  closed,  // the connection ended where nothing of the answer had come
  cut,     // it ended in the middle
  timed_out,
  garbage,    // not HTTP, or its framing is malformed
  cancelled,  // by cancel()
};

// One step of a body: a view into the receive buffer, valid to the next fill().
enum class BodyState { data, need_more, done, garbage };
struct BodyStep {
  BodyState state = BodyState::need_more;
  std::string_view data;
};

class ConnectRace;

class UpstreamConnection {
 public:
  UpstreamConnection(asio::io_context& io, Heartbeat& heartbeat);

  // Connects to the first of the target's addresses that answers (or to its proxy's, and through it); TLS verifies
  // certificate and name (RFC 9110 4.3.4). `target` must outlive this.
  Task<base::Result<void>> connect(const UpstreamTarget& target, Resolver& resolver);
  // Sends a request; false: the connection is dead (or cancelled). At most 16 buffers. In two steps, the first without
  // a coroutine: no value = send_rest() must wait with the same buffers.
  std::optional<bool> begin_send(std::span<const asio::const_buffer> buffers);
  Task<bool> send_rest(std::span<const asio::const_buffer> buffers, std::chrono::milliseconds timeout);

  // The same in as many sends as it takes, without a deadline, while read_head() waits in another coroutine: a provider
  // may answer before it has all. begin_request() comes before both. cancel_send() wakes a send that the answer's head
  // has made pointless; the answer can still be read.
  void begin_request();
  Task<bool> send_piece(std::span<const asio::const_buffer> buffers);
  void cancel_send();
  void answer_within(std::chrono::milliseconds timeout) { watch_.expire_after(timeout); }  // read_head()'s, anew
  // It was not told all of the request: the connection cannot carry another.
  void forbid_reuse() { keep_alive_ = false; }

  // Skips interim (1xx) heads. If ok, head() has it; its views hold until the first fill().
  Task<AnswerOutcome> read_head(std::chrono::milliseconds timeout);
  const ResponseHead& head() const { return head_; }
  BodyStep step();
  Task<AnswerOutcome> fill(std::chrono::milliseconds timeout);

  // The answer is over, read to its end, and the connection may carry another request.
  bool reusable() const { return body_done_ && keep_alive_ && begin_ == end_ && !cancelled_; }
  bool used_before() const { return requests_ > 1; }
  void cancel();
  bool cancelled() const { return cancelled_; }
  int fd();

 private:
  using TlsStream = asio::ssl::stream<Socket>;
  Task<base::Result<void>> connect_any(const std::vector<asio::ip::tcp::endpoint>& endpoints);
  Task<base::Result<void>> handshake(const std::string& host, asio::ssl::context& tls);
  void stop_waiting();
  Task<bool> send_tls(std::span<const asio::const_buffer> buffers);
  asio::mutable_buffer make_room();
  AnswerOutcome took(const ErrorCode& error, std::size_t bytes);
  void begin_body();
  Socket& socket();

  asio::io_context& io_;
  Watch watch_;
  Resolver::LookUp look_up_;
  ConnectRace* race_ = nullptr;  // while it runs
  Socket plain_;
  std::unique_ptr<TlsStream> tls_;
  ResponseHeadParser parser_;
  ResponseHead head_;  // kept from answer to answer, and with it the room for its fields
  Gather unsent_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
  ChunkedDecoder decoder_;
  enum class Framing { sized, chunked, until_close } framing_ = Framing::sized;
  std::uint64_t left_ = 0;
  std::uint64_t requests_ = 0;
  bool body_done_ = false;
  bool keep_alive_ = false;
  bool peer_closed_ = false;
  bool timed_out_ = false;
  bool cancelled_ = false;
  bool send_cancelled_ = false;
};

}  // namespace cr::http
