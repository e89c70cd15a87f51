// SPDX-License-Identifier: MIT
// HttpServer: a small HTTP/1.1 server for tests, a thread a connection. Unlike a real one it can answer wrongly on
// purpose: a handler gets the wire and writes what it likes, cuts or resets. Reads only what a well-behaved client
// sends.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cr::test {

struct HttpRequest {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;    // names lower-case, in order
  std::string body;                                            // of one above 4 MiB, the first and the last 64 KiB
  std::uint64_t body_bytes = 0;                                // all of them
  std::string body_sha256;                                     // of a form, in hex
  bool whole = true;                                           // false: the peer left in the middle of the body
  std::string_view header(std::string_view lower_name) const;  // empty if absent
  std::string path() const;                                    // target without its query
  std::string query(std::string_view name) const;              // empty if absent
};

// The connection, for one answer.
class Wire {
 public:
  explicit Wire(int fd) : fd_(fd) {}
  bool write(std::string_view bytes);  // false when the peer is gone
  bool write_json(int status, std::string_view body, std::string_view extra_headers = {});
  bool peer_gone() const;
  // Waits for `ready`, looking at the peer meanwhile; false when the peer left first.
  bool wait(const std::function<bool()>& ready) const;
  bool pause(std::chrono::milliseconds time) const;  // false when the peer left first
  void reset();                                      // RST instead of FIN
  int fd() const { return fd_; }

 private:
  int fd_;
};

enum class After { keep, close };

class HttpServer {
 public:
  using Handler = std::function<After(const HttpRequest& request, Wire& wire)>;
  // Sees a request before its body is read; true: it has answered, and the connection ends.
  using HeadHandler = std::function<bool(const HttpRequest& head, Wire& wire)>;
  explicit HttpServer(Handler handler, HeadHandler before_body = {}, int port = 0);  // throws if it cannot listen
  int port() const { return port_; }
  static std::size_t connections();       // accepted by this process since its start
  static std::size_t open_connections();  // that the handler is not done with
  [[noreturn]] void run();                // until the process ends

 private:
  Handler handler_;
  HeadHandler before_body_;
  int listener_;
  int port_;
};

std::string_view reason_of(int status);

}  // namespace cr::test
