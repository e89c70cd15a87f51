// SPDX-License-Identifier: MIT
// Daemon: the real crd on a temporary state directory, and crctl talking to it. One thread.
//
// Readiness is awaited, not slept for: crd logs `listening ... address=127.0.0.1:PORT` once a listener, then `ready`.
// With `clock`, crd and crctl run on a wall clock of the test's own (clock_shim): it stands still where set_time puts
// it, and at 0 shows real time. Under a sanitizer its runtime must be the first library loaded, so it is preloaded
// before the shim. With `crash_shim`, crash_at names the write or sync of the store at which crd is killed, or from
// which on the store fails or hangs (crash_shim).
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/client.h"
#include "support/crash_point.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace cr::test {

struct DaemonOptions {
  std::string top_level;  // TOML keys before the first table
  std::string tables;     // TOML after them
  std::string listen = "[\"127.0.0.1:0\"]";
  std::string state_dir;  // empty = one of its own
  bool tls = false;       // with a certificate of its own: cert.pem and key.pem in its directory
  bool clock = false;
  bool crash_shim = false;
  std::map<std::string, std::string> env;
  // Listening sockets that each start is passed, as systemd does with those of its .socket units; they stay the test's.
  std::vector<int> passed;
  bool start = true;
};

class ClockFile {
 public:
  explicit ClockFile(const std::string& path);
  ~ClockFile();
  ClockFile(const ClockFile&) = delete;
  ClockFile& operator=(const ClockFile&) = delete;
  void set(std::chrono::sys_time<std::chrono::milliseconds> time);
  std::chrono::sys_time<std::chrono::milliseconds> now() const;

 private:
  volatile std::int64_t* nanoseconds_;
};

class Daemon {
 public:
  explicit Daemon(DaemonOptions options = {});  // throws std::runtime_error with crd's own words
  ~Daemon();

  int port() const { return port_; }
  std::string url() const;    // http://127.0.0.1:PORT, or https
  Listener listener() const;  // what a client connects to, in the protocol it speaks
  std::string socket() const { return dir_ / "admin.sock"; }
  std::string state_dir() const { return options_.state_dir.empty() ? dir_ / "state" : options_.state_dir; }
  std::string config_file() const { return dir_ / "crd.toml"; }
  std::string ledger() const { return state_dir() + "/ledger.db"; }
  const TempDir& dir() const { return dir_; }
  Process& process() { return *process_; }

  void start();
  bool try_start();  // false: killed at a crash point on its way
  int stop();        // SIGTERM, then its exit code
  void kill9();
  void crash_at(const CrashPoint& point) { crash_->arm(point); }
  void disarm() { crash_->disarm(); }
  bool armed() const { return crash_->armed(); }  // the crash point is still ahead
  void wait_met() { crash_->wait_met(); }         // a call failed, or hangs
  int restart();                                  // stop and start; the exit code of the stop
  std::string log() const;                        // of the running or last crd
  // Once a line of it contains `part`, or half a minute is over, or crd has ended: lines are written off the workers,
  // so that one can come after the answer it is about.
  std::string log_with(std::string_view part) const;

  // crctl with --socket given. `expect_ok` of the short form: throws with crctl's words unless it exits 0; returns
  // stdout.
  Finished crctl(std::vector<std::string> args, std::string_view in = {});
  std::string must(std::vector<std::string> args, std::string_view in = {});
  // Rows of a query on the ledger, read-only; NULL is "NULL".
  std::vector<std::vector<std::string>> sql(const std::string& query) const;
  std::string sql_value(const std::string& query) const;  // the only cell

  void write_config();  // from the options; for a test of reload, edit the file
  void set_time(std::chrono::sys_time<std::chrono::milliseconds> time) { clock_->set(time); }
  void step(std::chrono::milliseconds by) { clock_->set(clock_->now() + by); }
  std::chrono::sys_time<std::chrono::milliseconds> now() const { return clock_->now(); }

 private:
  std::vector<std::string> command() const;
  std::map<std::string, std::string> environment() const;
  void expect_no_report() const;

  DaemonOptions options_;
  TempDir dir_;
  std::unique_ptr<ClockFile> clock_;
  std::unique_ptr<CrashFile> crash_;
  std::unique_ptr<Process> process_;
  int port_ = 0;
};

}  // namespace cr::test
