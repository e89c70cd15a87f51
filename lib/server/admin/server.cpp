// SPDX-License-Identifier: MIT
#include "server/admin/server.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "server/admin/http.h"
#include "server/admin/socket.h"

namespace cr::server::admin {

namespace {

using base::ErrorCode;
using base::fail;

constexpr int k_nice = 10;
constexpr int k_sweep_ms = 30'000;
constexpr int k_out_of_descriptors_pause_ms = 50;

}  // namespace

struct AdminServer::Impl {
  Impl(Options wanted, AdminSocket open_socket, ledger::Ledger& ledger, Hooks hooks, base::Log& open_log)
      : options(std::move(wanted)),
        log(open_log),
        socket(std::move(open_socket)),
        api(ledger, std::move(hooks), open_log),
        http(api, {options.body_bytes_max, options.requests_per_connection_max, options.idle_timeout}),
        wake(::eventfd(0, EFD_CLOEXEC)) {}
  ~Impl() {
    if (wake >= 0) ::close(wake);
  }

  base::Result<void> start_threads();
  void stop();
  void accept_until_stopped();
  void hand_over(int fd);
  void serve_until_stopped();
  void serve(int fd);

  const Options options;
  base::Log& log;
  std::optional<AdminSocket> socket;  // until stop(): who comes later must not wait in its queue
  AdminApi api;
  AdminHttp http;
  const int wake;

  base::Mutex mutex;
  std::condition_variable waiting_changed;
  std::deque<int> waiting CR_GUARDED_BY(mutex);  // accepted, no thread has it yet
  std::set<int> served CR_GUARDED_BY(mutex);
  std::atomic<bool> stopping{false};
  std::vector<std::thread> threads;
};

base::Result<void> AdminServer::Impl::start_threads() {
  try {
    threads.emplace_back([this] { accept_until_stopped(); });
    for (std::size_t count = 0; count < options.connections_max; ++count) {
      threads.emplace_back([this] { serve_until_stopped(); });
    }
  } catch (const std::system_error& error) {
    stop();
    return fail(ErrorCode::unavailable, std::string("cannot start the admin server's threads: ") + error.what(),
                "raise the limit of tasks (TasksMax)");
  }
  return {};
}

void AdminServer::Impl::stop() {
  if (stopping.exchange(true)) return;
  const std::uint64_t one = 1;
  if (::write(wake, &one, sizeof(one)) < 0) log.error("cannot wake the admin server's thread");
  {
    const base::MutexLock lock(mutex);
    // No more is read; an answer on its way is still written.
    for (const int fd : served) ::shutdown(fd, SHUT_RD);
  }
  waiting_changed.notify_all();
  for (auto& thread : threads) thread.join();
  socket.reset();
  const base::MutexLock lock(mutex);
  for (const int fd : waiting) ::close(fd);
}

void AdminServer::Impl::accept_until_stopped() {
  auto next_sweep = base::steady_now();
  while (!stopping) {
    pollfd entries[] = {{socket->fd(), POLLIN, 0}, {wake, POLLIN, 0}};
    const int ready = ::poll(entries, 2, k_sweep_ms);
    if (base::steady_now() >= next_sweep) {
      next_sweep = base::steady_now() + std::chrono::milliseconds(k_sweep_ms);
      api.sweep();
    }
    if (ready <= 0 || stopping || entries[0].revents == 0) continue;
    const int fd = ::accept4(socket->fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      hand_over(fd);
    } else if (errno != EINTR && errno != ECONNABORTED && errno != EAGAIN) {
      // Out of descriptors, most likely: try again, but do not turn in circles.
      ::poll(nullptr, 0, k_out_of_descriptors_pause_ms);
    }
  }
}

void AdminServer::Impl::hand_over(int fd) {
  {
    const base::MutexLock lock(mutex);
    if (served.size() + waiting.size() < options.connections_max) {
      waiting.push_back(fd);
      waiting_changed.notify_one();
      return;
    }
  }
  // Never waits: a new connection's buffer has room for these bytes.
  AdminStream stream(fd, std::chrono::milliseconds(0), std::chrono::milliseconds(0));
  AdminHttp::refuse(stream, {ErrorCode::unavailable, "too many admin connections at once", "try again in a moment"});
  ::close(fd);
}

void AdminServer::Impl::serve_until_stopped() {
  // A report over years computes for a while; where processors are scarce, requests go first. Where it is not allowed,
  // nothing is lost but that.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), k_nice);
  (void)::pthread_setname_np(::pthread_self(), "admin");
  for (;;) {
    int fd = -1;
    {
      base::MutexLock lock(mutex);
      waiting_changed.wait(lock.native(), [this]() CR_REQUIRES(mutex) { return stopping || !waiting.empty(); });
      if (stopping) return;
      fd = waiting.front();
      waiting.pop_front();
      served.insert(fd);
    }
    serve(fd);
    const base::MutexLock lock(mutex);
    served.erase(fd);
    ::close(fd);
  }
}

void AdminServer::Impl::serve(int fd) {
  AdminStream stream(fd, options.request_timeout, options.write_timeout);
  const auto peer = peer_of(fd);
  if (!peer) {
    log.warning("admin connection refused", {{"reason", peer.error().message}});
    return AdminHttp::refuse(stream, peer.error());
  }
  http.serve(stream, *peer, stopping);
}

AdminServer::AdminServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AdminServer::~AdminServer() {
  stop();
}

void AdminServer::stop() {
  impl_->stop();
}

base::Result<std::unique_ptr<AdminServer>> AdminServer::start(Options options, ledger::Ledger& ledger, Hooks hooks,
                                                              base::Log& log) {
  auto socket = options.passed_socket < 0 ? AdminSocket::open(options.socket_path, options.group, log)
                                          : AdminSocket::adopt(options.passed_socket, options.socket_path, log);
  if (!socket) return tl::unexpected(socket.error());
  auto impl = std::make_unique<Impl>(std::move(options), std::move(*socket), ledger, std::move(hooks), log);
  if (impl->wake < 0) return fail(ErrorCode::unavailable, "cannot make the admin server's wake-up descriptor");
  if (auto started = impl->start_threads(); !started) return tl::unexpected(started.error());
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(impl)));
}

}  // namespace cr::server::admin
