// SPDX-License-Identifier: MIT
// request tail: the last requests, and with -f each further one when it has ended.
#include <algorithm>
#include <set>
#include <thread>
#include <utility>

#include "base/text.h"
#include "crctl/flags.h"
#include "crctl/request.h"

namespace cr::crctl {
namespace {

using admin::Request;
using admin::RequestFilter;
using base::Result;
using Records = std::vector<Record<Request>>;

constexpr int k_tail_default = 10;
constexpr auto k_follow_pause = std::chrono::seconds(1);
// A request's id begins with its start, and its row comes when its body has been read: an older one may show later.
constexpr auto k_late = std::chrono::seconds(10);

bool is_running(const Request& request) {
  return request.ending == "running";
}

// The requests that have ended since it was asked last. What runs is not said yet: its status and cost are to come.
class Follower {
 public:
  Follower(Context& context, const RequestFilter& filter) : context_(context), filter_(filter) {
    // A request that runs has neither of these yet.
    channel_ = std::exchange(filter_.channel, std::nullopt);
    error_ = std::exchange(filter_.error, std::nullopt);
  }

  // What has ended before it begins is passed over.
  Result<void> begin() {
    auto records = fetch_all<Request>(context_, request_pages(filter_), k_page_records);
    if (!records) return tl::unexpected(records.error());
    std::reverse(records->begin(), records->end());
    filter_.since = std::max(filter_.since.value_or(base::Time()), context_.now - k_late);
    static_cast<void>(take(*records));
    return {};
  }
  void pass_over(const Records& printed) {
    for (const auto& record : printed) pass_over(record.value.id);
  }

  Result<Records> next() {
    const auto running = running_;
    auto records = fetch_all<Request>(context_, request_pages(filter_), k_page_records);
    if (!records) return records;
    if (!filter_.after) std::reverse(records->begin(), records->end());
    Records ended = take(*records);
    for (const auto& id : running) {
      if (!running_.contains(id)) continue;
      std::string raw;
      auto request = context_.client().get<Request>("/requests/" + admin::encode_segment(id), &raw);
      if (!request && request.error().code != base::ErrorCode::not_found) return tl::unexpected(request.error());
      Records one;
      if (request) one.push_back({*std::move(request), std::move(raw)});
      if (one.empty()) running_.erase(id);  // it held nothing in the end and left no row
      for (auto& record : take(one)) ended.push_back(std::move(record));
    }
    return ended;
  }

 private:
  // Of `records`, oldest first, those that have ended, match, and were not taken before.
  Records take(Records& records) {
    const auto look_again = records.empty() ? base::Time() : records.back().value.started_at - k_late;
    const bool full = records.size() >= static_cast<std::size_t>(k_page_records);
    Records ended;
    for (auto& record : records) {
      const std::string id = record.value.id;
      if (record.value.started_at < look_again || full) filter_.after = std::max(filter_.after.value_or(""), id);
      if (is_running(record.value)) {
        running_.insert(id);
      } else if (!ended_.contains(id)) {
        pass_over(id);
        if (matches(record.value)) ended.push_back(std::move(record));
      }
    }
    if (filter_.after) ended_.erase(ended_.begin(), ended_.upper_bound(*filter_.after));
    return ended;
  }
  void pass_over(const std::string& id) {
    running_.erase(id);
    ended_.insert(id);
  }
  bool matches(const Request& request) const {
    if (channel_ && !base::equals_ignoring_case(*channel_, request.channel)) return false;
    return !error_ || (*error_ == "*" ? !request.error.empty() : *error_ == request.error);
  }

  Context& context_;
  RequestFilter filter_;
  std::optional<std::string> channel_, error_;
  std::set<std::string> running_, ended_;
};

// The newest few, oldest first, then what ends; only the first lines have a header.
Result<Exit> run_tail(Context& context, const RequestWords& words) {
  auto filter = request_filter(context, words);
  if (!filter) return tl::unexpected(filter.error());
  Globals globals = context.globals;
  if (words.follow && globals.mode() == Mode::json) globals.output = "jsonl";
  Output output(globals, context.terminal);
  Follower follower(context, *filter);
  if (words.follow) {
    if (auto begun = follower.begin(); !begun) return tl::unexpected(begun.error());
  }
  const auto limit = static_cast<int>(words.limit.value_or(k_tail_default));
  auto records = fetch_all<Request>(context, request_pages(*filter), limit);
  if (!records) return tl::unexpected(records.error());
  std::reverse(records->begin(), records->end());
  if (words.follow) std::erase_if(*records, [](const auto& record) { return is_running(record.value); });
  follower.pass_over(*records);
  while (true) {
    if (!records->empty() || !words.follow) {
      auto printed = output.list(make_listing(request_kind(), *records, context.list_view()));
      // Whoever closed the pipe has seen enough.
      if (!printed && output.pipe_broken()) return Exit::failed;
      if (!printed) return tl::unexpected(printed.error());
      globals.no_header = true;
    }
    if (!words.follow) return Exit::done;
    std::this_thread::sleep_for(k_follow_pause);
    records = follower.next();
    if (!records) return tl::unexpected(records.error());
  }
}

}  // namespace

void add_request_tail(Commands& commands, CLI::App& request) {
  auto tailed = std::make_shared<RequestWords>();
  CLI::App& tail = commands.verb(request,
                                 {"tail",
                                  "Show the last requests, newest last.",
                                  {"crctl request tail -f", "crctl request tail -f --errors --json"},
                                  "With -f each request is shown when it has ended."},
                                 Effect::reads, [tailed](Context& context) { return run_tail(context, *tailed); });
  add_request_filters(tail, *tailed);
  add_flag(tail, "-f,--follow", "Go on as requests come; Ctrl-C ends it.", tailed->follow);
  add_number(tail, "--limit", "N", "How many to begin with (10).", tailed->limit);
}

}  // namespace cr::crctl
