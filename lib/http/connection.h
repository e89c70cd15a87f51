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

#include "base/address.h"
#include "http/gather.h"
#include "http/head.h"
#include "http/heartbeat.h"
#include "http/net.h"
#include "http/tls_stream.h"

namespace cr::http {

struct ConnectionLimits {
  HeadLimits head;
  std::chrono::milliseconds head_timeout{
      10'000};  // from a request's first byte (or the connection's start); a handshake
  std::chrono::milliseconds body_timeout{60'000};   // for all of a body
  std::chrono::milliseconds idle_timeout{75'000};   // between requests
  std::chrono::milliseconds stall_timeout{60'000};  // for a client that does not read
};

struct BodyPieces;

enum class ReadOutcome { ok, closed, timed_out, refused, too_large, wrong_protocol };

class Connection {
 public:
  // With `tls` it speaks TLS: shake_hands() first. Nothing of `tls` is kept that it does not own.
  Connection(Socket socket, Heartbeat& heartbeat, std::shared_ptr<const ConnectionLimits> limits,
             const TlsServer* tls = nullptr);
  ~Connection();
  bool is_tls() const { return tls_ != nullptr; }
  // `wrong_protocol`: the client does not speak TLS. `closed`: it left, or they have nothing in common.
  Task<ReadOutcome> shake_hands();

  // The next request's head. `refused`: refusal() says status and reason. `closed`: the client left, or nothing came in
  // time. `wrong_protocol`: it speaks TLS to a plain listener.
  Task<ReadOutcome> read_head(RequestHead& head);
  const HeadResult& refusal() const { return head_result_; }

  // The whole body of `head`; body() holds it then. `too_large` over `bytes_max` (by Content-Length: before reading).
  Task<ReadOutcome> read_body(const RequestHead& head, std::uint64_t bytes_max);
  // The same without waiting, if all of a body with a length came together with its head. False: read_body() it.
  bool take_body(const RequestHead& head, std::uint64_t bytes_max);
  std::string_view body() const { return body_view_; }

  // A body in pieces of at most 64 KiB, for one that is passed on: begin_pieces() once, then read_piece() until it
  // ends. A piece holds to the next one; an empty one is the end. Each read has body_timeout, all of them together as
  // long as the body takes at 16 KiB a second and body_timeout on top.
  void begin_pieces(const RequestHead& head);
  Task<ReadOutcome> read_piece(std::string_view& piece);
  bool pieces_ended() const;          // that was the last: of a body with a length, known with the piece itself
  void hold(std::string_view piece);  // body() grows by it
  void drop_body();                   // the room of what was held
  void cancel_read();                 // from another coroutine: the read under way ends as `closed`
  // Whether an unread body is small enough to be read away after a refusal; else the connection must close.
  bool can_skip_body(const RequestHead& head) const;
  Task<bool> skip_body(const RequestHead& head);

  // All buffers, in order; false = the client is gone or does not read (stall). At most 16 buffers.
  Task<bool> write(std::span<const asio::const_buffer> buffers);
  Task<bool> write(std::string_view bytes);
  // The same in two steps, the first without a coroutine: no value = the socket is full, and write_rest() sends on.
  std::optional<bool> try_write(Gather& pieces);
  Task<bool> write_rest(Gather& pieces);
  // What can be written without waiting; for keep-alive comments. False = the client is gone.
  bool write_now(std::string_view bytes);

  void end_request();  // forget this request's bytes; pipelined ones stay
  bool has_buffered() const { return end_ > begin_; }
  void break_off() { broken_off_ = true; }  // the answer ends before its end: under TLS without a close_notify
  Task<void> linger();                      // after the last answer: let it arrive although the client still sends
  void cut();                               // at once, from any coroutine of this worker
  bool is_cut() const { return cut_; }
  void set_idle(bool idle) { idle_ = idle; }
  bool idle() const { return idle_; }  // between requests

  int fd() { return socket_.native_handle(); }
  const base::IpAddress& peer() const { return peer_; }
  Heartbeat& heartbeat() { return heartbeat_; }
  Executor executor() { return socket_.get_executor(); }
  void use(std::shared_ptr<const ConnectionLimits> limits) { limits_ = std::move(limits); }

 private:
  ReadOutcome outcome_of(const ErrorCode& error) const;
  Task<ReadOutcome> read_into(char* place, std::size_t size, std::size_t& got);
  Task<ReadOutcome> read_tls(char* place, std::size_t size, std::size_t& got);
  Task<ReadOutcome> wait_for(TlsStep step);
  std::optional<bool> try_write_tls(Gather& pieces);
  Task<bool> say_goodbye();
  Task<ReadOutcome> read_sized_body(std::uint64_t length);
  Task<ReadOutcome> read_chunked_body(std::uint64_t bytes_max);
  Task<ReadOutcome> fill_piece(std::size_t most);
  Task<bool> wait_writable();
  void make_room(std::size_t size);
  std::string_view buffered() const { return {buffer_.get() + begin_, end_ - begin_}; }

  Socket socket_;
  Heartbeat& heartbeat_;
  std::shared_ptr<const ConnectionLimits> limits_;
  Watch watch_;
  RequestHeadParser parser_;
  HeadResult head_result_;
  base::IpAddress peer_;
  std::unique_ptr<TlsStream> tls_;
  TlsStep tls_wants_ = TlsStep::want_write;  // of a write under way

  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
  std::size_t consumed_ = 0;  // of this request, head and body
  std::string body_;          // bodies that do not fit the receive buffer, and decoded chunked ones
  std::string_view body_view_;
  std::string pipelined_;               // bytes after a chunked body
  std::unique_ptr<BodyPieces> pieces_;  // while a body is read in pieces
  bool timed_out_ = false;
  bool cut_ = false;
  bool broken_off_ = false;
  bool idle_ = true;
  bool first_request_ = true;
};

}  // namespace cr::http
