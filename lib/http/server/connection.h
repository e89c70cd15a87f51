// SPDX-License-Identifier: MIT
// Connection: one accepted client, plain or under TLS. Reads heads and bodies within limits and deadlines, writes
// answers in gathered writes. Lives and dies on its worker's thread. Views it gives out hold until end_request().
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/memory_budget.h"
#include "http/message/body_framing.h"
#include "http/message/head.h"
#include "http/net/gather.h"
#include "http/net/heartbeat.h"
#include "http/net/net.h"
#include "http/tls/tls_stream.h"

namespace cr::http::server {

struct ConnectionLimits {
  message::HeadLimits head;
  std::chrono::milliseconds head_timeout{
      10'000};  // from a request's first byte (or the connection's start); a handshake
  std::chrono::milliseconds body_timeout{60'000};   // for all of a body
  std::chrono::milliseconds idle_timeout{75'000};   // between requests
  std::chrono::milliseconds stall_timeout{60'000};  // for a client that does not read
  std::chrono::milliseconds drain_timeout{10'000};  // reading away what is left of a body that nobody wants
  std::uint64_t drain_bytes_max = std::uint64_t{16} * 1024 * 1024;  // and how much of it
};

base::IpAddress address_of(const asio::ip::tcp::endpoint& endpoint);

// A receive buffer: what it held is overwritten before it is freed. A head has its client's key in it.
struct WipeAndFree {
  std::size_t size = 0;
  void operator()(char* bytes) const;
};
using WipedBuffer = std::unique_ptr<char[], WipeAndFree>;

enum class ReadOutcome { ok, closed, timed_out, refused, too_large, no_room, wrong_protocol };

class Connection {
 public:
  // What its buffers take is counted in a budget of this grain, with its address as the holder: a usual head is not.
  static constexpr base::MemoryBudget::Grain k_grain{std::uint64_t{8} * 1024, std::uint64_t{4} * 1024};

  // With `tls` it speaks TLS: shake_hands() first. Nothing of `tls` is kept that it does not own. `unfinished`: for
  // heads, and bodies that read_body()'s own budget does not count, until they are whole; it outlives the connection.
  Connection(Socket socket, const base::IpAddress& peer, Heartbeat& heartbeat,
             std::shared_ptr<const ConnectionLimits> limits, base::MemoryBudget& unfinished,
             const tls::TlsServer* tls = nullptr);
  ~Connection();
  bool is_tls() const { return tls_ != nullptr; }
  // `wrong_protocol`: the client does not speak TLS. `closed`: it left, or they have nothing in common.
  Task<ReadOutcome> shake_hands();

  // The next request's head. `refused`: refusal() says status and reason. `closed`: the client left, or nothing came in
  // time. `no_room`: there is no memory for a head of this length. `wrong_protocol`: it speaks TLS to a plain listener.
  Task<ReadOutcome> read_head(message::RequestHead& head);
  const message::HeadResult& refusal() const { return head_result_; }

  // The body of the request whose head was read last, in one of two ways: whole, or in pieces.
  // "100 Continue", if this client waits for it (RFC 9110, 10.1.1): before the body is read. False: the client is gone.
  Task<bool> say_continue();
  // Whole; body() holds it then. `too_large` over `bytes_max` (by Content-Length: before reading). `refused`: its
  // chunked coding is malformed. What is held of it is counted in `memory`, if there is one, as it comes: `no_room`
  // where that cannot grow.
  Task<ReadOutcome> read_body(std::uint64_t bytes_max, base::MemoryCharge* memory = nullptr);
  // The same without waiting, if all of a body with a length came together with its head. False: read_body() it.
  bool take_body(std::uint64_t bytes_max);
  std::string_view body() const { return body_view_; }
  // In pieces of at most 64 KiB, for a body that is passed on: until body_ended(). A piece holds to the next one; an
  // empty one is the end. Each read has body_timeout, all of them together as long as the body takes at 16 KiB a second
  // and body_timeout on top.
  Task<ReadOutcome> read_piece(std::string_view& piece);
  void cancel_read();  // from another coroutine: the read under way ends as `closed`, and may go on later

  // Whether all of the body has been read, by whom and how ever; of one with a length, known with its last piece.
  bool body_ended() const { return framing_.ended(); }
  // Whether the connection can carry another request after this one's answer: its body has ended, or what is left of it
  // is known to come and so small that drain_body() reads it away. To be asked when the answer's head is written.
  bool can_go_on() const;
  // Whether the client still sends a body that should be read away, so that it gets to read the answer.
  bool must_drain() const;
  // Reads away what is left of the body, through the connection's one buffer: at most drain_bytes_max of it, for at
  // most drain_timeout. True: it has ended, and the connection can go on (at once, if it had). body() is gone unless it
  // had ended.
  Task<bool> drain_body();

  // All buffers, in order; false = the client is gone or does not read (stall). At most 16 buffers.
  Task<bool> write(std::span<const asio::const_buffer> buffers);
  Task<bool> write(std::string_view bytes);
  // The same in two steps, the first without a coroutine: no value = the socket is full, and write_rest() sends on.
  std::optional<bool> try_write(Gather& pieces);
  Task<bool> write_rest(Gather& pieces);
  // What can be written without waiting; for keep-alive comments. False = the client is gone.
  bool write_now(std::string_view bytes);

  void end_request();  // forget this request; what came behind it stays. Only once its body has ended.
  bool has_buffered() const { return end_ > begin_; }
  void break_off() { broken_off_ = true; }  // the answer ends before its end: under TLS without a close_notify
  // After the last answer: lets it arrive although the client still sends. `drain`: what is left of the body is
  // drained.
  enum class Linger { briefly, drain };
  Task<void> linger(Linger how);
  void cut();  // at once, from any coroutine of this worker
  bool is_cut() const { return cut_; }
  void set_idle(bool idle) { idle_ = idle; }
  bool idle() const { return idle_; }  // between requests

  // The daemon stops: a request that is on its way is still read, and the first one of a new connection awaited for
  // `patience`; what is idle otherwise ends. From any coroutine of this worker.
  void leave(std::chrono::milliseconds patience);
  // Whether a request is on its way, or none has come on this connection yet: its client would take it for failed.
  bool awaits_request() const;

  int fd() { return socket_.native_handle(); }
  const base::IpAddress& peer() const { return peer_; }
  Heartbeat& heartbeat() { return heartbeat_; }
  Executor executor() { return socket_.get_executor(); }
  void use(std::shared_ptr<const ConnectionLimits> limits) { limits_ = std::move(limits); }

 private:
  static constexpr std::size_t k_small_body_bytes = base::MemoryBudget::Grain().small_bytes;
  ReadOutcome outcome_of(const SystemError& error) const;
  Task<ReadOutcome> read_tls(char* place, std::size_t size, std::size_t& got);
  Task<ReadOutcome> wait_for(tls::TlsStep step);
  std::optional<bool> try_write_tls(Gather& pieces);
  Task<bool> say_goodbye();
  void begin_body(const message::RequestHead& head);
  void drop_body();
  void keep_in_place(std::size_t size);
  Task<ReadOutcome> read_sized_body(base::MemoryCharge* memory);
  Task<ReadOutcome> read_chunked_body(std::uint64_t bytes_max, base::MemoryCharge* memory);
  Task<ReadOutcome> read_of_body(char* place, std::size_t size, std::size_t& got);
  Task<ReadOutcome> fill(std::size_t room);
  Task<ReadOutcome> fill_piece();
  std::string_view take_buffered(std::size_t most);
  Task<bool> wait_writable();
  bool make_room(std::size_t size);
  bool hold(std::size_t buffers, std::size_t body);
  void give_back() { held_.shrink_to(0); }
  std::string_view buffered() const { return {buffer_.get() + begin_, end_ - begin_}; }

  Socket socket_;
  Heartbeat& heartbeat_;
  std::shared_ptr<const ConnectionLimits> limits_;
  Watch watch_;
  message::RequestHeadParser parser_;
  message::HeadResult head_result_;
  base::IpAddress peer_;
  std::unique_ptr<tls::TlsStream> tls_;
  tls::TlsStep tls_wants_ = tls::TlsStep::want_write;  // of a write under way

  // One buffer, in the order of the wire: what was received and not taken yet is [begin_, end_). Below pinned_ lie the
  // head, and a body that came whole: they stay where they are until end_request(), in pinned_buffers_ if need be.
  WipedBuffer buffer_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0, pinned_ = 0;
  std::vector<WipedBuffer> pinned_buffers_;
  std::size_t buffers_bytes_ = 0;  // of all of them
  base::MemoryCharge held_;        // for them, and for what body_ has
  message::BodyFraming framing_;   // of the request whose head was read last
  std::string body_;               // a body that does not fit the receive buffer, or a decoded chunked one
  std::string_view body_view_;
  std::uint64_t body_received_ = 0;          // in pieces
  std::chrono::milliseconds body_waited_{};  // for them
  bool awaits_continue_ = false;             // its client sends no body before it is told to
  bool body_lost_ = false;                   // the rest will not come, or not in time
  bool read_cancelled_ = false;
  bool timed_out_ = false;
  bool cut_ = false;
  bool broken_off_ = false;
  bool idle_ = true;
  bool first_request_ = true;
  bool asked_ = false;                                 // the head of a request has come
  std::optional<std::chrono::milliseconds> patience_;  // once it leaves
};

}  // namespace cr::http::server
