// SPDX-License-Identifier: MIT
// The words `status` and `version`.
#include <fmt/format.h>

#include "base/text.h"
#include "crctl/commands.h"
#include "crctl/diagnosis.h"
#include "crctl/fetch.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using admin::Status;
using base::Result;

Cell bytes_cell(std::int64_t bytes) {
  constexpr double k_mib = 1024.0 * 1024.0;
  return {std::to_string(bytes), fmt::format("{:.1f} MiB", static_cast<double>(bytes) / k_mib), Style::none};
}

// "2026-11-20 (10d)": how old the shipped prices are; marked where they are old.
Cell price_list_cell(const std::string& date, const View& view) {
  const auto days = price_list_age(date, view.now);
  if (!days) return text_cell(date);
  const bool old = *days > k_price_list_old_days;
  return {date, fmt::format("{} ({} days old{})", date, *days, old ? ": update crd" : ""),
          old ? Style::warn : Style::none};
}

const RecordKind<Status>& status_kind() {
  using T = const Status&;
  using V = const View&;
  static const RecordKind<Status> k_kind{
      "status",
      {
          {{"state"}, [](T s, V) { return status_cell(s.state); }},
          {{"version"}, [](T s, V) { return text_cell(s.version); }},
          {{"pid"}, [](T s, V) { return text_cell(std::to_string(s.pid)); }},
          {{"started"}, [](T s, V v) { return past_cell(s.started_at, v); }},
          {{"listen"}, [](T s, V) { return text_cell(join(s.listen, ",")); }},
          {{"admin_socket"}, [](T s, V) { return text_cell(s.admin_socket); }},
          {{"state_dir"}, [](T s, V) { return text_cell(s.state_dir); }},
          {{"config_file"}, [](T s, V) { return text_cell(s.config_file.empty() ? "none" : s.config_file); }},
          {{"workers"}, [](T s, V) { return count_cell(s.workers); }},
          {{"connections"}, [](T s, V) { return count_cell(s.connections); }},
          {{"requests_running"}, [](T s, V) { return count_cell(s.requests_running); }},
          {{"requests_total"}, [](T s, V) { return count_cell(s.requests_total); }},
          {{"tokens"}, [](T s, V) { return count_cell(s.tokens); }},
          {{"channels"}, [](T s, V) { return count_cell(s.channels); }},
          {{"ledger"}, [](T s, V) { return text_cell(s.ledger); }},
          {{"ledger_commits"}, [](T s, V) { return count_cell(s.ledger_commits); }},
          {{"ledger_queue"}, [](T s, V) { return count_cell(s.ledger_queue); }},
          {{"ledger_backlog"}, [](T s, V) { return count_cell(s.ledger_backlog); }},
          {{"head"}, [](T s, V) { return text_cell(s.head); }},
          {{"price_list"}, [](T s, V v) { return price_list_cell(s.price_list, v); }},
          {{"certificate_expires"},
           [](T s, V v) {
             return s.certificate_expires ? expiry_cell(s.certificate_expires, v) : text_cell("no TLS");
           }},
          {{"overrun"}, [](T s, V) { return money_cell(s.overrun, 9); }},
          {{"memory_used"}, [](T s, V) { return bytes_cell(s.memory_used); }},
          {{"memory_limit"}, [](T s, V) { return bytes_cell(s.memory_limit); }},
          {{"log_lines_dropped"}, [](T s, V) { return count_cell(s.log_lines_dropped); }},
      },
      [](T s) { return s.state; }};
  return k_kind;
}

// crctl's own version needs no daemon; a daemon that does not answer is said, not a failure.
Result<Exit> run_version(Context& context) {
  auto daemon = context.client().get<admin::Version>("/version");
  const std::string theirs = daemon ? daemon->version : std::string();
  const std::string json =
      fmt::format(R"({{"crctl":"{}","crd":{}}})", CR_VERSION, daemon ? json_string(theirs) : "null");
  auto printed =
      context.output.wants_data()
          ? context.output.object(json)
          : context.output.text(fmt::format("crctl {}\n{}", CR_VERSION,
                                            daemon ? "crd " + base::escape_for_terminal(theirs) + "\n" : ""));
  if (!printed) return tl::unexpected(printed.error());
  if (!daemon) context.output.note("crd: " + daemon.error().message);
  return Exit::done;
}

}  // namespace

void add_status(Commands& commands) {
  commands.word({"status",
                 "Is the daemon well, and what is it doing?",
                 {"crctl status", "crctl status --field requests_running"},
                 {}},
                Effect::reads, [](Context& context) { return run_show(context, status_kind(), "/status"); });
  commands.word({"version", "Show the versions of crctl and of the daemon.", {"crctl version"}, {}}, Effect::reads,
                run_version);
}

}  // namespace cr::crctl
