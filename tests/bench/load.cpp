// SPDX-License-Identifier: MIT
// load --port P --key K [--connections 64] [--requests 20000] [--warm 2000] [--rate N] [--leave N] [--cpu-of PID]...
// One thread keeps that many kept-alive connections busy with one chat completion after the other, then prints one
// line; with --rate it sends N requests a second, each timed from when it was due (late ones wait for a connection):
//   cpu_us REQUEST_CPU p50_us P50 p99_us P99 per_second RATE errors N
// With --leave the client of each Nth request of a rate closes its connection unanswered, and comes back by another; a
// connection that crd ends is an error then, and made anew.
// REQUEST_CPU is the processor time the named processes (all their threads) took for a request. The warm-up is not
// measured. load --free-port prints a port nobody listens on.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Plan {
  int port = 0;
  std::string key;
  std::size_t connections = 64;
  std::size_t requests = 20'000;
  std::size_t warm = 2'000;
  std::size_t rate = 0;   // 0 = as fast as answers come
  std::size_t leave = 0;  // 0 = nobody
  std::vector<int> processes;
};

struct Connection {
  int fd = -1;
  std::string buffer;
  Clock::time_point sent;
};

struct Outcome {
  std::vector<double> microseconds;
  std::size_t errors = 0;
  double seconds = 0;
};

int new_socket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::runtime_error("socket");
  return fd;
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

int free_port() {
  const int fd = new_socket();
  auto address = loopback(0);
  socklen_t length = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0) throw std::runtime_error("bind");
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  ::close(fd);
  return ntohs(address.sin_port);
}

std::string request_text(const Plan& plan) {
  const std::string body =
      R"({"model":"gpt-4o-mini","max_tokens":64,"messages":[{"role":"system","content":"You answer in one sentence."},)"
      R"({"role":"user","content":"What is the capital of France, and since when has it been?"}]})";
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + plan.key +
         "\r\nContent-Type: application/json\r\nAccept: application/json\r\nUser-Agent: load\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

// Status of the first whole answer in `buffer`, which it is then taken from; 0 if there is none yet.
int take_answer(std::string& buffer) {
  const std::string_view bytes(buffer);
  const auto head_end = bytes.find("\r\n\r\n");
  if (head_end == bytes.npos) return 0;
  std::string head(bytes.substr(0, head_end));
  std::transform(head.begin(), head.end(), head.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  constexpr std::string_view k_length = "\r\ncontent-length: ";
  const auto at = head.find(k_length);
  if (at == head.npos) throw std::runtime_error("an answer without Content-Length: " + buffer);
  std::size_t length = 0;
  std::from_chars(head.data() + at + k_length.size(), head.data() + head.size(), length);
  if (bytes.size() < head_end + 4 + length) return 0;
  int status = 0;
  std::from_chars(bytes.data() + 9, bytes.data() + 12, status);
  buffer.erase(0, head_end + 4 + length);
  return status;
}

class Load {
 public:
  explicit Load(const Plan& plan)
      : request_(request_text(plan)), poll_(::epoll_create1(EPOLL_CLOEXEC)), port_(plan.port), leave_(plan.leave) {
    connections_.resize(plan.connections);
    for (auto& connection : connections_) connect(connection);
  }

  Outcome run_at_rate(std::size_t requests, std::size_t rate) {
    Outcome outcome;
    outcome.microseconds.reserve(requests);
    std::vector<Connection*> idle;
    for (auto& connection : connections_) idle.push_back(&connection);
    const auto begin = Clock::now();
    const auto due = [&](std::size_t i) {
      return begin + std::chrono::nanoseconds(
                         static_cast<std::int64_t>(1e9 * static_cast<double>(i) / static_cast<double>(rate)));
    };
    std::array<epoll_event, 256> events;
    for (std::size_t sent = 0; outcome.microseconds.size() < requests;) {
      for (; sent < requests && !idle.empty() && due(sent) <= Clock::now(); ++sent) {
        send(*idle.back());
        idle.back()->sent = due(sent);
        if (leave_ > 0 && sent % leave_ == 0) {
          outcome.microseconds.push_back(0);
          connect(*idle.back());
          idle.back()->sent = {};
        } else {
          idle.pop_back();
        }
      }
      const auto wait =
          sent < requests && !idle.empty() ? due(sent) - Clock::now() : Clock::duration(std::chrono::seconds(10));
      const timespec timeout{wait.count() / 1'000'000'000, std::max<std::int64_t>(0, wait.count() % 1'000'000'000)};
      const int ready = ::epoll_pwait2(poll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
      if (ready < 0) throw std::runtime_error("epoll_pwait2");
      for (int i = 0; i < ready; ++i) {
        auto& connection = connections_[events[static_cast<std::size_t>(i)].data.u64];
        if (receive(connection, outcome)) idle.push_back(&connection);
      }
    }
    outcome.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    return outcome;
  }

  Outcome run(std::size_t requests) {
    Outcome outcome;
    outcome.microseconds.reserve(requests);
    const auto begin = Clock::now();
    std::size_t sent = 0;
    for (auto& connection : connections_) {
      if (sent < requests) send(connection), ++sent;
    }
    std::array<epoll_event, 256> events;
    while (outcome.microseconds.size() < requests) {
      const int ready = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), 10'000);
      if (ready <= 0) throw std::runtime_error("no answer for ten seconds");
      for (int i = 0; i < ready; ++i) {
        auto& connection = connections_[events[static_cast<std::size_t>(i)].data.u64];
        if (!receive(connection, outcome)) continue;
        if (sent < requests) send(connection), ++sent;
      }
    }
    outcome.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    return outcome;
  }

 private:
  // Anew, if it was.
  void connect(Connection& connection) {
    if (connection.fd >= 0) ::close(connection.fd);
    connection.fd = new_socket();
    connection.buffer.clear();
    int yes = 1;
    ::setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    const auto address = loopback(port_);
    if (::connect(connection.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("cannot connect to port " + std::to_string(port_));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = static_cast<std::uint64_t>(&connection - connections_.data());
    ::epoll_ctl(poll_, EPOLL_CTL_ADD, connection.fd, &event);
  }

  void send(Connection& connection) {
    connection.sent = Clock::now();
    const auto all = static_cast<ssize_t>(request_.size());
    if (::send(connection.fd, request_.data(), request_.size(), MSG_NOSIGNAL) == all) return;
    if (leave_ == 0) throw std::runtime_error("the connection was closed");
    connect(connection);
    if (::send(connection.fd, request_.data(), request_.size(), MSG_NOSIGNAL) != all)
      throw std::runtime_error("a new connection was closed");
  }

  bool receive(Connection& connection, Outcome& outcome) {
    std::array<char, 16384> bytes;
    const auto got = ::recv(connection.fd, bytes.data(), bytes.size(), 0);
    if (got <= 0 && leave_ > 0) {
      // Idle ones may be closed; whose request was under way, counts.
      const bool lost = connection.sent != Clock::time_point();
      connect(connection);
      if (!lost) return false;
      connection.sent = {};
      outcome.microseconds.push_back(0);
      ++outcome.errors;
      return true;
    }
    if (got <= 0) throw std::runtime_error("the connection was closed in mid-answer");
    connection.buffer.append(bytes.data(), static_cast<std::size_t>(got));
    const int status = take_answer(connection.buffer);
    if (status == 0) return false;
    outcome.microseconds.push_back(std::chrono::duration<double, std::micro>(Clock::now() - connection.sent).count());
    connection.sent = {};
    if (status != 200) ++outcome.errors;
    return true;
  }

  std::string request_;
  int poll_;
  const int port_;
  const std::size_t leave_;
  std::vector<Connection> connections_;
};

// Nanoseconds of processor time of a process, all its threads.
double cpu_nanoseconds(int process) {
  clockid_t clock;
  timespec time{};
  if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &time) != 0)
    throw std::runtime_error("cannot read the processor time of process " + std::to_string(process));
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

double cpu_nanoseconds(const std::vector<int>& processes) {
  double sum = 0;
  for (const int process : processes) sum += cpu_nanoseconds(process);
  return sum;
}

std::size_t number(const char* text) {
  char* end = nullptr;
  const auto value = std::strtoul(text, &end, 10);
  if (*text == '\0' || *end != '\0') throw std::runtime_error(std::string("not a number: ") + text);
  return value;
}

Plan plan_of(int argc, char** argv) {
  Plan plan;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name(argv[i]);
    if (name == "--port")
      plan.port = static_cast<int>(number(argv[i + 1]));
    else if (name == "--key")
      plan.key = argv[i + 1];
    else if (name == "--connections")
      plan.connections = number(argv[i + 1]);
    else if (name == "--requests")
      plan.requests = number(argv[i + 1]);
    else if (name == "--warm")
      plan.warm = number(argv[i + 1]);
    else if (name == "--rate")
      plan.rate = number(argv[i + 1]);
    else if (name == "--leave")
      plan.leave = number(argv[i + 1]);
    else if (name == "--cpu-of")
      plan.processes.push_back(static_cast<int>(number(argv[i + 1])));
    else
      throw std::runtime_error("unknown option " + std::string(name));
  }
  if (plan.port == 0 || plan.connections == 0 || plan.requests == 0) throw std::runtime_error("--port is needed");
  return plan;
}

int run(const Plan& plan) {
  Load load(plan);
  // One for each connection at least: one that never sent anything is soon closed as one that never will.
  if (plan.warm > 0) load.run(std::max(plan.warm, plan.connections));
  const double before = cpu_nanoseconds(plan.processes);
  auto outcome = plan.rate > 0 ? load.run_at_rate(plan.requests, plan.rate) : load.run(plan.requests);
  const double cpu = (cpu_nanoseconds(plan.processes) - before) / 1000 / static_cast<double>(plan.requests);
  std::sort(outcome.microseconds.begin(), outcome.microseconds.end());
  const auto at = [&](double part) {
    return outcome.microseconds[static_cast<std::size_t>(part * static_cast<double>(outcome.microseconds.size() - 1))];
  };
  std::printf("cpu_us %.2f p50_us %.0f p99_us %.0f per_second %.0f errors %zu\n", cpu, at(0.5), at(0.99),
              static_cast<double>(plan.requests) / outcome.seconds, outcome.errors);
  return outcome.errors == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 2 && std::string_view(argv[1]) == "--free-port") {
      std::printf("%d\n", free_port());
      return 0;
    }
    return run(plan_of(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "load: %s\n", error.what());
    return 1;
  }
}
