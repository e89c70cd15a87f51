// SPDX-License-Identifier: MIT
// bench_upstream: a provider that costs next to nothing: one thread, epoll, one fixed answer with usage, kept-alive
// connections. Prints "listening PORT", which may be given as an argument. Reads requests with Content-Length only.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

constexpr std::string_view k_body =
    R"({"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"gpt-4o-mini","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"A short answer, of the length that many answers have."},)"
    R"("logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":21,"completion_tokens":12,"total_tokens":33}})";

std::string answer() {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(k_body.size()) +
         "\r\n\r\n" + std::string(k_body);
}

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

// 0: on any.
int listen_on(int& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  socklen_t length = sizeof address;
  if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(fd, 4096) != 0)
    die("listen");
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  port = ntohs(address.sin_port);
  return fd;
}

// The length of the first whole request in `bytes`, 0 if there is none yet.
std::size_t whole_request(std::string_view bytes) {
  const auto head_end = bytes.find("\r\n\r\n");
  if (head_end == bytes.npos) return 0;
  std::size_t length = 0;
  for (const std::string_view name : {"\r\nContent-Length: ", "\r\ncontent-length: "}) {
    const auto at = bytes.substr(0, head_end).find(name);
    if (at != bytes.npos) std::from_chars(bytes.data() + at + name.size(), bytes.data() + head_end, length);
  }
  const auto whole = head_end + 4 + length;
  return bytes.size() >= whole ? whole : 0;
}

// False when the connection is over.
bool serve(int fd, std::string& buffer) {
  static const std::string k_answer = answer();
  std::array<char, 16384> bytes;
  const auto got = ::recv(fd, bytes.data(), bytes.size(), 0);
  if (got <= 0) return false;
  buffer.append(bytes.data(), static_cast<std::size_t>(got));
  while (const auto whole = whole_request(buffer)) {
    buffer.erase(0, whole);
    if (::send(fd, k_answer.data(), k_answer.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(k_answer.size()))
      return false;
  }
  return true;
}

void accept_all(int listener, int poll) {
  int fd;
  while ((fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    int yes = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
  }
}

}  // namespace

int main(int argc, char** argv) {
  int port = argc > 1 ? std::atoi(argv[1]) : 0;
  const int listener = listen_on(port);
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = listener;
  ::epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
  std::printf("listening %d\n", port);
  std::fflush(stdout);
  std::unordered_map<int, std::string> buffers;
  std::array<epoll_event, 256> events;
  for (;;) {
    const int ready = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        accept_all(listener, poll);
      } else if (!serve(fd, buffers[fd])) {
        buffers.erase(fd);
        ::close(fd);
      }
    }
  }
}
