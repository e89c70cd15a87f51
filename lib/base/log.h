// SPDX-License-Identifier: MIT
// Structured log lines: a level, a message, named fields. Written by one thread of its own: a caller never waits for a
// pipe. A full or closed pipe drops lines and counts them. Callers pass only allow-listed, non-secret values.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace cr::base {

enum class LogLevel { debug, info, warning, error };
enum class LogFormat { text, json, journald };  // journald: fields as CR_NAME=..., PRIORITY set

struct LogField {
  std::string_view name;  // lower_snake_case
  std::string value;
};

class Log {
 public:
  struct Options {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::text;
    std::size_t queue_lines_max = 8192;  // at least 1; the oldest line waiting gives way to a newer one
    int fd = 2;                          // duplicated; unused by journald
  };
  // Where stderr is the journal (JOURNAL_STREAM names its inode), journald; else text.
  static LogFormat detect_format();

  explicit Log(Options options);
  ~Log();  // writes what waits, bounded by one second; what is left then is lost
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});
  void debug(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::debug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::info, message, fields);
  }
  void warning(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::warning, message, fields);
  }
  void error(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::error, message, fields);
  }

  void set_level(LogLevel level);
  std::uint64_t dropped() const;  // lines lost to a full queue or a failed write

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cr::base
