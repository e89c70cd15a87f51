// SPDX-License-Identifier: MIT
#include "http/dns/dns_resolver.h"

#include <ares.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/text.h"

namespace cr::http::dns {

namespace {

using base::Result;
using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;

// Of one try; who waits has a shorter deadline of its own.
constexpr int k_query_timeout_ms = 2'000;
constexpr int k_query_tries = 3;
constexpr std::size_t k_queries_max = 1024;
constexpr const char* k_system_servers = "/etc/resolv.conf";

base::Error cannot(const std::string& what, int status) {
  return {base::ErrorCode::unavailable, what + ": " + base::to_lower_ascii(ares_strerror(status)), {}};
}

// Whose name it is, those who asked know: their texts begin with it.
base::Error failure_of(int status) {
  if (status == ARES_ETIMEOUT) return {base::ErrorCode::timeout, "name was not resolved in time", {}};
  return {base::ErrorCode::upstream, "name does not resolve: " + base::to_lower_ascii(ares_strerror(status)), {}};
}

// The library tells none of it: a look-up without a socket ends as one that no server answers.
std::optional<base::Error> shortage() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (fd >= 0 || (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM)) return std::nullopt;
  return base::Error{base::ErrorCode::exhausted,
                     "name cannot be asked for: " + base::to_lower_ascii(std::generic_category().message(error)),
                     {}};
}

asio::ip::address address_of(const sockaddr& name) {
  if (name.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &name, sizeof v4);
    return asio::ip::address_v4(ntohl(v4.sin_addr.s_addr));
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, &name, sizeof v6);
  asio::ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return asio::ip::address_v6(bytes);
}

// The library's own set-up, once a process; never undone, since others may be using it at exit.
int initialise_library() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  return status;
}

}  // namespace

// All but look_up() and stop() on the thread.
struct DnsResolver::Impl {
  struct Watched {
    explicit Watched(asio::io_context& io, int fd) : descriptor(io, fd) {}
    asio::posix::basic_stream_descriptor<Executor> descriptor;
    bool wants_read = false, wants_write = false;
    bool reading = false, writing = false;
  };
  struct Query {
    Impl* impl;
    std::string name;
  };

  explicit Impl(std::vector<std::string> given) : servers(std::move(given)), timer(io) {}
  ~Impl() {
    if (channel) ares_destroy(channel);
  }

  Result<void> open_channel();
  void follow_system();
  void ask(const std::string& name, Done done);
  void answered(const std::string& name, int status, const ares_addrinfo* found);
  void socket_changed(int fd, int events);
  void wait_read(const std::shared_ptr<Watched>& watched, int fd);
  void wait_write(const std::shared_ptr<Watched>& watched, int fd);
  void process(ares_socket_t readable, ares_socket_t writable);
  void set_timer();

  const std::vector<std::string> servers;
  asio::io_context io{1};
  Timer timer;
  ares_channel channel = nullptr;
  timespec system_changed{};
  NameCache cache;
  std::unordered_map<std::string, std::vector<Done>> waiting;
  std::map<int, std::shared_ptr<Watched>> sockets;
  std::thread thread;
};

Result<void> DnsResolver::Impl::open_channel() {
  ares_options options{};
  options.sock_state_cb_data = this;
  options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
    static_cast<Impl*>(self)->socket_changed(fd, (readable != 0 ? POLLIN : 0) | (writable != 0 ? POLLOUT : 0));
  };
  options.timeout = k_query_timeout_ms;
  options.tries = k_query_tries;
  char lookups[] = "fb";  // the hosts file, then DNS
  options.lookups = lookups;
  const int mask = ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS;
  if (const int status = ares_init_options(&channel, &options, mask); status != ARES_SUCCESS) {
    channel = nullptr;
    return tl::unexpected(cannot("cannot prepare to resolve names", status));
  }
  struct stat about {};
  if (::stat(k_system_servers, &about) == 0) system_changed = about.st_mtim;
  if (servers.empty()) return {};
  std::string list;
  for (const auto& server : servers) list += (list.empty() ? "" : ",") + server;
  const int status = ares_set_servers_ports_csv(channel, list.c_str());
  if (status != ARES_SUCCESS) return tl::unexpected(cannot("cannot use the DNS servers " + list, status));
  return {};
}

// A laptop moves, a lease ends: the system's servers are not those of the start for good.
void DnsResolver::Impl::follow_system() {
  struct stat about {};
  if (!servers.empty() || !waiting.empty() || ::stat(k_system_servers, &about) != 0) return;
  const bool same = about.st_mtim.tv_sec == system_changed.tv_sec && about.st_mtim.tv_nsec == system_changed.tv_nsec;
  if (same && channel) return;
  if (channel) ares_destroy(channel);
  (void)open_channel();  // without one, each look-up fails and comes here again
}

void DnsResolver::Impl::ask(const std::string& name, Done done) {
  if (const auto* known = cache.find(name, base::steady_now())) {
    done(*known);
    return;
  }
  if (const auto asked = waiting.find(name); asked != waiting.end()) {
    asked->second.push_back(std::move(done));
    return;
  }
  follow_system();
  if (waiting.size() >= k_queries_max || !channel) {
    done(base::fail(base::ErrorCode::unavailable,
                    channel ? "name was not asked for: too many are being resolved" : "name cannot be resolved"));
    return;
  }
  if (auto missing = shortage()) return done(tl::unexpected(std::move(*missing)));
  waiting[name].push_back(std::move(done));
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  const auto callback = [](void* argument, int status, int, ares_addrinfo* found) {
    const std::unique_ptr<Query> query(static_cast<Query*>(argument));
    const std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> owned(found, &ares_freeaddrinfo);
    if (status != ARES_EDESTRUCTION) query->impl->answered(query->name, status, found);
  };
  ares_getaddrinfo(channel, name.c_str(), nullptr, &hints, callback, new Query{this, name});
  set_timer();
}

void DnsResolver::Impl::answered(const std::string& name, int status, const ares_addrinfo* found) {
  Addresses addresses;
  auto ttl = static_cast<int>(NameCache::k_ttl_max.count());
  if (found != nullptr) {
    for (const auto* alias = found->cnames; alias != nullptr; alias = alias->next) ttl = std::min(ttl, alias->ttl);
    for (const auto* node = found->nodes; node != nullptr; node = node->ai_next) {
      if (node->ai_family != AF_INET && node->ai_family != AF_INET6) continue;
      ttl = std::min(ttl, node->ai_ttl);
      addresses.push_back(address_of(*node->ai_addr));
    }
  }
  Result<Addresses> answer = std::move(addresses);
  if (status != ARES_SUCCESS || answer->empty()) {
    answer = tl::unexpected(failure_of(status == ARES_SUCCESS ? ARES_ENODATA : status));
  }
  auto missing = answer ? std::nullopt : shortage();
  if (missing) {
    answer = tl::unexpected(std::move(*missing));  // and not remembered
  } else {
    cache.put(name, answer, std::chrono::seconds(ttl), base::steady_now());
  }
  auto those = std::move(waiting[name]);
  waiting.erase(name);
  for (const auto& done : those) done(answer);
}

// `events` of poll(2); none: the library closes the socket right after this.
void DnsResolver::Impl::socket_changed(int fd, int events) {
  auto& watched = sockets[fd];
  if (events == 0) {
    if (watched) watched->descriptor.release();
    sockets.erase(fd);
    return;
  }
  if (!watched) watched = std::make_shared<Watched>(io, fd);
  watched->wants_read = (events & POLLIN) != 0;
  watched->wants_write = (events & POLLOUT) != 0;
  if (watched->wants_read && !watched->reading) wait_read(watched, fd);
  if (watched->wants_write && !watched->writing) wait_write(watched, fd);
}

void DnsResolver::Impl::wait_read(const std::shared_ptr<Watched>& watched, int fd) {
  watched->reading = true;
  watched->descriptor.async_wait(asio::posix::descriptor_base::wait_read, [this, watched, fd](const auto& error) {
    watched->reading = false;
    if (error || !watched->descriptor.is_open()) return;
    process(fd, ARES_SOCKET_BAD);
    if (watched->descriptor.is_open() && watched->wants_read && !watched->reading) wait_read(watched, fd);
  });
}

void DnsResolver::Impl::wait_write(const std::shared_ptr<Watched>& watched, int fd) {
  watched->writing = true;
  watched->descriptor.async_wait(asio::posix::descriptor_base::wait_write, [this, watched, fd](const auto& error) {
    watched->writing = false;
    if (error || !watched->descriptor.is_open()) return;
    process(ARES_SOCKET_BAD, fd);
    if (watched->descriptor.is_open() && watched->wants_write && !watched->writing) wait_write(watched, fd);
  });
}

void DnsResolver::Impl::process(ares_socket_t readable, ares_socket_t writable) {
  ares_process_fd(channel, readable, writable);
  set_timer();
}

void DnsResolver::Impl::set_timer() {
  timeval wait{};
  if (ares_timeout(channel, nullptr, &wait) == nullptr) {
    timer.cancel();
    return;
  }
  timer.expires_after(std::chrono::seconds(wait.tv_sec) + std::chrono::microseconds(wait.tv_usec));
  timer.async_wait([this](const SystemError& error) {
    if (!error) process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  });
}

DnsResolver::DnsResolver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<DnsResolver>> DnsResolver::start(std::vector<std::string> servers) {
  if (const int status = initialise_library(); status != ARES_SUCCESS) {
    return tl::unexpected(cannot("cannot prepare to resolve names", status));
  }
  auto impl = std::make_unique<Impl>(std::move(servers));
  if (auto opened = impl->open_channel(); !opened) return tl::unexpected(opened.error());
  impl->thread = std::thread([it = impl.get()] {
    ::pthread_setname_np(::pthread_self(), "names");
    const auto stay = asio::make_work_guard(it->io);
    it->io.run();
  });
  return std::unique_ptr<DnsResolver>(new DnsResolver(std::move(impl)));
}

DnsResolver::~DnsResolver() {
  impl_->io.stop();
  impl_->thread.join();
}

void DnsResolver::look_up(std::string_view name, Done done) {
  asio::post(impl_->io, [impl = impl_.get(), name = base::to_lower_ascii(name), done = std::move(done)]() mutable {
    impl->ask(name, std::move(done));
  });
}

}  // namespace cr::http::dns
