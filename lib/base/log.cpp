// SPDX-License-Identifier: MIT
#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/sink.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <future>
#include <system_error>
#include <thread>
#include <vector>

#include "base/log_format.h"

namespace cr::base {
namespace {

constexpr std::chrono::seconds k_last_words_time{1};

// What outlives the Log when its pipe stays full: shared by the sink, which the writer thread holds.
struct Fate {
  std::atomic<std::uint64_t> lost{0};
  std::atomic<bool> abandoned{false};
};

// Writes whole lines, waiting as long as it takes: only the writer thread is ever here.
class FdSink final : public spdlog::sinks::sink {
 public:
  // Its own descriptor: the writer may outlive the Log, and the number may name another file by then.
  FdSink(int fd, std::shared_ptr<Fate> fate) : fd_(fcntl(fd, F_DUPFD_CLOEXEC, 3)), fate_(std::move(fate)) {}
  ~FdSink() override {
    if (fd_ >= 0) close(fd_);
  }
  FdSink(const FdSink&) = delete;
  FdSink& operator=(const FdSink&) = delete;

  void log(const spdlog::details::log_msg& line) override {
    if (!write_all({line.payload.data(), line.payload.size()})) ++fate_->lost;
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}  // lines come formatted
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  bool write_all(std::string_view text) {
    while (!text.empty()) {
      if (fate_->abandoned) return false;
      const ssize_t written = write(fd_, text.data(), text.size());
      if (written >= 0) {
        text.remove_prefix(static_cast<std::size_t>(written));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        pollfd waiting{fd_, POLLOUT, 0};
        if (poll(&waiting, 1, 100) < 0 && errno != EINTR) return false;
      } else if (errno != EINTR) {
        return false;
      }
    }
    return true;
  }

  int fd_;
  std::shared_ptr<Fate> fate_;
};

// Fields arrive joined by NUL, which no escaped value holds.
class JournalSink final : public spdlog::sinks::sink {
 public:
  explicit JournalSink(std::shared_ptr<Fate> fate) : fate_(std::move(fate)) {}

  void log(const spdlog::details::log_msg& line) override {
    std::vector<iovec> fields;
    std::string_view rest(line.payload.data(), line.payload.size());
    while (!rest.empty()) {
      const std::string_view field = rest.substr(0, rest.find('\0'));
      fields.push_back({const_cast<char*>(field.data()), field.size()});
      rest.remove_prefix(std::min(field.size() + 1, rest.size()));
    }
    if (fate_->abandoned || sd_journal_sendv(fields.data(), static_cast<int>(fields.size())) < 0) ++fate_->lost;
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  std::shared_ptr<Fate> fate_;
};

std::string payload_of(LogFormat format, const LogEvent& event) {
  if (format == LogFormat::text) return format_log_text(event) + '\n';
  if (format == LogFormat::json) return format_log_json(event) + '\n';
  std::string joined;
  for (const std::string& field : format_log_journal(event)) {
    if (!joined.empty()) joined += '\0';
    joined += field;
  }
  return joined;
}

// Signals are for the threads that wait for them; a closed pipe shows as EPIPE here, whatever the process does.
void block_all_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

struct Log::Impl {
  std::atomic<LogLevel> level;
  LogFormat format;
  std::shared_ptr<Fate> fate = std::make_shared<Fate>();
  std::shared_ptr<spdlog::details::thread_pool> writer;
  std::shared_ptr<spdlog::async_logger> queue;

  explicit Impl(const Options& options) : level(options.level), format(options.format) {
    writer = std::make_shared<spdlog::details::thread_pool>(std::max<std::size_t>(options.queue_lines_max, 1), 1,
                                                            block_all_signals);
    spdlog::sink_ptr sink;
    if (format == LogFormat::journald) {
      sink = std::make_shared<JournalSink>(fate);
    } else {
      sink = std::make_shared<FdSink>(options.fd, fate);
    }
    queue = std::make_shared<spdlog::async_logger>("crd", std::move(sink), writer,
                                                   spdlog::async_overflow_policy::overrun_oldest);
    queue->set_level(spdlog::level::trace);
    queue->set_error_handler([lost = fate](const std::string&) { ++lost->lost; });
  }
};

LogFormat Log::detect_format() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  if (stream == nullptr) return LogFormat::text;
  struct stat status {};
  if (fstat(STDERR_FILENO, &status) != 0) return LogFormat::text;
  const std::string here = std::to_string(status.st_dev) + ':' + std::to_string(status.st_ino);
  return here == stream ? LogFormat::journald : LogFormat::text;
}

Log::Log(Options options) : impl_(std::make_unique<Impl>(options)) {}

Log::~Log() {
  // Ending the writer waits for its last write, which a full pipe can hold up for ever: so another thread waits for it,
  // and that one is left behind if it takes too long. It owns everything it touches.
  auto ended = std::make_shared<std::promise<void>>();
  std::future<void> end = ended->get_future();
  const std::shared_ptr<Fate> fate = impl_->fate;
  std::thread ending([ended, writer = std::move(impl_->writer), queue = std::move(impl_->queue)]() mutable {
    block_all_signals();
    writer.reset();
    queue.reset();
    ended->set_value();
  });
  if (end.wait_for(k_last_words_time) == std::future_status::ready) {
    ending.join();
    return;
  }
  fate->abandoned = true;
  ending.detach();
}

void Log::write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (level < impl_->level.load(std::memory_order_relaxed)) return;
  const LogEvent event{wall_now(), level, message, fields};
  impl_->queue->log(spdlog::level::critical, payload_of(impl_->format, event));
}

void Log::set_level(LogLevel level) {
  impl_->level.store(level, std::memory_order_relaxed);
}

std::uint64_t Log::dropped() const {
  return impl_->fate->lost + impl_->writer->overrun_counter();
}

}  // namespace cr::base
