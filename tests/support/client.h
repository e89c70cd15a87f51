// SPDX-License-Identifier: MIT
// The tests' two HTTP clients. HttpClient: one call, one answer. RawClient: a socket, bytes as they are, for framing,
// keep-alive, pipelining and streams. Both wait up to k_deadline and throw std::runtime_error past it. One thread each.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cr::test {

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
  explicit HttpClient(int port, std::string key = {});  // key: sent as Authorization: Bearer
  explicit HttpClient(const std::string& socket_path);  // a unix socket
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
  explicit RawClient(int port);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool send(std::string_view bytes);  // false when the peer has closed
  void half_close();                  // FIN, then go on reading
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
  int fd() const { return fd_; }

 private:
  bool more();
  bool next_chunk();

  int fd_ = -1;
  std::string buffer_;  // off the wire
  std::string body_;    // off the chunks
  bool clean_end_ = false;
  bool closed_ = false;
};

// A whole request with Host, Authorization and Content-Length.
std::string raw_request(std::string_view method, std::string_view path, std::string_view key,
                        std::string_view json = {}, std::string_view extra_headers = {});

}  // namespace cr::test
