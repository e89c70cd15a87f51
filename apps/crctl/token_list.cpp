// SPDX-License-Identifier: MIT
// token list, show.
#include <fmt/format.h>

#include <algorithm>

#include "admin/token_fields.h"
#include "base/text.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/record_columns.h"
#include "crctl/token.h"
#include "crctl/token_old_keys.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using admin::Token;
using base::Result;

Cell key_cell(const Token& token, std::size_t index, const View& view) {
  if (index >= token.keys.size()) return {};
  const admin::KeyInfo& key = token.keys[index];
  std::string used = "never used";
  if (key.last_used_at) {
    used = "last used " + distance_text(*key.last_used_at, view.now);
    if (key.last_used_ip) used += " from " + *key.last_used_ip;
  }
  std::string shown = fmt::format("{}...{}, {}, {}", key.first, key.last, key.state, used);
  if (key.not_after) shown += ", ends " + distance_text(*key.not_after, view.now);
  return {key.first + "..." + key.last, base::escape_for_terminal(shown),
          key.state == "old" ? Style::warn : Style::none};
}

// What the last line of a list says of it.
struct Tally {
  std::size_t tokens = 0, usable = 0;
  base::Credits used;

  void add(const Token& token) {
    ++tokens;
    if (token.status == "enabled" || token.status == "rotating") ++usable;
    used += token.used;
  }
  std::string text() const {
    if (tokens == 0) return "no tokens";
    return fmt::format("{} token{}, {} usable, {} used", tokens, tokens == 1 ? "" : "s", usable, money_text(used));
  }
};

struct ListWords {
  std::optional<std::string> status, group, account, tag, name, over, sort;
  std::optional<std::chrono::milliseconds> expiring, unused;
  std::optional<std::int64_t> limit;
  bool deleted = false, rotating = false;
};

// "$1.20 of $5.00 a day, whole again in 3h 12m".
Cell budget_cell(const Token& token, std::string_view period, const View& view) {
  for (const auto& budget : token.budgets) {
    if (budget.period != period) continue;
    const bool used_up = budget.left.nano() == 0;
    return {budget.limit.to_decimal(),
            fmt::format("{} of {} used, whole again {}", money_text(budget.used), money_text(budget.limit),
                        distance_text(budget.resets_at, view.now)),
            used_up ? Style::warn : Style::none};
  }
  return {};
}

// "3000 in a day: insufficient_quota 2990, invalid_json 10", the most first.
Cell refused_cell(const Token& token) {
  std::vector<std::pair<std::int64_t, std::string>> codes;
  std::int64_t all = 0;
  for (const auto& [code, requests] : token.refused) {
    codes.emplace_back(-requests, code);
    all += requests;
  }
  if (all == 0) return {};
  std::sort(codes.begin(), codes.end());
  std::string shown = fmt::format("{} in a day: ", all);
  for (std::size_t i = 0; i < codes.size(); ++i)
    shown += fmt::format("{}{} {}", i == 0 ? "" : ", ", codes[i].second, -codes[i].first);
  return {std::to_string(all), base::escape_for_terminal(shown), Style::none};
}

// A budget that is used up says until when.
Cell token_status_cell(const Token& token, const View& view) {
  Cell cell = status_cell(token.status);
  if (token.status == "limited" && token.limited_until)
    cell.shown = fmt::format("limited {}", distance_text(*token.limited_until, view.now));
  return cell;
}

const admin::KeyInfo* old_key(const Token& token) {
  const auto found =
      std::find_if(token.keys.begin(), token.keys.end(), [](const auto& key) { return key.state == "old"; });
  return found == token.keys.end() ? nullptr : &*found;
}

Cell use_cell(const admin::KeyInfo* key, const View& view) {
  if (key == nullptr) return {};
  Cell cell = past_cell(key->last_used_at, view);
  if (key->last_used_at && key->last_used_ip) cell.shown += base::escape_for_terminal(" from " + *key->last_used_ip);
  return cell;
}

// Of tokens with two keys: whether anybody still uses the old one, and until when that works.
const RecordKind<Token>& rotating_kind() {
  using T = const Token&;
  using V = const View&;
  static const RecordKind<Token> k_kind{
      "token",
      {
          {{"name"}, [](T t, V) { return text_cell(t.name); }},
          {{"status", Align::left, 4}, token_status_cell},
          {{"old_key", Align::left, 6},
           [](T t, V) {
             const auto* key = old_key(t);
             return key == nullptr ? Cell{} : text_cell(key->first + "..." + key->last);
           }},
          {{"ends"},
           [](T t, V v) {
             const auto* key = old_key(t);
             return key == nullptr ? Cell{} : expiry_cell(key->not_after, v);
           }},
          {{"old_used"}, [](T t, V v) { return use_cell(old_key(t), v); }},
          {{"new_used", Align::left, 5}, [](T t, V v) { return use_cell(current_key(t), v); }},
      },
      [](T t) { return t.name; }};
  return k_kind;
}

Result<Exit> run_token_list(Context& context, const ListWords& words) {
  admin::TokenFilter filter;
  filter.status = words.status;
  filter.group = words.group;
  filter.account = words.account;
  filter.tag = words.tag;
  filter.name = words.name;
  filter.sort = words.sort;
  filter.deleted = words.deleted;
  filter.rotating = words.rotating;
  if (words.expiring) filter.expiring_ms = words.expiring->count();
  if (words.unused) filter.unused_ms = words.unused->count();
  if (words.over) {
    auto percent = parse_percent(*words.over);
    if (!percent) return tl::unexpected(percent.error());
    filter.over_percent = *percent;
  }
  ListRequest<Token> request;
  request.path_of = [filter](const std::optional<std::string>& cursor, std::optional<int> limit) mutable {
    filter.cursor = cursor;
    filter.limit = limit;
    return "/tokens" + admin::query_of(filter);
  };
  if (words.limit) {
    if (*words.limit < 1 || *words.limit > 1'000'000) {
      return base::fail(base::ErrorCode::invalid, fmt::format("--limit {} is not a count of tokens", *words.limit));
    }
    request.limit = static_cast<int>(*words.limit);
  }
  const auto tally = std::make_shared<Tally>();
  request.count = [tally](const Token& token) { tally->add(token); };
  request.summary = [tally] { return tally->text(); };
  return run_list(context, words.rotating ? rotating_kind() : token_kind(), request);
}

}  // namespace

const RecordKind<Token>& token_kind() {
  using T = const Token&;
  using V = const View&;
  static const RecordKind<Token> k_kind{
      "token",
      columns_of<Token, admin::k_token_fields>(
          {
              {{"name"}},
              {{"status"}, token_status_cell},
              {{"group", Align::left, 6}, [](T t, V) { return text_cell(join(t.groups, ",")); }},
              {{"account", Align::left, 7, From::wide}},
              {{"used", Align::right, 5}, [](T t, V) { return money_cell(t.used); }},
              {{"reserved", Align::right, 8, From::wide}, [](T t, V) { return money_cell(t.reserved); }},
              {{"quota", Align::right, 7}},
              {{"left", Align::right}, [](T t, V) { return quota_cell(t.left); }},
              {{"left_bar", Align::left, 9, From::list, true},
               [](T t, V v) { return quota_bar_cell(t.left, t.quota, v); }},
              {{"budget_day", Align::left, 9, From::detail}, [](T t, V v) { return budget_cell(t, "day", v); }},
              {{"budget_week", Align::left, 9, From::detail}, [](T t, V v) { return budget_cell(t, "week", v); }},
              {{"budget_month", Align::left, 9, From::detail}, [](T t, V v) { return budget_cell(t, "month", v); }},
              {{"time_zone", Align::left, 9, From::detail},
               [](T t, V) { return t.budgets.empty() ? Cell{} : text_cell(t.time_zone); }},
              {{"rpm", Align::right, 9, From::detail}},
              {{"tpm", Align::right, 9, From::detail}},
              {{"concurrency", Align::right, 9, From::detail}},
              {{"expires", Align::left, 3}},
              {{"last_used", Align::left, 4}, [](T t, V v) { return past_cell(t.last_used_at, v); }},
              {{"refused", Align::left, 8, From::wide}, [](T t, V) { return refused_cell(t); }},
              {{"models", Align::left, 8, From::wide}},
              {{"allow_ip", Align::left, 8, From::wide}},
              {{"tags", Align::left, 8, From::wide}},
              {{"created", Align::left, 8, From::wide}, [](T t, V v) { return past_cell(t.created_at, v); }},
              {{"not_before", Align::left, 9, From::detail}},
              {{"when_low", Align::left, 9, From::detail}},
              {{"retrievable", Align::left, 9, From::detail}},
              {{"note", Align::left, 9, From::detail}},
              {{"key", Align::left, 9, From::detail}, [](T t, V v) { return key_cell(t, 0, v); }},
              {{"other_key", Align::left, 9, From::detail}, [](T t, V v) { return key_cell(t, 1, v); }},
              {{"deleted", Align::left, 9, From::detail},
               [](T t, V v) { return t.deleted_at ? past_cell(t.deleted_at, v) : Cell{}; }},
              {{"id", Align::right, 9, From::detail}, [](T t, V) { return text_cell(std::to_string(t.id)); }},
              {{"rev", Align::right, 9, From::detail}, [](T t, V) { return text_cell(std::to_string(t.rev)); }},
          },
          "note"),
      [](T t) { return t.name; }};
  return k_kind;
}

void add_token_list(Commands& commands, CLI::App& token) {
  auto words = std::make_shared<ListWords>();
  CLI::App& list = commands.verb(token,
                                 {"list",
                                  "List tokens: status, use, quota, expiry.",
                                  {"crctl token list --expiring 7d", "crctl token list --over 80% --sort -used"},
                                  {}},
                                 Effect::reads, [words](Context& context) { return run_token_list(context, *words); });
  add_choice(list, "--status", "enabled|disabled|expired|not_yet_valid|exhausted|limited|rotating", "Only these.",
             words->status);
  add_text(list, "--group", "GROUP", "Only tokens of this group.", words->group);
  add_text(list, "--account", "ACCOUNT", "Only tokens of this account.", words->account);
  add_text(list, "--tag", "K=V", "Only tokens with this tag; a bare K for any value.", words->tag);
  add_text(list, "--name", "GLOB", "Only names that match, such as 'ci-*'.", words->name);
  add_duration(list, "--expiring", "DURATION", "Only tokens that expire within this time.", words->expiring);
  add_duration(list, "--unused", "DURATION", "Only tokens not used for this time.", words->unused);
  add_text(list, "--over", "PERCENT", "Only tokens that have used this much of their quota.", words->over);
  add_choice(list, "--sort", "name|used|left|expires|last_used|created|-name|-used|-left|-expires|-last_used|-created",
             "Order; a minus in front turns it round (name).", words->sort);
  add_flag(list, "--rotating", "Those with two keys, and who still uses the old one.", words->rotating);
  add_flag(list, "--deleted", "The deleted tokens instead.", words->deleted);
  add_number(list, "--limit", "N", "At most this many (all).", words->limit);

  auto name = std::make_shared<std::string>();
  CLI::App& show = commands.verb(
      token, {"show", "Show all about a token.", {"crctl token show ci", "crctl token show ci --field left"}, {}},
      Effect::reads, [name](Context& context) { return run_show(context, token_kind(), token_path(*name)); });
  add_name(show, "NAME", "TOKEN", "The token.", *name);
}

}  // namespace cr::crctl
