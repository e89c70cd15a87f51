// SPDX-License-Identifier: MIT
// The word `doctor`: what it looks at, in order; diagnosis.h judges.
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/text.h"
#include "crctl/channel.h"
#include "crctl/command_output.h"
#include "crctl/commands.h"
#include "crctl/diagnosis.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using admin::Channel;
using admin::Token;
using base::Result;

struct Words {
  bool test = false;  // a request with each key
};

void look_at_unit(Findings& findings) {
  if (const auto shown = properties_of_unit()) findings.push_back(judge_unit(*shown));
}

// adjtimex(2): of the kernel's clock, which a time service keeps.
bool clock_is_synchronised() {
  timex state{};
  const int answer = ::adjtimex(&state);
  return answer >= 0 && answer != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}

void look_at_disk(const std::string& folder, Findings& findings) {
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0) {
    findings.push_back(
        {"disk", Judgement::warning, folder + " cannot be looked at: " + system_reason(), "run crctl where crd runs"});
    return;
  }
  DiskSpace space;
  space.bytes_free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  space.bytes_total = std::uint64_t{disk.f_blocks} * disk.f_frsize;
  space.inodes_free = disk.f_favail;
  space.inodes_total = disk.f_files;
  findings.push_back(judge_disk(space, folder));
}

template <class T>
Result<std::vector<T>> all_of(Context& context, const std::string& path) {
  auto records = fetch_all<T>(context, plain_pages(path), {});
  if (!records) return tl::unexpected(records.error());
  std::vector<T> values;
  for (auto& record : *records) values.push_back(std::move(record.value));
  return values;
}

Result<void> look_at_channels(Context& context, const Words& words, Findings& findings) {
  const auto channels = all_of<Channel>(context, "/channels");
  if (!channels) return tl::unexpected(channels.error());
  auto judged = judge_channels(*channels);
  std::move(judged.begin(), judged.end(), std::back_inserter(findings));
  for (const auto& channel : *channels) {
    if (!words.test || !channel.enabled) continue;
    const auto test = context.client().send<admin::ChannelTest>("POST", channel_path(channel.name) + "/test",
                                                                admin::ChannelTestRequest{});
    findings.push_back(judge_channel_test(channel.name, test));
  }
  return {};
}

Result<void> look_at_tokens(Context& context, Findings& findings) {
  TokenDiagnosis diagnosis(context.now);
  auto done =
      each_page<Token>(context, plain_pages("/tokens"), {}, [&](std::vector<Record<Token>>& records) -> Result<void> {
        for (const auto& record : records) diagnosis.add(record.value);
        return {};
      });
  if (!done) return done;
  auto judged = diagnosis.findings();
  std::move(judged.begin(), judged.end(), std::back_inserter(findings));
  return {};
}

// An Error is a daemon that left while it was asked.
Result<Findings> look(Context& context, const Words& words) {
  Findings findings;
  look_at_unit(findings);
  const auto status = context.client().get<admin::Status>("/status");
  if (!status) {
    findings.push_back(judge_no_daemon(status.error()));
    findings.push_back(judge_clock(clock_is_synchronised()));
    return findings;
  }
  findings.push_back(judge_daemon(*status, CR_VERSION));
  findings.push_back(judge_config(
      *status, context.client().send<admin::ConfigChecked>("POST", "/config/check", admin::ConfigCheck{})));
  findings.push_back(judge_clock(clock_is_synchronised()));
  look_at_disk(status->state_dir, findings);
  findings.push_back(judge_store(*status));
  findings.push_back(judge_head(*status));
  findings.push_back(judge_certificate(status->certificate_expires, context.now));
  findings.push_back(judge_price_list(status->price_list, context.now));
  if (auto looked = look_at_channels(context, words, findings); !looked) return tl::unexpected(looked.error());
  if (auto looked = look_at_tokens(context, findings); !looked) return tl::unexpected(looked.error());
  return findings;
}

Style style_of(Judgement judgement) {
  return judgement == Judgement::good ? Style::good : judgement == Judgement::warning ? Style::warn : Style::bad;
}

Row row_of(const Finding& finding) {
  Row row;
  row.name = finding.check;
  row.cells = {text_cell(finding.check), text_cell(word_of(finding.judgement), style_of(finding.judgement)),
               text_cell(finding.says), text_cell(finding.fix)};
  const std::vector<std::pair<std::string, std::string>> members{
      {"check", json_string(finding.check)},
      {"result", json_string(word_of(finding.judgement))},
      {"says", json_string(finding.says)},
      {"fix", finding.fix.empty() ? "null" : json_string(finding.fix)}};
  row.json = object_of(members);
  return row;
}

std::vector<Column> columns() {
  return {{"check"}, {"result"}, {"says"}, {"fix", Align::left, 1}};
}

std::int64_t count_of(const Findings& findings, Judgement judgement) {
  return std::count_if(findings.begin(), findings.end(), [&](const auto& one) { return one.judgement == judgement; });
}

// A line each, and under it what to do: sentences are not cut to fit a table.
std::string text_of(const Findings& findings, bool colour) {
  constexpr std::size_t k_word_columns = 9;
  std::size_t widest = 0;
  for (const auto& finding : findings) widest = std::max(widest, finding.check.size());
  std::string text;
  for (const auto& finding : findings) {
    const auto word = word_of(finding.judgement);
    text += paint(word, style_of(finding.judgement), colour) + std::string(k_word_columns - word.size(), ' ');
    text += fmt::format("{:<{}}  {}\n", base::escape_for_terminal(finding.check), widest,
                        base::escape_for_terminal(finding.says));
    if (finding.judgement == Judgement::good || finding.fix.empty()) continue;
    text += std::string(k_word_columns + widest + 2, ' ') +
            paint(base::escape_for_terminal(finding.fix), Style::faint, colour) + "\n";
  }
  const auto wrong = count_of(findings, Judgement::wrong), warnings = count_of(findings, Judgement::warning);
  if (wrong == 0 && warnings == 0) return text + "all is well\n";
  return text + fmt::format("{} wrong, {} warning{}\n", wrong, warnings, warnings == 1 ? "" : "s");
}

Result<Exit> run_doctor(Context& context, const Words& words) {
  if (context.globals.wants_field_names()) {
    auto printed = context.output.field_names(columns(), member_names(row_of({}).json));
    if (!printed) return tl::unexpected(printed.error());
    return Exit::done;
  }
  const auto findings = look(context, words);
  if (!findings) return tl::unexpected(findings.error());
  const bool for_eyes = context.globals.mode() == Mode::automatic && context.terminal.out_tty &&
                        !context.globals.fields && !context.globals.field && !context.globals.quiet;
  Result<void> printed;
  if (for_eyes) {
    printed = context.output.text(text_of(*findings, context.terminal.colour_out));
  } else {
    Listing listing;
    listing.columns = columns();
    for (const auto& finding : *findings) listing.rows.push_back(row_of(finding));
    printed = context.output.list(listing);
  }
  if (!printed) return tl::unexpected(printed.error());
  return count_of(*findings, Judgement::wrong) == 0 ? Exit::done : Exit::said_no;
}

}  // namespace

void add_doctor(Commands& commands) {
  auto words = std::make_shared<Words>();
  CLI::App& verb = commands.word(
      {"doctor",
       "Look at all that requests need, and say what to do about what is not well.",
       {"crctl doctor", "crctl doctor --test --json"},
       "In order: crd's unit and daemon, its configuration file, the clock, the disk, the store and its head, the\n"
       "certificate, the age of the shipped prices, the channels, and the tokens. Exits with 0 where nothing is wrong\n"
       "(warnings may be told), with 14 where something is."},
      Effect::reads, [words](Context& context) { return run_doctor(context, *words); });
  add_flag(verb, "--test", "Send one small request with each key of each channel: it is charged by the provider.",
           words->test);
}

}  // namespace cr::crctl
