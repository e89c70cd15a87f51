// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <charconv>

#include "admin/client.h"
#include "base/text.h"

namespace cr::admin {

namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using Query = std::multimap<std::string, std::string>;

constexpr int k_limit_max = 1000;

// --- out ---
class QueryText {
 public:
  void add(std::string_view name, std::string_view value) {
    text_ += text_.empty() ? '?' : '&';
    text_ += name;
    text_ += '=';
    text_ += encode_segment(value);
  }
  void add(std::string_view name, const std::optional<std::string>& value) {
    if (value) add(name, std::string_view(*value));
  }
  void add(std::string_view name, const std::optional<int>& value) {
    if (value) add(name, std::string_view(std::to_string(*value)));
  }
  void add(std::string_view name, const std::optional<Time>& value) {
    if (value) add(name, std::string_view(base::format_rfc3339(*value)));
  }
  void add_duration(std::string_view name, const std::optional<std::int64_t>& ms) {
    if (ms) add(name, std::string_view(std::to_string(*ms) + "ms"));
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

// --- in ---
// Takes
// the parameters one by one; what is left at the end was not known.
class QueryReader {
 public:
  explicit QueryReader(const Query& query) : query_(query) {}

  void take(const std::string& name, std::optional<std::string>& value) {
    if (const auto* text = find(name)) value = *text;
  }
  void take(const std::string& name, std::optional<Time>& value) {
    if (const auto* text = find(name)) take_parsed(name, base::parse_time(*text), value);
  }
  void take_duration(const std::string& name, std::optional<std::int64_t>& ms) {
    const auto* text = find(name);
    if (text == nullptr) return;
    const auto parsed = base::parse_duration(*text);
    if (!parsed) return refuse(name, parsed.error());
    ms = parsed->count();
  }
  void take_whole(const std::string& name, int low, int high, std::optional<int>& value) {
    const auto* text = find(name);
    if (text == nullptr) return;
    int number = 0;
    const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (code != std::errc() || end != text->data() + text->size() || number < low || number > high) {
      return refuse(name, {ErrorCode::invalid,
                           "expected a whole number from " + std::to_string(low) + " to " + std::to_string(high),
                           {}});
    }
    value = number;
  }
  void take_flag(const std::string& name, bool& value) {
    const auto* text = find(name);
    if (text == nullptr) return;
    if (*text != "true" && *text != "false") return refuse(name, {ErrorCode::invalid, "expected true or false", {}});
    value = *text == "true";
  }
  void take_one_of(const std::string& name, std::span<const std::string_view> words,
                   std::optional<std::string>& value) {
    const auto* text = find(name);
    if (text == nullptr) return;
    if (std::find(words.begin(), words.end(), *text) == words.end()) return refuse_word(name, *text, words);
    value = *text;
  }
  void take_list(const std::string& name, std::span<const std::string_view> words, std::vector<std::string>& values) {
    known_.push_back(name);
    const auto [begin, end] = query_.equal_range(name);
    for (auto at = begin; at != end; ++at) {
      for (const auto& word : base::split_list(at->second)) {
        if (std::find(words.begin(), words.end(), word) == words.end()) return refuse_word(name, word, words);
        if (std::find(values.begin(), values.end(), word) == values.end()) values.push_back(word);
      }
    }
  }
  void refuse(const std::string& name, base::Error error) {
    if (!error_) error_ = base::Error{ErrorCode::invalid, name + ": " + error.message, std::move(error.hint)};
  }
  // The first thing wrong, or a parameter nobody asked for.
  template <class Filter>
  Result<Filter> finish(Filter filter) {
    if (!error_) check_unknown();
    if (error_) return tl::unexpected(*error_);
    return filter;
  }

 private:
  const std::string* find(const std::string& name) {
    known_.push_back(name);
    const auto [begin, end] = query_.equal_range(name);
    if (begin == end) return nullptr;
    if (std::next(begin) != end) {
      refuse(name, {ErrorCode::invalid, "given twice", {}});
      return nullptr;
    }
    return &begin->second;
  }
  template <class T>
  void take_parsed(const std::string& name, const Result<T>& parsed, std::optional<T>& value) {
    if (!parsed) return refuse(name, parsed.error());
    value = *parsed;
  }
  void refuse_word(const std::string& name, std::string_view word, std::span<const std::string_view> words) {
    const std::vector<std::string> candidates(words.begin(), words.end());
    const auto close = base::nearest(word, candidates);
    std::string all;
    for (const auto& candidate : candidates) all += (all.empty() ? "" : ", ") + candidate;
    refuse(name, {ErrorCode::invalid, "'" + base::escape_for_terminal(word.substr(0, 64)) + "' is not one of " + all,
                  close ? "did you mean '" + *close + "'?" : std::string()});
  }
  void check_unknown() {
    for (const auto& [name, value] : query_) {
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      const auto close = base::nearest(name, known_);
      error_ =
          base::Error{ErrorCode::invalid, "unknown parameter '" + base::escape_for_terminal(name.substr(0, 64)) + "'",
                      close ? "did you mean '" + *close + "'?" : std::string()};
      return;
    }
  }
  const Query& query_;
  std::vector<std::string> known_;
  std::optional<base::Error> error_;
};

constexpr std::array<std::string_view, 8> k_statuses{"enabled",   "disabled", "expired",  "not_yet_valid",
                                                     "exhausted", "limited",  "rotating", "deleted"};
constexpr std::array<std::string_view, 12> k_sorts{"name",  "used",  "left",  "expires",  "last_used",  "created",
                                                   "-name", "-used", "-left", "-expires", "-last_used", "-created"};
constexpr std::array<std::string_view, 9> k_dimensions{"token", "model",   "hour",  "day",    "week",
                                                       "month", "channel", "group", "account"};

}  // namespace

std::string encode_segment(std::string_view text) {
  constexpr std::string_view k_hex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                       byte == '-' || byte == '.' || byte == '_' || byte == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += k_hex[byte >> 4];
      out += k_hex[byte & 15];
    }
  }
  return out;
}

std::string query_of(const TokenFilter& filter) {
  QueryText text;
  text.add("status", filter.status);
  text.add("group", filter.group);
  text.add("account", filter.account);
  text.add("tag", filter.tag);
  text.add("name", filter.name);
  text.add_duration("expiring", filter.expiring_ms);
  text.add_duration("unused", filter.unused_ms);
  text.add("over", filter.over_percent);
  text.add("sort", filter.sort);
  if (filter.deleted) text.add("deleted", std::string_view("true"));
  if (filter.rotating) text.add("rotating", std::string_view("true"));
  text.add("cursor", filter.cursor);
  text.add("limit", filter.limit);
  return text.take();
}

std::string query_of(const RequestFilter& filter) {
  QueryText text;
  text.add("token", filter.token);
  text.add("model", filter.model);
  text.add("channel", filter.channel);
  text.add("account", filter.account);
  text.add("error", filter.error);
  text.add("since", filter.since);
  text.add("until", filter.until);
  text.add("cursor", filter.cursor);
  text.add("after", filter.after);
  text.add("limit", filter.limit);
  return text.take();
}

std::string query_of(const UsageQuery& query) {
  QueryText text;
  for (const auto& dimension : query.by) text.add("by", std::string_view(dimension));
  text.add("since", query.since);
  text.add("until", query.until);
  text.add("time_zone", query.time_zone);
  text.add("token", query.token);
  text.add("model", query.model);
  text.add("channel", query.channel);
  text.add("group", query.group);
  text.add("account", query.account);
  return text.take();
}

std::string query_of(const CostQuery& query) {
  QueryText text;
  text.add("channel", std::string_view(query.channel));
  text.add("since", std::optional(query.since));
  text.add("until", query.until);
  return text.take();
}

Result<TokenFilter> token_filter_from(const Query& query) {
  TokenFilter filter;
  QueryReader reader(query);
  reader.take_one_of("status", k_statuses, filter.status);
  reader.take("group", filter.group);
  reader.take("account", filter.account);
  reader.take("tag", filter.tag);
  reader.take("name", filter.name);
  reader.take_duration("expiring", filter.expiring_ms);
  reader.take_duration("unused", filter.unused_ms);
  reader.take_whole("over", 0, 100, filter.over_percent);
  reader.take_one_of("sort", k_sorts, filter.sort);
  reader.take_flag("deleted", filter.deleted);
  reader.take_flag("rotating", filter.rotating);
  reader.take("cursor", filter.cursor);
  reader.take_whole("limit", 1, k_limit_max, filter.limit);
  return reader.finish(std::move(filter));
}

Result<RequestFilter> request_filter_from(const Query& query) {
  RequestFilter filter;
  QueryReader reader(query);
  reader.take("token", filter.token);
  reader.take("model", filter.model);
  reader.take("channel", filter.channel);
  reader.take("account", filter.account);
  reader.take("error", filter.error);
  reader.take("since", filter.since);
  reader.take("until", filter.until);
  reader.take("cursor", filter.cursor);
  reader.take("after", filter.after);
  reader.take_whole("limit", 1, k_limit_max, filter.limit);
  if (filter.cursor && filter.after) {
    reader.refuse("after", {ErrorCode::invalid, "goes forward and cursor goes back: give one of them", {}});
  }
  return reader.finish(std::move(filter));
}

Result<UsageQuery> usage_query_from(const Query& query) {
  UsageQuery usage;
  QueryReader reader(query);
  reader.take_list("by", k_dimensions, usage.by);
  reader.take("since", usage.since);
  reader.take("until", usage.until);
  reader.take("time_zone", usage.time_zone);
  reader.take("token", usage.token);
  reader.take("model", usage.model);
  reader.take("channel", usage.channel);
  reader.take("group", usage.group);
  reader.take("account", usage.account);
  if (usage.by.empty()) {
    reader.refuse("by",
                  {ErrorCode::invalid, "missing: say what a row stands for", "for example by=day or by=day&by=model"});
  }
  return reader.finish(std::move(usage));
}

Result<CostQuery> cost_query_from(const Query& query) {
  CostQuery cost;
  std::optional<std::string> channel;
  std::optional<Time> since;
  QueryReader reader(query);
  reader.take("channel", channel);
  reader.take("since", since);
  reader.take("until", cost.until);
  if (!channel) reader.refuse("channel", {ErrorCode::invalid, "missing: say whose costs", {}});
  if (!since) reader.refuse("since", {ErrorCode::invalid, "missing: say from when on", "a date, or RFC 3339"});
  if (channel) cost.channel = *channel;
  if (since) cost.since = *since;
  return reader.finish(std::move(cost));
}

}  // namespace cr::admin
