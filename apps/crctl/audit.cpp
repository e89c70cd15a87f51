// SPDX-License-Identifier: MIT
// The noun `audit`: what was changed, by whom, and whether the books agree.
#include <fmt/format.h>

#include <thread>

#include "base/text.h"
#include "crctl/commands.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using admin::AuditEntry;
using base::Result;
using Entries = std::vector<Record<AuditEntry>>;

constexpr int k_list_default = 50;
constexpr int k_tail_default = 10;
constexpr auto k_follow_pause = std::chrono::seconds(1);

Cell time_cell(const AuditEntry& entry, const View& view) {
  return {base::format_rfc3339(entry.at), view.exact ? when_text(entry.at, view) : local_time(entry.at), Style::none};
}

const RecordKind<AuditEntry>& audit_kind() {
  using T = const AuditEntry&;
  using V = const View&;
  static const RecordKind<AuditEntry> k_kind{
      "audit entry",
      {
          {{"seq", Align::right}, [](T a, V) { return text_cell(std::to_string(a.seq)); }},
          {{"at", Align::left, 4}, time_cell},
          {{"uid", Align::right, 5}, [](T a, V) { return text_cell(std::to_string(a.uid)); }},
          {{"action"}, [](T a, V) { return text_cell(a.action); }},
          {{"object", Align::left, 1}, [](T a, V) { return text_cell(a.object); }},
          {{"reason", Align::left, 6}, [](T a, V) { return text_cell(a.reason); }},
          {{"detail", Align::left, 8, From::wide}, [](T a, V) { return text_cell(a.detail); }},
          {{"pid", Align::right, 9, From::wide}, [](T a, V) { return text_cell(std::to_string(a.pid)); }},
          {{"gid", Align::right, 9, From::wide}, [](T a, V) { return text_cell(std::to_string(a.gid)); }},
      },
      [](T a) { return std::to_string(a.seq); }};
  return k_kind;
}

struct Words {
  std::optional<std::int64_t> after, limit;
  bool follow = false;
};

// Those behind the number `after`, at most `limit`, page by page.
Result<void> each_after(Context& context, std::int64_t after, int limit,
                        const std::function<Result<void>(Entries&)>& each) {
  const PathOfPage path_of = [after](const std::optional<std::string>& cursor, std::optional<int> wanted) {
    return fmt::format("/audit?after={}&limit={}", cursor.value_or(std::to_string(after)),
                       wanted.value_or(k_page_records));
  };
  return each_page<AuditEntry>(context, path_of, limit, each);
}

Result<Entries> fetch_after(Context& context, std::int64_t after, int limit) {
  Entries all;
  auto done = each_after(context, after, limit, [&](Entries& entries) -> Result<void> {
    std::move(entries.begin(), entries.end(), std::back_inserter(all));
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return all;
}

// Behind which number the newest `count` are, which leave no gap.
Result<std::int64_t> before_last(Context& context, int count) {
  auto page = context.client().get<admin::Page<AuditEntry>>("/audit?newest=true&limit=1");
  if (!page) return tl::unexpected(page.error());
  if (page->items.empty()) return 0;
  return std::max<std::int64_t>(0, page->items.front().seq - count);
}

// Oldest first.
Result<Entries> fetch_last(Context& context, int count) {
  const auto after = before_last(context, count);
  if (!after) return tl::unexpected(after.error());
  return fetch_after(context, *after, count);
}

Result<int> count_of(const std::optional<std::int64_t>& given, int otherwise) {
  if (!given) return otherwise;
  if (*given < 1 || *given > 1'000'000)
    return base::fail(base::ErrorCode::invalid, fmt::format("--limit {} is not a count of entries", *given));
  return static_cast<int>(*given);
}

Result<Exit> run_list_audit(Context& context, const Words& words) {
  if (context.globals.wants_field_names()) return print_field_names(context, audit_kind());
  const auto limit = count_of(words.limit, k_list_default);
  if (!limit) return tl::unexpected(limit.error());
  const auto after = words.after ? Result<std::int64_t>(*words.after) : before_last(context, *limit);
  if (!after) return tl::unexpected(after.error());
  Output::Pages pages(context.output);
  auto done = each_after(context, *after, *limit, [&](Entries& entries) {
    return pages.add(make_listing(audit_kind(), entries, context.list_view()));
  });
  if (done) done = pages.end({});
  if (!done) return tl::unexpected(done.error());
  return Exit::done;
}

Result<Exit> run_tail_audit(Context& context, const Words& words) {
  const auto limit = count_of(words.limit, k_tail_default);
  if (!limit) return tl::unexpected(limit.error());
  Globals globals = context.globals;
  if (words.follow && globals.mode() == Mode::json) globals.output = "jsonl";
  Output output(globals, context.terminal);
  auto entries = fetch_last(context, *limit);
  std::int64_t last = 0;
  for (;;) {
    if (!entries) return tl::unexpected(entries.error());
    if (!entries->empty() || !words.follow) {
      auto printed = output.list(make_listing(audit_kind(), *entries, context.list_view()));
      if (!printed && output.pipe_broken()) return Exit::failed;
      if (!printed) return tl::unexpected(printed.error());
      globals.no_header = true;
    }
    if (!words.follow) return Exit::done;
    if (!entries->empty()) last = entries->back().value.seq;
    std::this_thread::sleep_for(k_follow_pause);
    entries = fetch_after(context, last, k_page_records);
  }
}

std::string counted(std::int64_t number, const std::string& one, const std::string& many = {}) {
  return grouped(number) + " " + (number == 1 ? one : many.empty() ? one + "s" : many);
}

Result<Exit> run_verify(Context& context) {
  std::string raw;
  auto verified = context.client().send<admin::AuditVerified>("POST", "/audit/verify", admin::Empty{}, {}, &raw);
  if (!verified) return tl::unexpected(verified.error());
  Result<void> printed;
  if (context.output.wants_data()) {
    printed = context.output.object(raw);
  } else if (!context.globals.quiet) {
    std::string text = fmt::format(
        "the books agree: {} and {} against {} and {} open\n"
        "posted {}, reserved {}; {}, none changed or missing; {}\n",
        counted(verified->tokens, "token"), counted(verified->accounts, "account"),
        counted(verified->requests, "request"), grouped(verified->open), money_text(verified->posted, 9),
        money_text(verified->reserved, 9), counted(verified->audit_rows, "audit entry", "audit entries"),
        took_text(verified->took_ms));
    if (verified->rows_since) {
      text += fmt::format("requests before {} were pruned: their sums were checked\n",
                          when_text(*verified->rows_since, context.view()));
    }
    printed = context.output.text(text);
  }
  if (!printed) return tl::unexpected(printed.error());
  return Exit::done;
}

}  // namespace

void add_audit(Commands& commands) {
  CLI::App& audit = commands.noun("audit", "What was changed, by whom, and whether the books agree.");
  auto listed = std::make_shared<Words>();
  CLI::App& list =
      commands.verb(audit,
                    {"list",
                     "List the newest changes, oldest of them first.",
                     {"crctl audit list --limit 20", "crctl audit list --after 1200 --json"},
                     {}},
                    Effect::reads, [listed](Context& context) { return run_list_audit(context, *listed); });
  add_number(list, "--after", "SEQ", "Those after this number instead, oldest first.", listed->after);
  add_number(list, "--limit", "N", "At most this many (50).", listed->limit);

  auto tailed = std::make_shared<Words>();
  CLI::App& tail = commands.verb(audit, {"tail", "Show the last changes.", {"crctl audit tail -f"}, {}}, Effect::reads,
                                 [tailed](Context& context) { return run_tail_audit(context, *tailed); });
  add_flag(tail, "-f,--follow", "Go on as changes come; Ctrl-C ends it.", tailed->follow);
  add_number(tail, "--limit", "N", "How many to begin with (10).", tailed->limit);

  commands.verb(audit,
                {"verify",
                 "Recompute every balance from its requests, the audit's chain and the settings' sum.",
                 {"crctl audit verify --timeout 5m"},
                 "It reads one commit of the store; reservations and other reports go on meanwhile.\n"
                 "Exit 1 and the first thing that does not fit, if something does not."},
                Effect::reads, [](Context& context) { return run_verify(context); });
}

}  // namespace cr::crctl
