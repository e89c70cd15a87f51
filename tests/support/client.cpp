// SPDX-License-Identifier: MIT
#include "support/client.h"

#include <arpa/inet.h>
#include <httplib.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "support/process.h"

namespace cr::test {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  return text;
}

}  // namespace

std::string HttpAnswer::header(std::string_view lower_name) const {
  auto found = headers.find(std::string(lower_name));
  return found == headers.end() ? std::string() : found->second;
}

struct HttpClient::Impl {
  httplib::Client client;
  std::string key;

  Impl(const std::string& url, std::string bearer) : client(url), key(std::move(bearer)) { set_deadlines(); }
  explicit Impl(const std::string& socket_path) : client(socket_path, 80) {
    client.set_address_family(AF_UNIX);
    set_deadlines();
  }
  void set_deadlines() {
    client.set_read_timeout(k_deadline);
    client.set_write_timeout(k_deadline);
    client.set_connection_timeout(k_deadline);
    client.set_keep_alive(true);
    client.set_tcp_nodelay(true);
  }
};

HttpClient::HttpClient(const Listener& listener, std::string key) {
  const bool tls = !listener.ca_file.empty();
  const auto url = std::string(tls ? "https" : "http") + "://127.0.0.1:" + std::to_string(listener.port);
  impl_ = std::make_unique<Impl>(url, std::move(key));
  if (tls) impl_->client.set_ca_cert_path(listener.ca_file);
}

HttpClient::HttpClient(const std::string& socket_path) : impl_(std::make_unique<Impl>(socket_path)) {}

HttpClient::~HttpClient() = default;

HttpAnswer HttpClient::get(const std::string& path, const Headers& headers) {
  return call("GET", path, "", headers);
}

HttpAnswer HttpClient::post(const std::string& path, const std::string& json, const Headers& headers) {
  return call("POST", path, json, headers);
}

HttpAnswer HttpClient::call(const std::string& method, const std::string& path, const std::string& body,
                            const Headers& headers) {
  httplib::Request request;
  request.method = method;
  request.path = path;
  request.body = body;
  request.set_header("Host", "localhost");
  if (!body.empty()) request.set_header("Content-Type", "application/json");
  if (!impl_->key.empty()) request.set_header("Authorization", "Bearer " + impl_->key);
  for (const auto& [name, value] : headers) {
    request.headers.erase(name);
    request.set_header(name, value);
  }
  HttpAnswer answer;
  auto result = impl_->client.send(request);
  if (!result) {
    answer.error = httplib::to_string(result.error());
    return answer;
  }
  answer.status = result->status;
  answer.body = result->body;
  for (const auto& [name, value] : result->headers) answer.headers.emplace(lower(name), value);
  return answer;
}

std::string RawHead::header(std::string_view lower_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_name) return value;
  }
  return {};
}

struct RawClient::Tls {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl{nullptr, SSL_free};

  Tls(const std::string& ca_file, int fd) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without a flag against it
    if (SSL_CTX_load_verify_file(context.get(), ca_file.c_str()) != 1)
      throw std::runtime_error("cannot read the certificates in " + ca_file);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    // A ticket is not an answer: after one the deadline counts on.
    SSL_CTX_clear_mode(context.get(), SSL_MODE_AUTO_RETRY);
    ssl.reset(SSL_new(context.get()));
    SSL_set_fd(ssl.get(), fd);
    if (SSL_connect(ssl.get()) != 1) throw std::runtime_error("the TLS handshake failed");
  }
};

RawClient::RawClient(const Listener& listener) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(listener.port));
  int yes = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (listener.receive_bytes > 0)
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &listener.receive_bytes, sizeof listener.receive_bytes);
  if (!listener.source.empty()) {
    sockaddr_in source{};
    source.sin_family = AF_INET;
    if (::inet_pton(AF_INET, listener.source.c_str(), &source.sin_addr) != 1 ||
        ::bind(fd_, reinterpret_cast<sockaddr*>(&source), sizeof source) != 0)
      throw std::runtime_error("cannot come from " + listener.source + ": " + std::strerror(errno));
  }
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect to port " + std::to_string(listener.port) + ": " + std::strerror(errno));
  if (!listener.ca_file.empty()) tls_ = std::make_unique<Tls>(listener.ca_file, fd_);
}

RawClient::~RawClient() {
  if (fd_ >= 0) ::close(fd_);
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = tls_ ? SSL_write(tls_->ssl.get(), bytes.data(), static_cast<int>(bytes.size()))
                           : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void RawClient::half_close() {
  if (tls_) SSL_shutdown(tls_->ssl.get());
  ::shutdown(fd_, SHUT_WR);
}

bool RawClient::close_notify() const {
  return tls_ && (SSL_get_shutdown(tls_->ssl.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

void RawClient::reset() {
  linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ::close(fd_);
  fd_ = -1;
}

// Bytes, 0 or less at the end. Waits up to the deadline.
long RawClient::receive(char* place, std::size_t size) {
  for (;;) {
    pollfd readable{fd_, POLLIN, 0};
    const auto deadline = std::chrono::duration_cast<std::chrono::milliseconds>(k_deadline).count();
    const bool waiting = tls_ && SSL_has_pending(tls_->ssl.get()) == 1;
    if (!waiting && ::poll(&readable, 1, static_cast<int>(deadline)) == 0)
      throw std::runtime_error("nothing came in time; so far: " + buffer_);
    if (!tls_) return ::recv(fd_, place, size, 0);
    const int got = SSL_read(tls_->ssl.get(), place, static_cast<int>(size));
    if (got > 0 || SSL_get_error(tls_->ssl.get(), got) != SSL_ERROR_WANT_READ) return got;
  }
}

bool RawClient::more() {
  if (closed_) return false;
  char bytes[16384];
  const auto got = receive(bytes, sizeof bytes);
  if (got <= 0) {
    closed_ = true;
    return false;
  }
  buffer_.append(bytes, static_cast<std::size_t>(got));
  return true;
}

std::optional<RawHead> RawClient::read_head() {
  std::size_t end;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!more()) return std::nullopt;
  }
  RawHead head;
  head.text = buffer_.substr(0, end + 4);
  buffer_.erase(0, end + 4);
  clean_end_ = false;
  if (head.text.size() > 12) std::from_chars(head.text.data() + 9, head.text.data() + 12, head.status);
  for (auto at = head.text.find("\r\n") + 2; at < head.text.size() - 2;) {
    const auto line_end = head.text.find("\r\n", at);
    const auto line = std::string_view(head.text).substr(at, line_end - at);
    const auto colon = line.find(':');
    auto value = line.substr(std::min(line.size(), colon + 1));
    while (value.starts_with(' ')) value.remove_prefix(1);
    head.headers.emplace_back(lower(std::string(line.substr(0, colon))), value);
    at = line_end + 2;
  }
  return head;
}

bool RawClient::next_chunk() {
  std::size_t line_end;
  while ((line_end = buffer_.find("\r\n")) == std::string::npos) {
    if (!more()) return false;
  }
  std::size_t size = 0;
  if (std::from_chars(buffer_.data(), buffer_.data() + line_end, size, 16).ec != std::errc())
    throw std::runtime_error("not a chunk: " + buffer_.substr(0, 80));
  while (buffer_.size() < line_end + 2 + size + 2) {
    if (!more()) return false;
  }
  body_.append(buffer_, line_end + 2, size);
  buffer_.erase(0, line_end + 2 + size + 2);
  clean_end_ = size == 0;
  return size != 0;
}

std::string RawClient::read_body(const RawHead& head) {
  if (head.header("transfer-encoding") == "chunked") {
    while (next_chunk()) {
    }
    return std::exchange(body_, {});
  }
  const std::string text = head.header("content-length");
  std::size_t length = std::string::npos;
  if (!text.empty()) std::from_chars(text.data(), text.data() + text.size(), length);
  while (buffer_.size() < length && more()) {
  }
  clean_end_ = text.empty() || buffer_.size() >= length;
  std::string body = buffer_.substr(0, length);
  buffer_.erase(0, body.size());
  return body;
}

std::optional<std::string> RawClient::read_event(const RawHead& head) {
  if (head.header("transfer-encoding") != "chunked") throw std::runtime_error("not a stream: " + head.text);
  std::size_t end;
  while ((end = body_.find("\n\n")) == std::string::npos) {
    if (clean_end_ || !next_chunk()) return std::nullopt;
  }
  std::string event = body_.substr(0, end + 2);
  body_.erase(0, end + 2);
  return event;
}

std::string RawClient::read_all() {
  while (more()) {
  }
  return std::exchange(buffer_, {});
}

bool RawClient::wait_closed() {
  return !more() && buffer_.empty();
}

std::string raw_request(std::string_view method, std::string_view path, std::string_view key, std::string_view json,
                        std::string_view extra_headers) {
  std::string text(method);
  text.append(" ").append(path).append(" HTTP/1.1\r\nHost: localhost\r\n");
  if (!key.empty()) text.append("Authorization: Bearer ").append(key).append("\r\n");
  if (!json.empty())
    text.append("Content-Type: application/json\r\nContent-Length: ")
        .append(std::to_string(json.size()))
        .append("\r\n");
  return text.append(extra_headers).append("\r\n").append(json);
}

}  // namespace cr::test
