// SPDX-License-Identifier: MIT
// The tests' two HTTP clients. HttpClient: one call, one answer. RawClient: a socket, bytes as they are, for framing,
// keep-alive, pipelining and streams. Both wait up to k_deadline and throw std::runtime_error past it. One thread each.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cr::test {

// Where to connect: 127.0.0.1, plain, or under TLS trusting the certificates in `ca_file`.
struct Listener {
  // NOLINTNEXTLINE(google-explicit-constructor): a port is a plain listener
  Listener(int number, std::string trusted = {}) : port(number), ca_file(std::move(trusted)) {}
  int port;
  std::string ca_file;
  std::string source;     // the address a RawClient comes from, of 127.0.0.0/8; empty = the system's choice
  int receive_bytes = 0;  // SO_RCVBUF of a RawClient that is to be full soon; 0 = the system's
};

using Headers = std::map<std::string, std::string>;

struct HttpAnswer {
  int status = 0;                                   // 0 = no answer came: `error` says why
  std::multimap<std::string, std::string> headers;  // names lower-case
  std::string body;
  std::string error;
  std::string header(std::string_view lower_name) const;  // the first; empty if absent
};

class HttpClient {
 public:
  explicit HttpClient(const Listener& listener, std::string key = {});  // key: sent as Authorization: Bearer
  explicit HttpClient(const std::string& socket_path);                  // a unix socket
  ~HttpClient();
  HttpAnswer get(const std::string& path, const Headers& headers = {});
  HttpAnswer post(const std::string& path, const std::string& json, const Headers& headers = {});
  HttpAnswer call(const std::string& method, const std::string& path, const std::string& body, const Headers& headers);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct RawHead {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names lower-case
  std::string text;                                          // as it came
  std::string header(std::string_view lower_name) const;
};

class RawClient {
 public:
  explicit RawClient(const Listener& listener);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool send(std::string_view bytes);  // false when the peer has closed
  void half_close();                  // close_notify and FIN, then go on reading
  void reset();                       // RST; the object is done

  std::optional<RawHead> read_head();          // nullopt: closed before a whole head
  std::string read_body(const RawHead& head);  // by Content-Length, chunks, or to the end
  // One server-sent event with its blank line; nullopt at the end of the body. `clean_end` says whether the final chunk
  // came.
  std::optional<std::string> read_event(const RawHead& head);
  bool clean_end() const { return clean_end_; }
  // Everything until the peer closes.
  std::string read_all();
  bool wait_closed();  // true: FIN or RST came and nothing before it
  // Under TLS: whether the peer has said that what it sent is whole (RFC 8446, 6.1); known once it has closed.
  bool close_notify() const;
  int fd() const { return fd_; }

 private:
  struct Tls;
  bool more();
  long receive(char* place, std::size_t size);
  bool next_chunk();

  int fd_ = -1;
  std::unique_ptr<Tls> tls_;
  std::string buffer_;  // off the wire
  std::string body_;    // off the chunks
  bool clean_end_ = false;
  bool closed_ = false;
};

// A whole request with Host, Authorization and Content-Length.
std::string raw_request(std::string_view method, std::string_view path, std::string_view key,
                        std::string_view json = {}, std::string_view extra_headers = {});

}  // namespace cr::test
