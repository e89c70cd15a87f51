// SPDX-License-Identifier: MIT
#include "server/admin/server.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/rare_line.h"
#include "server/admin/farewell.h"
#include "server/admin/http.h"
#include "server/admin/places.h"
#include "server/admin/socket.h"

namespace cr::server::admin {

namespace {

using base::ErrorCode;
using base::fail;

constexpr int k_nice = 10;
constexpr int k_sweep_ms = 30'000;
constexpr int k_out_of_descriptors_pause_ms = 50;
constexpr std::size_t k_spares = 2;

// One that was accepted, and whose it is.
struct Client {
  int fd = -1;
  Peer peer;
  bool operator<(const Client& other) const { return fd < other.fd; }
};

}  // namespace

struct AdminServer::Impl {
  Impl(Options wanted, AdminSocket open_socket, ledger::Ledger& ledger, Hooks hooks, base::Log& open_log)
      : options(std::move(wanted)),
        log(open_log),
        socket(std::move(open_socket)),
        api(ledger, std::move(hooks), open_log),
        http(api, {options.body_bytes_max, options.requests_per_connection_max, options.idle_timeout}),
        wake(::eventfd(0, EFD_CLOEXEC)),
        admitted({options.connections_max + options.waiting_max,
                  options.connections_each_uid_max + options.waiting_each_uid_max,
                  options.connections_kept + options.waiting_kept},
                 ::geteuid()),
        places({options.connections_max, options.connections_each_uid_max, options.connections_kept}, ::geteuid()) {}
  ~Impl() {
    if (wake >= 0) ::close(wake);
    for (const int spare : spares) ::close(spare);
  }

  base::Result<void> start_threads();
  void stop();
  void accept_until_stopped();
  bool wait_for_client();
  int accept();
  void accept_one();
  void hand_over(int fd);
  void refuse(int fd, const base::Error& error);
  void serve_until_stopped();
  std::optional<Client> next_client() CR_REQUIRES(mutex);
  void keep_spares();

  const Options options;
  base::Log& log;
  std::optional<AdminSocket> socket;  // until stop(): who comes later must not wait in its queue
  AdminApi api;
  AdminHttp http;
  const int wake;
  // The accepting thread's.
  Farewell farewell;
  std::vector<int> spares;  // descriptors to let go of where there is none for a client
  base::RareLine no_descriptor;

  base::Mutex mutex;
  std::condition_variable waiting_changed;
  Places admitted CR_GUARDED_BY(mutex);             // those that wait, and those that are served
  Places places CR_GUARDED_BY(mutex);               // the latter
  std::deque<Client> waiting CR_GUARDED_BY(mutex);  // accepted, no thread has it yet
  std::set<Client> served CR_GUARDED_BY(mutex);
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
    for (const auto& client : served) ::shutdown(client.fd, SHUT_RD);
  }
  waiting_changed.notify_all();
  for (auto& thread : threads) thread.join();
  socket.reset();
  const base::MutexLock lock(mutex);
  for (const auto& client : waiting) ::close(client.fd);
}

// Or for the next sweep; what is refused is seen off meanwhile. Whether a client waits.
bool AdminServer::Impl::wait_for_client() {
  std::vector<pollfd> entries{{socket->fd(), POLLIN, 0}, {wake, POLLIN, 0}};
  farewell.append(entries);
  const int due = farewell.wait_ms(base::steady_now());
  const int ready = ::poll(entries.data(), entries.size(), due < 0 ? k_sweep_ms : std::min(due, k_sweep_ms));
  farewell.read(base::steady_now());
  return ready > 0 && entries[0].revents != 0;
}

void AdminServer::Impl::accept_until_stopped() {
  auto next_sweep = base::steady_now();
  while (!stopping) {
    keep_spares();
    const bool waits = wait_for_client();
    if (base::steady_now() >= next_sweep) {
      next_sweep = base::steady_now() + std::chrono::milliseconds(k_sweep_ms);
      api.sweep();
    }
    if (waits && !stopping) accept_one();
  }
}

int AdminServer::Impl::accept() {
  return ::accept4(socket->fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

void AdminServer::Impl::accept_one() {
  int fd = accept();
  const int error = fd < 0 ? errno : 0;
  if (error == EINTR || error == ECONNABORTED || error == EAGAIN) return;
  if (error != 0 && !spares.empty()) {
    // At once: whoever is quicker would take its place.
    ::close(spares.back());
    spares.pop_back();
    fd = accept();
  }
  if (fd >= 0) return hand_over(fd);
  if (const auto count = no_descriptor.count(base::steady_now())) {
    log.warning("no descriptor for a connection of the admin socket",
                {{"reason", std::generic_category().message(error)}, {"times", std::to_string(*count)}});
  }
  ::poll(nullptr, 0, k_out_of_descriptors_pause_ms);  // try again, but do not turn in circles
}

// An operator must get in where clients have taken all descriptors.
void AdminServer::Impl::keep_spares() {
  while (spares.size() < k_spares) {
    const int spare = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (spare < 0) return;
    spares.push_back(spare);
  }
}

void AdminServer::Impl::hand_over(int fd) {
  const auto peer = options.peer(fd);
  if (!peer) {
    log.warning("admin connection refused", {{"reason", peer.error().message}});
    return refuse(fd, peer.error());
  }
  {
    const base::MutexLock lock(mutex);
    if (admitted.take(peer->uid)) {
      waiting.push_back({fd, *peer});
      waiting_changed.notify_one();
      return;
    }
  }
  refuse(fd, {ErrorCode::exhausted, "crd has no admin connection left for your uid",
              "end other crctl commands, or try again in a moment"});
}

void AdminServer::Impl::refuse(int fd, const base::Error& error) {
  // Never waits: a new connection's buffer has room for these bytes.
  AdminStream stream(fd, std::chrono::milliseconds(0), std::chrono::milliseconds(0));
  AdminHttp::refuse(stream, error);
  farewell.add(fd, base::steady_now());
}

// The first whose user has a place left: one user's many wait for each other, and hold up nobody else.
std::optional<Client> AdminServer::Impl::next_client() {
  const auto found = std::find_if(waiting.begin(), waiting.end(), [this](const Client& client) CR_REQUIRES(mutex) {
    return places.take(client.peer.uid);
  });
  if (found == waiting.end()) return std::nullopt;
  const Client client = *found;
  waiting.erase(found);
  served.insert(client);
  return client;
}

void AdminServer::Impl::serve_until_stopped() {
  // A report over years computes for a while; where processors are scarce, requests go first. Where it is not allowed,
  // nothing is lost but that.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), k_nice);
  (void)::pthread_setname_np(::pthread_self(), "admin");
  for (;;) {
    std::optional<Client> client;
    {
      base::MutexLock lock(mutex);
      waiting_changed.wait(lock.native(), [&]() CR_REQUIRES(mutex) {
        if (!stopping) client = next_client();
        return stopping || client;
      });
      if (!client) return;
    }
    AdminStream stream(client->fd, options.request_timeout, options.write_timeout);
    http.serve(stream, client->peer, stopping);
    const base::MutexLock lock(mutex);
    served.erase(*client);
    places.give_back(client->peer.uid);
    admitted.give_back(client->peer.uid);
    ::close(client->fd);
  }
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
