// SPDX-License-Identifier: MIT
#include "support/http_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

namespace cr::test {
namespace {

std::atomic<std::size_t> accepted{0};
std::atomic<std::size_t> closed{0};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  return out;
}

constexpr std::size_t k_whole_bytes_max = std::size_t{4} * 1024 * 1024;
constexpr std::size_t k_end_bytes = std::size_t{64} * 1024;

// A body as it comes: counted and digested, and of a large one only the ends are kept.
class Body {
 public:
  explicit Body(HttpRequest& request) : request_(request), digest_(EVP_MD_CTX_new()) {
    is_form_ = request.header("content-type").starts_with("multipart/");
    EVP_DigestInit_ex(digest_.get(), EVP_sha256(), nullptr);
  }

  void add(std::string_view bytes) {
    request_.body_bytes += bytes.size();
    if (is_form_) EVP_DigestUpdate(digest_.get(), bytes.data(), bytes.size());
    auto& kept = request_.body;
    kept.append(bytes);
    if (request_.body_bytes > k_whole_bytes_max && kept.size() > 4 * k_end_bytes)
      kept.erase(k_end_bytes, kept.size() - 2 * k_end_bytes);
  }

  void finish() {
    if (!is_form_) return;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_DigestFinal_ex(digest_.get(), digest, &size);
    for (unsigned i = 0; i < size; ++i) {
      char hex[3];
      std::snprintf(hex, sizeof hex, "%02x", digest[i]);
      request_.body_sha256 += hex;
    }
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  HttpRequest& request_;
  std::unique_ptr<EVP_MD_CTX, Free> digest_;
  bool is_form_ = false;
};

// Reads requests off one connection.
class Reader {
 public:
  explicit Reader(int fd) : fd_(fd) {}

  std::optional<HttpRequest> next_head() {
    std::size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return std::nullopt;
    }
    HttpRequest request = parse_head(std::string_view(buffer_).substr(0, end));
    buffer_.erase(0, end + 4);
    return request;
  }

  void read_body(HttpRequest& request) {
    Body body(request);
    const bool chunked = lower(request.header("transfer-encoding")) == "chunked";
    request.whole = chunked ? read_chunks(body) : read_length(request, body);
    body.finish();
  }

 private:
  static HttpRequest parse_head(std::string_view head) {
    HttpRequest request;
    auto line_end = head.find("\r\n");
    auto line = head.substr(0, line_end);
    request.method = line.substr(0, line.find(' '));
    auto rest = line.substr(std::min(line.size(), request.method.size() + 1));
    request.target = rest.substr(0, rest.find(' '));
    while (line_end != std::string_view::npos) {
      head.remove_prefix(line_end + 2);
      line_end = head.find("\r\n");
      auto field = head.substr(0, line_end);
      auto colon = field.find(':');
      if (colon == std::string_view::npos) continue;
      auto value = field.substr(colon + 1);
      while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
      request.headers.emplace_back(lower(field.substr(0, colon)), value);
    }
    return request;
  }

  bool read_length(const HttpRequest& request, Body& body) {
    auto text = request.header("content-length");
    std::size_t length = 0;
    if (!text.empty() && std::from_chars(text.data(), text.data() + text.size(), length).ec != std::errc())
      return false;
    return take(length, body);
  }

  bool read_chunks(Body& body) {
    for (;;) {
      std::size_t line_end;
      while ((line_end = buffer_.find("\r\n")) == std::string::npos) {
        if (!more()) return false;
      }
      std::size_t size = 0;
      if (std::from_chars(buffer_.data(), buffer_.data() + line_end, size, 16).ec != std::errc()) return false;
      buffer_.erase(0, line_end + 2);
      if (!take(size, body)) return false;
      while (buffer_.size() < 2) {
        if (!more()) return false;
      }
      buffer_.erase(0, 2);
      if (size == 0) return true;
    }
  }

  bool take(std::size_t length, Body& body) {
    while (length > 0) {
      if (buffer_.empty() && !more()) return false;
      const auto size = std::min(length, buffer_.size());
      body.add(std::string_view(buffer_).substr(0, size));
      buffer_.erase(0, size);
      length -= size;
    }
    return true;
  }

  bool more() {
    char bytes[65536];
    ssize_t got;
    do got = ::recv(fd_, bytes, sizeof bytes, 0);
    while (got < 0 && errno == EINTR);
    if (got <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }

  int fd_;
  std::string buffer_;
};

void serve(int fd, const HttpServer::Handler& handler, const HttpServer::HeadHandler& before_body) {
  Reader reader(fd);
  while (auto request = reader.next_head()) {
    Wire wire(fd);
    if (before_body && before_body(*request, wire)) break;
    reader.read_body(*request);
    if (handler(*request, wire) == After::close) break;
  }
  ::close(fd);
  ++closed;
}

}  // namespace

std::string_view HttpRequest::header(std::string_view lower_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_name) return value;
  }
  return {};
}

std::string HttpRequest::path() const {
  return target.substr(0, target.find('?'));
}

std::string HttpRequest::query(std::string_view name) const {
  auto mark = target.find('?');
  while (mark != std::string::npos) {
    auto end = target.find('&', mark + 1);
    auto pair = std::string_view(target).substr(mark + 1, end == std::string::npos ? end : end - mark - 1);
    auto equals = pair.find('=');
    if (pair.substr(0, equals) == name) return std::string(equals == pair.npos ? "" : pair.substr(equals + 1));
    mark = end;
  }
  return {};
}

bool Wire::write(std::string_view bytes) {
  while (!bytes.empty()) {
    auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Wire::write_json(int status, std::string_view body, std::string_view extra_headers) {
  std::string answer = "HTTP/1.1 " + std::to_string(status) + " " + std::string(reason_of(status));
  answer += "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  answer += extra_headers;
  answer += "\r\n";
  answer += body;
  return write(answer);
}

bool Wire::peer_gone() const {
  pollfd poll_fd{fd_, POLLRDHUP, 0};
  return ::poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

bool Wire::wait(const std::function<bool()>& ready) const {
  while (!ready()) {
    if (!pause(std::chrono::milliseconds(10))) return false;
  }
  return true;
}

bool Wire::pause(std::chrono::milliseconds time) const {
  const auto until = std::chrono::steady_clock::now() + time;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    if (left <= 0) return true;
    pollfd poll_fd{fd_, POLLRDHUP, 0};
    if (::poll(&poll_fd, 1, static_cast<int>(left)) > 0)
      return (poll_fd.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0;
  }
}

void Wire::reset() {
  linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

HttpServer::HttpServer(Handler handler, HeadHandler before_body, int port)
    : handler_(std::move(handler)), before_body_(std::move(before_body)), listener_(-1), port_(0) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  int yes = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  socklen_t length = sizeof address;
  if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::listen(listener_, 4096) != 0 || ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    throw std::runtime_error(std::string("cannot listen: ") + std::strerror(errno));
  port_ = ntohs(address.sin_port);
}

std::size_t HttpServer::connections() {
  return accepted;
}

std::size_t HttpServer::open_connections() {
  return accepted - closed;
}

void HttpServer::run() {
  for (;;) {
    int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    int yes = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    ++accepted;
    std::thread(serve, fd, std::cref(handler_), std::cref(before_body_)).detach();
  }
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 422:
      return "Unprocessable Entity";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Status";
  }
}

}  // namespace cr::test
