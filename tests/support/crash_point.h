// SPDX-License-Identifier: MIT
// CrashPoint: a place in crd's use of its store at which it is killed, or from which on the store fails or hangs; and
// the file through which crash_shim is told.
#pragma once

#include <cstdint>
#include <string>

struct crash_control;

namespace cr::test {

struct CrashPoint {
  // commit: a sync of the write-ahead log that was written to since its last sync, which is how SQLite commits here.
  enum class Call { write, sync, commit } call = Call::commit;
  enum class When { before, after } when = When::before;
  std::int64_t at = 1;  // the at-th such call from now on
  // fail (with `error`) and hang: this call and all later ones, until disarm().
  enum class Effect { kill, fail, hang } effect = Effect::kill;
  int error = 0;
  std::string to_string() const;
};

class CrashFile {
 public:
  explicit CrashFile(const std::string& path);
  ~CrashFile();
  CrashFile(const CrashFile&) = delete;
  CrashFile& operator=(const CrashFile&) = delete;
  void arm(const CrashPoint& point);
  void disarm();       // what hangs goes on
  bool armed() const;  // and not met
  void wait_met();     // until a call has failed, or hangs; throws std::runtime_error past the deadline

 private:
  crash_control* control_;
};

}  // namespace cr::test
