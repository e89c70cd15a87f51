// SPDX-License-Identifier: MIT
#include "support/daemon.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>

#include "support/programs.h"
#include "support/self_signed.h"

namespace cr::test {
namespace {

using Time = std::chrono::sys_time<std::chrono::milliseconds>;

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

int port_in(const std::string& line) {
  const auto field = line.find("address=");
  const auto colon = line.rfind(':');
  if (field == std::string::npos || colon == std::string::npos || colon < field)
    throw std::runtime_error("no address in: " + line);
  return std::stoi(line.substr(colon + 1));
}

}  // namespace

ClockFile::ClockFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, sizeof(std::int64_t)) != 0) throw std::runtime_error("cannot make " + path);
  void* mapped = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (mapped == MAP_FAILED) throw std::runtime_error("cannot map " + path);
  nanoseconds_ = static_cast<volatile std::int64_t*>(mapped);
}

ClockFile::~ClockFile() {
  ::munmap(const_cast<std::int64_t*>(nanoseconds_), sizeof(std::int64_t));
}

void ClockFile::set(Time time) {
  *nanoseconds_ = time.time_since_epoch().count() * 1'000'000;
}

Time ClockFile::now() const {
  if (*nanoseconds_ == 0)
    return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return Time(std::chrono::milliseconds(*nanoseconds_ / 1'000'000));
}

Daemon::Daemon(DaemonOptions options) : options_(std::move(options)) {
  if (options_.clock) {
    clock_ = std::make_unique<ClockFile>(dir_ / "clock");
    clock_->set(clock_->now());
  }
  if (options_.crash_shim) crash_ = std::make_unique<CrashFile>(dir_ / "crash");
  if (options_.tls) {
    const auto made = SelfSigned::make();
    write_file(dir_ / "cert.pem", made.cert);
    write_file(dir_ / "key.pem", made.key);
  }
  write_config();
  if (options_.start) start();
}

Daemon::~Daemon() {
  expect_no_report();
}

// A sanitizer's report is a failure, also where crd went on after it or was killed before its exit code told of it.
void Daemon::expect_no_report() const {
  const auto written = log();
  for (const std::string_view mark : {"Sanitizer: ", ": runtime error: "}) {
    const auto at = written.find(mark);
    if (at == std::string::npos) continue;
    ADD_FAILURE() << written.substr(written.rfind('\n', at) + 1, 8000);
    return;
  }
}

std::string Daemon::url() const {
  return std::string(options_.tls ? "https" : "http") + "://127.0.0.1:" + std::to_string(port_);
}

Listener Daemon::listener() const {
  return {port_, options_.tls ? dir_ / "cert.pem" : std::string()};
}

std::string Daemon::log() const {
  return process_ ? process_->err() : std::string();
}

std::string Daemon::log_with(std::string_view part) const {
  if (process_) process_->wait_for_line(Stream::err, part, std::chrono::seconds(30));
  return log();
}

void Daemon::write_config() {
  const auto tls =
      options_.tls ? "[tls]\ncert = \"" + (dir_ / "cert.pem") + "\"\nkey = \"" + (dir_ / "key.pem") + "\"\n" : "";
  // By itself it would lie beside a state directory that is another's, and stay there.
  const auto head =
      options_.state_dir.empty() ? std::string() : "[store]\nhead = \"" + (dir_ / "state-head/head") + "\"\n";
  write_file(config_file(), "listen = " + options_.listen + "\nadmin_socket = \"" + socket() + "\"\nstate_dir = \"" +
                                state_dir() + "\"\n" + options_.top_level + "\n" + tls + head + options_.tables + "\n");
}

std::map<std::string, std::string> Daemon::environment() const {
  auto env = options_.env;
  std::string preload = sanitizer_library();
  const auto add = [&](const char* library) { preload.append(preload.empty() ? "" : ":").append(library); };
  if (clock_) {
    add(CR_TEST_CLOCK_SHIM);
    env["CR_TEST_CLOCK"] = dir_ / "clock";
  }
  if (crash_) {
    add(CR_TEST_CRASH_SHIM);
    env["CR_TEST_CRASH"] = dir_ / "crash";
  }
  if (clock_ || crash_) env["LD_PRELOAD"] = preload;
  return env;
}

void Daemon::start() {
  if (!try_start()) throw std::runtime_error("crd was killed at a crash point of its start");
}

// Passed sockets are numbered from 3 on, and are for the process of that id (sd_listen_fds(3)).
std::vector<std::string> Daemon::command() const {
  std::vector<std::string> argv = {crd_program(), "--config", config_file()};
  if (options_.passed.empty()) return argv;
  std::string script = "exec";
  for (std::size_t i = 0; i < options_.passed.size(); ++i)
    script += " " + std::to_string(3 + i) + "<&" + std::to_string(options_.passed[i]);
  script += "; export LISTEN_PID=$$ LISTEN_FDS=" + std::to_string(options_.passed.size()) + "; exec \"$@\"";
  argv.insert(argv.begin(), {"bash", "-c", script, "bash"});
  return argv;
}

bool Daemon::try_start() {
  expect_no_report();  // of the one before
  process_ = std::make_unique<Process>(Process::Options{.argv = command(), .env = environment(), .directory = {}});
  const auto ready = process_->wait_for_line(Stream::err, " ready");
  if (!ready) {
    const auto exit = process_->wait(std::chrono::seconds(5));
    if (crash_ && exit == 128 + SIGKILL) return false;
    throw std::runtime_error("crd did not start (exit " + (exit ? std::to_string(*exit) : "none") +
                             "): " + process_->err());
  }
  const auto listening = process_->wait_for_line(Stream::err, " listening ");
  if (!listening) throw std::runtime_error("crd did not say where it listens: " + process_->err());
  port_ = port_in(*listening);
  return true;
}

int Daemon::stop() {
  process_->signal(SIGTERM);
  const auto exit = process_->wait();
  if (!exit) throw std::runtime_error("crd did not stop in time; its log: " + process_->err());
  return *exit;
}

void Daemon::kill9() {
  process_->signal(SIGKILL);
  process_->wait();
}

int Daemon::restart() {
  const int exit = stop();
  start();
  return exit;
}

Finished Daemon::crctl(std::vector<std::string> args, std::string_view in) {
  std::vector<std::string> argv = {crctl_program(), "--socket", socket()};
  argv.insert(argv.end(), args.begin(), args.end());
  return run({.argv = std::move(argv), .env = environment(), .directory = {}}, in);
}

std::string Daemon::must(std::vector<std::string> args, std::string_view in) {
  std::string words;
  for (const auto& arg : args) words += " " + arg;
  auto finished = crctl(std::move(args), in);
  if (finished.exit != 0)
    throw std::runtime_error("crctl" + words + ": exit " + std::to_string(finished.exit) + ": " + finished.err);
  return finished.out;
}

std::vector<std::vector<std::string>> Daemon::sql(const std::string& query) const {
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(ledger().c_str(), &raw, SQLITE_OPEN_READONLY, nullptr);
  std::unique_ptr<sqlite3, CloseDatabase> database(raw);
  auto fail = [&] { return std::runtime_error(query + ": " + sqlite3_errmsg(database.get())); };
  if (opened != SQLITE_OK) throw fail();
  sqlite3_busy_timeout(database.get(), 10'000);
  sqlite3_stmt* raw_statement = nullptr;
  if (sqlite3_prepare_v2(database.get(), query.c_str(), -1, &raw_statement, nullptr) != SQLITE_OK) throw fail();
  std::unique_ptr<sqlite3_stmt, CloseDatabase> statement(raw_statement);
  std::vector<std::vector<std::string>> rows;
  int step;
  while ((step = sqlite3_step(statement.get())) == SQLITE_ROW) {
    std::vector<std::string> row;
    for (int column = 0; column < sqlite3_column_count(statement.get()); ++column) {
      const void* blob = sqlite3_column_blob(statement.get(), column);
      const bool null = sqlite3_column_type(statement.get(), column) == SQLITE_NULL;
      const auto bytes = static_cast<std::size_t>(sqlite3_column_bytes(statement.get(), column));
      row.push_back(null ? "NULL" : std::string(static_cast<const char*>(blob), bytes));
    }
    rows.push_back(std::move(row));
  }
  if (step != SQLITE_DONE) throw fail();
  return rows;
}

std::string Daemon::sql_value(const std::string& query) const {
  const auto rows = sql(query);
  if (rows.size() != 1 || rows.front().size() != 1) throw std::runtime_error(query + ": not one value");
  return rows.front().front();
}

}  // namespace cr::test
