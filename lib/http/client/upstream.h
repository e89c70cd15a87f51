// SPDX-License-Identifier: MIT
// UpstreamConnection: one connection to a provider, plain or TLS. Sends a request, reads the answer's head and body
// piece by piece. Lives on its worker's thread. Every wait but that of send_piece() has a deadline; cancel() ends any
// of them from another coroutine.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/url.h"
#include "http/client/receive_buffer.h"
#include "http/client/response_body.h"
#include "http/dns/egress_policy.h"
#include "http/message/head.h"
#include "http/net/gather.h"
#include "http/net/heartbeat.h"
#include "http/net/net.h"
#include "http/tls/tls_contexts.h"
#include "http/tls/tls_stream.h"

namespace cr::http::client {

struct UpstreamTarget {
  base::Url url;
  std::optional<base::Url> proxy{};  // to be asked for a tunnel; it may have a private address
  dns::PrivateAddresses privates = dns::PrivateAddresses::refuse;
  std::chrono::milliseconds connect_timeout{5'000};  // name, TCP, proxy and TLS together
  tls::TlsContext tls{};                             // never null for https
};

enum class AnswerOutcome {
  ok,
  closed,  // the connection ended before a byte had come, of an interim head too
  cut,     // it ended in the middle
  timed_out,
  garbage,    // not HTTP, its framing is malformed, or too much of heads
  cancelled,  // by cancel()
};

class ConnectRace;

class UpstreamConnection {
 public:
  UpstreamConnection(asio::io_context& io, Heartbeat& heartbeat);
  // By a reset where a request of begin_send() has not left as a whole: nobody waits for what of it lies in the socket.
  ~UpstreamConnection();
  UpstreamConnection(const UpstreamConnection&) = delete;
  UpstreamConnection& operator=(const UpstreamConnection&) = delete;

  // Connects to the first of the target's addresses that answers (or to its proxy's, and through it); TLS verifies
  // certificate and name (RFC 9110 4.3.4). `target` must last until this has returned.
  Task<base::Result<void>> connect(const UpstreamTarget& target, dns::EgressPolicy& resolver);
  // Sends a request, at most 16 buffers: at once what the socket takes, the rest by itself while read_head() and fill()
  // wait, since a provider may answer before it has all. The buffers must outlive that: until sent(), or this is no
  // more. False: it was used before, and is dead; nothing of the request left. A send that fails later shows in
  // read_head(), behind what the provider said before.
  bool begin_send(std::span<const asio::const_buffer> buffers);
  // Of a request of begin_send(): whether the kernel has all of it, or has any of it, and when it was last given some.
  // One that comes in pieces counts as sent from begin_request() on.
  bool sent() const { return sending_ == Sending::done; }
  bool sent_any() const { return unsent_.begun(); }
  base::SteadyTime sent_at() const { return sent_at_; }

  // For a request that comes in pieces: in as many sends as it takes, without a deadline, while read_head() waits in
  // another coroutine. begin_request() comes before both. cancel_send() wakes a send that the answer's head has made
  // pointless; the answer can still be read.
  void begin_request();
  Task<bool> send_piece(std::span<const asio::const_buffer> buffers);
  void cancel_send();
  void answer_within(std::chrono::milliseconds timeout) { watch_.expire_after(timeout); }  // read_head()'s, anew
  // After read_head(): it was not told all of the request, and the connection cannot carry another.
  void forbid_reuse() { keep_alive_ = false; }

  // Skips interim heads (1xx but 101), of which there may be k_interim_heads_max, and all together no longer than one
  // head. If ok, head() has it; its views hold until the first fill(). `timeout` begins anew with each piece that the
  // provider takes of a request of begin_send(), and never passes `until`. A final head of 300 and more ends that
  // sending.
  static constexpr int k_interim_heads_max = 20;
  Task<AnswerOutcome> read_head(std::chrono::milliseconds timeout, base::SteadyTime until = base::SteadyTime::max());
  const message::ResponseHead& head() const { return head_; }
  BodyStep step() { return body_.step(received_, peer_closed_); }
  Task<AnswerOutcome> fill(std::chrono::milliseconds timeout);

  // The answer is over, read to its end, and the connection may carry another request.
  bool reusable() const { return body_.is_done() && keep_alive_ && received_.empty() && !cancelled_ && sent(); }
  // Bytes beyond the answer came with it: here, in the TLS layer, or in the socket behind a read that filled its room.
  bool has_surplus();
  // On one that nothing is due on. Anything but `quiet` means that it must not carry another request.
  tls::IdleState look();
  bool used_before() const { return requests_ > 1; }
  void cancel();
  bool cancelled() const { return cancelled_; }
  int fd();

 private:
  Task<base::Result<void>> connect_any(const std::vector<asio::ip::tcp::endpoint>& endpoints);
  Task<base::Result<void>> handshake(const std::string& host, asio::ssl::context& tls);
  void stop_waiting();
  std::optional<bool> try_send(Gather& pieces);
  void send_on();
  void send_when_writable();
  bool read_tls(asio::mutable_buffer room, SystemError& error, std::size_t& bytes);
  AnswerOutcome took(const SystemError& error, std::size_t bytes);
  std::optional<AnswerOutcome> take_heads();

  asio::io_context& io_;
  Watch watch_;
  dns::EgressPolicy::LookUp look_up_;
  ConnectRace* race_ = nullptr;  // while it runs
  Socket socket_;
  std::unique_ptr<tls::TlsStream> tls_;
  tls::TlsStep tls_wants_ = tls::TlsStep::want_write;  // of a send that must wait; a plain one waits for room
  tls::TlsStep tls_reads_ = tls::TlsStep::want_read;
  message::ResponseHeadParser parser_;
  message::ResponseHead head_;  // kept from answer to answer, and with it the room for its fields
  Gather unsent_;
  enum class Sending { none, under_way, done, failed, given_up } sending_ = Sending::none;
  base::SteadyTime sent_at_{};
  std::shared_ptr<UpstreamConnection*> self_;  // what a wait of the sending knows this by: it may outlive this
  ReceiveBuffer received_;
  ResponseBody body_;
  std::uint64_t requests_ = 0;
  bool keep_alive_ = false;
  bool peer_closed_ = false;
  bool timed_out_ = false;
  bool cancelled_ = false;
  bool send_cancelled_ = false;
  struct Heads {  // while they are read
    std::chrono::milliseconds timeout{0};
    base::SteadyTime until{};
    std::size_t seen = 0;    // of the one that has not ended
    std::size_t passed = 0;  // bytes of interim ones
    int interim = 0;
  };
  std::optional<Heads> heads_;
};

}  // namespace cr::http::client
