// SPDX-License-Identifier: MIT
// One log event as text, JSON or journal fields. Pure, any thread. Control bytes, bidi controls and invalid UTF-8 are
// escaped in every part, so an event is one line and cannot pass for two.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"

namespace cr::base {

struct LogEvent {
  Time time;
  LogLevel level = LogLevel::info;
  std::string_view message;
  std::initializer_list<LogField> fields;
};

std::string_view name_of(LogLevel level);

// 2026-01-31T12:00:00.123Z warning message key=value key="quoted value"
std::string format_log_text(const LogEvent& event);
// {"time":"2026-01-31T12:00:00.123Z","level":"warning","message":"message","key":"value"}
std::string format_log_json(const LogEvent& event);
// MESSAGE=message key=value, PRIORITY=4, SYSLOG_IDENTIFIER=crd, CR_KEY=value. The message repeats the fields because
// journalctl shows nothing else by default.
std::vector<std::string> format_log_journal(const LogEvent& event);

}  // namespace cr::base
