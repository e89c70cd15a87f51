// SPDX-License-Identifier: MIT
#include "support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace cr::test {
namespace {

struct Pipe {
  int read = -1;
  int write = -1;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error(std::string("pipe2: ") + std::strerror(errno));
    read = ends[0];
    write = ends[1];
  }
};

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

// In the child: only what is safe between fork and exec.
[[noreturn]] void become(const Pipe& in, const Pipe& out, const Pipe& err, char* const* argv, char* const* env,
                         const char* directory, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  if (*directory != '\0' && ::chdir(directory) != 0) ::_exit(127);
  ::signal(SIGPIPE, SIG_DFL);
  ::dup2(in.read, 0);
  ::dup2(out.write, 1);
  ::dup2(err.write, 2);
  ::execvpe(argv[0], argv, env);
  ::_exit(127);
}

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (!added.contains(std::string(text.substr(0, text.find('='))))) merged.emplace_back(text);
  }
  for (const auto& [name, value] : added) merged.push_back(name + "=" + value);
  return merged;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

struct Process::State {
  struct Output {
    int fd = -1;
    std::string text;
    bool ended = false;
    std::thread reader;
  };

  pid_t pid = -1;
  int in = -1;
  std::array<Output, 2> outputs;
  std::optional<int> exit;
  mutable std::mutex mutex;
  std::condition_variable changed;

  Output& of(Stream stream) { return outputs[stream == Stream::out ? 0 : 1]; }

  void collect(Output& output, int fd) {
    char bytes[4096];
    for (;;) {
      const auto got = ::read(fd, bytes, sizeof bytes);
      if (got < 0 && errno == EINTR) continue;
      std::lock_guard lock(mutex);
      if (got <= 0)
        output.ended = true;
      else
        output.text.append(bytes, static_cast<std::size_t>(got));
      changed.notify_all();
      if (got <= 0) return;
    }
  }
};

Process::Process(const Options& options) : state_(std::make_unique<State>()) {
  Pipe in, out, err;
  auto argv_texts = options.argv;
  auto env_texts = merged_environment(options.env);
  const auto argv = pointers(argv_texts);
  const auto env = pointers(env_texts);
  const pid_t parent = ::getpid();
  if (options.broken_out) close_fd(out.read);  // before it can write
  state_->pid = ::fork();
  if (state_->pid == 0) become(in, out, err, argv.data(), env.data(), options.directory.c_str(), parent);
  close_fd(in.read);
  close_fd(out.write);
  close_fd(err.write);
  if (state_->pid < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  state_->in = in.write;
  state_->of(Stream::out).fd = out.read;
  state_->of(Stream::err).fd = err.read;
  for (auto& output : state_->outputs)
    output.reader = std::thread([state = state_.get(), &output, fd = output.fd] { state->collect(output, fd); });
}

Process::~Process() {
  close_in();
  if (!state_->exit) {
    ::kill(state_->pid, SIGKILL);
    wait();
  }
  for (auto& output : state_->outputs) {
    output.reader.join();
    close_fd(output.fd);
  }
}

pid_t Process::pid() const {
  return state_->pid;
}

void Process::write_in(std::string_view text) {
  // A child that does not read is its own affair: EPIPE must not kill the test.
  struct sigaction ignore {
  }, before{};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, &before);
  while (!text.empty()) {
    const auto written = ::write(state_->in, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  ::sigaction(SIGPIPE, &before, nullptr);
}

void Process::close_in() {
  close_fd(state_->in);
}

void Process::signal(int number) {
  if (!state_->exit) ::kill(state_->pid, number);
}

void Process::freeze() {
  if (state_->exit) return;
  ::kill(state_->pid, SIGSTOP);
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(state_->pid), &info, WSTOPPED | WEXITED | WNOWAIT) != 0 && errno == EINTR)
    continue;
}

std::optional<std::string> Process::wait_for_line(Stream stream, std::string_view part,
                                                  std::chrono::milliseconds deadline) {
  std::optional<std::string> found;
  std::unique_lock lock(state_->mutex);
  auto& output = state_->of(stream);
  state_->changed.wait_for(lock, deadline, [&] {
    std::size_t begin = 0;
    for (auto end = output.text.find('\n'); end != std::string::npos; end = output.text.find('\n', begin)) {
      const auto line = std::string_view(output.text).substr(begin, end - begin);
      if (line.find(part) != line.npos) {
        found = std::string(line);
        return true;
      }
      begin = end + 1;
    }
    return output.ended;
  });
  return found;
}

std::optional<int> Process::wait(std::chrono::milliseconds deadline) {
  if (!state_->exit) {
    int pid_fd = static_cast<int>(::syscall(SYS_pidfd_open, state_->pid, 0));
    if (pid_fd < 0) throw std::runtime_error(std::string("pidfd_open: ") + std::strerror(errno));
    pollfd ended{pid_fd, POLLIN, 0};
    const auto until = std::chrono::steady_clock::now() + deadline;
    int ready;
    do {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
      ready = ::poll(&ended, 1, static_cast<int>(std::max<decltype(left)>(left, 0)));
    } while (ready < 0 && errno == EINTR);
    close_fd(pid_fd);
    if (ready <= 0) return std::nullopt;
    int status = 0;
    ::waitpid(state_->pid, &status, 0);
    state_->exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  // All it wrote, unless a grandchild still holds a pipe.
  std::unique_lock lock(state_->mutex);
  state_->changed.wait_for(lock, std::chrono::seconds(5),
                           [&] { return state_->outputs[0].ended && state_->outputs[1].ended; });
  return state_->exit;
}

bool Process::running() {
  return !wait(std::chrono::milliseconds(0));
}

std::string Process::out() const {
  std::lock_guard lock(state_->mutex);
  return state_->of(Stream::out).text;
}

std::string Process::err() const {
  std::lock_guard lock(state_->mutex);
  return state_->of(Stream::err).text;
}

Finished run(const Process::Options& options, std::string_view in, std::chrono::milliseconds deadline) {
  Process process(options);
  process.write_in(in);
  process.close_in();
  const auto exit = process.wait(deadline);
  if (!exit)
    throw std::runtime_error("'" + options.argv.front() + "' did not end in time; it said: " + process.out() +
                             process.err());
  return {*exit, process.out(), process.err()};
}

}  // namespace cr::test
