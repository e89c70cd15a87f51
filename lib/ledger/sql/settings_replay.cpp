// SPDX-License-Identifier: MIT
#include "ledger/sql/settings_replay.h"

#include <cstdlib>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/text.h"
#include "ledger/sql/rows.h"
#include "ledger/sql/settings_json.h"

namespace cr::ledger {
namespace {

using base::Result;
using nlohmann::json;

constexpr std::size_t k_told_max = 3;
constexpr std::int64_t k_records_at_once = 50'000;  // of tokens
constexpr std::chrono::seconds k_grace_slack{10};   // between the reading of a clock for a row and for its entry

struct KnownKey {
  std::string hint;
  std::optional<Time> ends;  // of one in its grace
};

// What the audit says of a record; of a token made before the audit told of keys, nothing of them.
struct Known {
  json members = json::object();
  bool with_keys = false;
  std::map<std::int64_t, KnownKey> keys;
};

class Found {
 public:
  void add(const std::string& what, std::string_view name, const std::string& says) {
    if (++count_ > k_told_max) return;
    text_ += (text_.empty() ? "" : "; ") + what + " '" + base::escape_for_terminal(name) + "': " + says;
  }
  std::string text() const {
    return count_ <= k_told_max ? text_ : text_ + "; and " + std::to_string(count_ - k_told_max) + " more";
  }

 private:
  std::string text_;
  std::size_t count_ = 0;
};

std::string shown(const json& value) {
  return base::escape_for_terminal(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

// `row` is {"quota":{"to":"90"},...}: what the row would be made of.
void compare(const json& members, const json& row, const std::string& what, std::string_view name, Found& found) {
  for (const auto& [member, change] : row.items()) {
    const auto known = members.find(member);
    if (known == members.end() || *known == change["to"]) continue;
    found.add(what, name, member + " is " + shown(change["to"]) + ", and the audit says " + shown(*known));
  }
}

// The records of one kind, by their names, as the entries of the audit make them one after the other.
class Replay {
 public:
  using Chosen = std::function<bool(std::string_view name)>;
  Replay(std::string kind, Chosen chosen) : kind_(std::move(kind)), chosen_(std::move(chosen)) {
    // What a new store has, without an entry.
    if (kind_ == "account") live["default"].members = {{"enabled", true}, {"quota", "unlimited"}, {"note", ""}};
    if (kind_ == "group") live["default"].members = {{"multiplier_millionths", 1'000'000}, {"note", ""}};
  }

  Result<void> read(SqlSession& sql) {
    return sql.each_row("SELECT action, object, detail, at FROM audit ORDER BY seq",
                        [&](const Row& row) -> Result<void> {
                          const std::string_view action = row.column_text(0), object = row.column_text(1);
                          if (action == "store.settings_accepted") {
                            live.clear();
                            deleted.clear();
                            is_whole = false;
                          }
                          if (action.starts_with(kind_ + '.') && object.starts_with(kind_ + ' ')) {
                            take(action.substr(kind_.size() + 1), std::string(object.substr(kind_.size() + 1)),
                                 row.column_text(2), base::from_unix_ms(row.column_int(3)));
                          }
                          return {};
                        });
  }

  std::map<std::string, Known, std::less<>> live;
  std::map<std::string, std::vector<Known>, std::less<>> deleted;
  bool is_whole = true;  // a record that it does not know was not made by crd

 private:
  void take(std::string_view action, const std::string& name, std::string_view text, Time at) {
    const bool renames = action == "edit" && text.find("\"name\"") != std::string_view::npos;
    if (!renames && !chosen_(name)) return;  // most, where it is a part of them
    const json detail = json::parse(text, nullptr, false);
    if (!detail.is_object()) return;
    if (renames && detail.contains("name")) rename(detail["name"].value("from", ""), name);
    if (!chosen_(name)) return;
    if (action == "delete") {
      auto known = live.extract(name);
      deleted[name].push_back(known ? std::move(known.mapped()) : Known());
      return;
    }
    if (action == "restore") bring_back(name);
    Known& known = live[name];
    if (action == "create") known = {};
    for (const auto& [member, change] : detail.items()) {
      if (change.is_object() && change.contains("to")) known.members[member] = change["to"];
    }
    take_keys(known, action, detail, at);
  }

  void rename(const std::string& from, const std::string& to) {
    auto known = live.extract(from);
    if (!known || !chosen_(to)) return;
    known.key() = to;
    live.insert(std::move(known));
  }

  void bring_back(const std::string& name) {
    const auto found = deleted.find(name);
    if (found == deleted.end()) return;
    live[name] = std::move(found->second.back());
    live[name].keys.clear();
    found->second.pop_back();
    if (found->second.empty()) deleted.erase(found);
  }

  // Entries name the key that they are about: of one that is made its id and what may be shown of it.
  static void take_keys(Known& known, std::string_view action, const json& detail, Time at) {
    const auto text = [&](const char* member) {
      const auto found = detail.find(member);
      if (found == detail.end()) return std::string();
      const json& value = found->is_object() && found->contains("to") ? (*found)["to"] : *found;
      return value.is_string() ? value.get<std::string>() : value.dump();
    };
    const std::int64_t id = std::strtoll(text("key_id").c_str(), nullptr, 10);
    const auto grace = base::parse_duration(text("grace"));
    // Entries of an older crd tell of the grace alone, and of a long one not exactly.
    const auto told = base::parse_time(text("until"));
    const auto until = told ? std::optional(*told) : grace ? std::optional(at + *grace) : std::nullopt;
    if (action == "create" || action == "restore") known.with_keys = action == "restore" || id > 0;
    if (action == "rotate") {
      if (grace && grace->count() == 0) known.keys.clear();
      if (grace && grace->count() == 0) known.with_keys = id > 0;
      for (auto& [its_id, key] : known.keys) key.ends = until;
    }
    if ((action == "create" || action == "rotate") && id > 0) known.keys[id] = {text("key"), {}};
    if (known.keys.empty()) return;
    const auto newest = std::prev(known.keys.end());
    if (action == "rotate.extend") {
      for (auto key = known.keys.begin(); key != newest; ++key) key->second.ends = until;
    }
    if (action == "rotate.finish") known.keys.erase(known.keys.begin(), newest);
    if (action == "rotate.undo") known.keys.erase(newest);
    if (action == "key.revoke") known.keys.erase(id);
    if ((action == "rotate.undo" || action == "key.revoke") && !known.keys.empty())
      std::prev(known.keys.end())->second.ends.reset();
  }

  const std::string kind_;
  const Chosen chosen_;
};

// A kind's rows against its replay.
class Comparison {
 public:
  Comparison(SqlSession& sql, Found& found, const std::string& kind, Replay::Chosen chosen)
      : sql_(sql), found_(found), kind_(kind), chosen_(chosen), replay_(kind, std::move(chosen)) {}

  Result<void> read() { return replay_.read(sql_); }

  // A row that is there and not deleted.
  void row(const std::string& name, const std::string& detail) {
    if (!chosen_(name)) return;
    const auto known = replay_.live.find(name);
    if (known != replay_.live.end()) {
      seen_[name] = true;
      compare(known->second.members, json::parse(detail, nullptr, false), kind_, name, found_);
    } else if (replay_.deleted.contains(name)) {
      found_.add(kind_, name, "is there, and the audit says that it was deleted");
    } else if (replay_.is_whole) {
      found_.add(kind_, name, "is there, and the audit knows of none");
    }
  }
  void tell_missing() {
    for (const auto& [name, known] : replay_.live) {
      if (!seen_.contains(name)) found_.add(kind_, name, "is not there, and the audit knows of no deletion");
    }
  }

  Result<void> keys_of_tokens();

 private:
  void key(const Row& row);

  SqlSession& sql_;
  Found& found_;
  const std::string kind_;
  const Replay::Chosen chosen_;
  Replay replay_;
  std::map<std::string, bool, std::less<>> seen_;
  std::map<std::int64_t, bool> keys_seen_;
};

void Comparison::key(const Row& row) {
  const std::int64_t id = row.column_int(0);
  const std::string hint = std::string(row.column_text(2)) + "..." + std::string(row.column_text(3));
  const std::string which = "key " + std::to_string(id) + " (" + hint + ")";
  const auto owner = replay_.live.find(row.column_text(1));
  if (owner == replay_.live.end() || !owner->second.with_keys) return;
  const auto known = owner->second.keys.find(id);
  if (known == owner->second.keys.end()) {
    std::string says = which + " is there, and the audit knows of none";
    for (const auto& [name, other] : replay_.live) {
      if (other.keys.contains(id)) says = which + " is there, and the audit says that it is of token '" + name + '\'';
    }
    found_.add(kind_, owner->first, says);
    return;
  }
  keys_seen_[id] = true;
  if (known->second.hint != hint)
    found_.add(kind_, owner->first, which + " is there, and the audit says " + known->second.hint);
  const auto ends = row.column_optional_int(4);
  const auto due = known->second.ends;
  const bool same = ends && due ? std::chrono::abs(base::from_unix_ms(*ends) - *due) <= k_grace_slack : !ends == !due;
  if (same) return;
  found_.add(kind_, owner->first,
             which + (ends ? " ends at " + base::format_rfc3339(base::from_unix_ms(*ends)) : " does not end") +
                 ", and the audit says " + (due ? base::format_rfc3339(*due) : "that it does not"));
}

Result<void> Comparison::keys_of_tokens() {
  auto read = sql_.each_row(
      "SELECT key.id, token.name, hint_first, hint_last, not_after FROM key JOIN token ON token.id = key.token_id"
      " WHERE token.deleted_at IS NULL ORDER BY key.id",
      [&](const Row& row) -> Result<void> {
        key(row);
        return {};
      });
  if (!read) return read;
  for (const auto& [name, known] : replay_.live) {
    for (const auto& [id, key] : known.keys) {
      // One whose grace is over goes without an entry.
      if (known.with_keys && !key.ends && !keys_seen_.contains(id))
        found_.add(kind_, name, "key " + std::to_string(id) + " (" + key.hint + ") is not there any more");
    }
  }
  return {};
}

Result<void> compare_tokens(SqlSession& sql, Found& found) {
  const auto last = sql.find_int("SELECT count(*) FROM token");
  if (!last) return tl::unexpected(last.error());
  const auto parts = static_cast<std::size_t>(last->value_or(0) / k_records_at_once + 1);
  for (std::size_t part = 0; part < parts; ++part) {
    const auto chosen = [&](std::string_view name) { return std::hash<std::string_view>()(name) % parts == part; };
    Comparison comparison(sql, found, "token", chosen);
    auto done = comparison.read();
    if (done) {
      done = sql.each_row(select(k_token_columns + ", coalesce(account.name, ''), token.name",
                                 "FROM token LEFT JOIN account ON account.id = account_id WHERE token.deleted_at IS "
                                 "NULL ORDER BY token.id"),
                          [&](const Row& row) -> Result<void> {
                            if (!chosen(row.column_text(k_token_column_count + 1))) return {};
                            const auto token = token_of(row);
                            if (!token) return tl::unexpected(token.error());
                            comparison.row(token->name,
                                           audit_detail(nullptr, &*token, {}, row.column_text(k_token_column_count)));
                            return {};
                          });
    }
    comparison.tell_missing();
    if (done) done = comparison.keys_of_tokens();
    if (!done) return done;
  }
  return {};
}

bool all(std::string_view) {
  return true;
}

Result<void> compare_channels(SqlSession& sql, Found& found) {
  Comparison comparison(sql, found, "channel", all);
  std::vector<ChannelRecord> channels;
  auto done = comparison.read();
  if (done) {
    done = sql.each_row(select(k_channel_columns, "FROM channel WHERE deleted_at IS NULL"),
                        [&](const Row& row) -> Result<void> {
                          auto channel = channel_of(row);
                          if (!channel) return tl::unexpected(channel.error());
                          channels.push_back(std::move(*channel));
                          return {};
                        });
  }
  for (ChannelRecord& channel : channels) {
    if (!done) return done;
    done = sql.each_row(
        "SELECT hint_first, hint_last FROM channel_key WHERE channel_id = ?1 ORDER BY id",
        [&](const Row& row) -> Result<void> {
          channel.key_hints.push_back(
              {base::ShortText<10>(row.column_text(0)), base::ShortText<4>(row.column_text(1))});
          return {};
        },
        channel.id);
    comparison.row(channel.name, audit_detail(nullptr, &channel));
  }
  comparison.tell_missing();
  return done;
}

template <class Make>
Result<void> compare_plain(SqlSession& sql, Found& found, const std::string& kind, const std::string& query,
                           const Make& make) {
  Comparison comparison(sql, found, kind, all);
  auto done = comparison.read();
  if (done) {
    done = sql.each_row(query, [&](const Row& row) -> Result<void> {
      const auto record = make(row);
      comparison.row(record.name, audit_detail(nullptr, &record));
      return {};
    });
  }
  comparison.tell_missing();
  return done;
}

// A price is what was set when it got its generation.
Result<void> compare_prices(SqlSession& sql, Found& found) {
  static const std::string generation = select_list("price_generation", columns_in(k_price_fields, "generation"));
  std::map<std::int64_t, PriceRecord> prices;
  const auto each = [&](const std::string& query, const std::function<void(PriceRecord)>& take) {
    return sql.each_row(query, [&](const Row& row) -> Result<void> {
      auto price = price_of(row);
      if (!price) return tl::unexpected(price.error());
      take(std::move(*price));
      return {};
    });
  };
  auto done = each(select(k_price_columns, "FROM price"), [&](PriceRecord price) {
    const std::int64_t id = price.generation;
    prices.emplace(id, std::move(price));
  });
  if (!done) return done;
  done = each(select(generation + ", price_generation.id",
                     "FROM price_generation JOIN price ON price.generation = price_generation.id"),
              [&](const PriceRecord& set) {
                const auto price = prices.extract(set.generation);
                if (!price) return;
                const json changes = json::parse(audit_detail(&set, &price.mapped()), nullptr, false);
                for (const auto& [member, change] : changes.items()) {
                  found.add("price of", set.model,
                            member + " is " + shown(change["to"]) + ", and was set as " + shown(change["from"]));
                }
              });
  for (const auto& [id, price] : prices) found.add("price of", price.model, "was never set");
  return done;
}

}  // namespace

Result<std::string> find_changed_settings(SqlSession& sql) {
  Found found;
  auto done = compare_tokens(sql, found);
  if (done) done = compare_channels(sql, found);
  if (done) {
    done = compare_plain(sql, found, "account", select(k_account_columns, "FROM account WHERE deleted_at IS NULL"),
                         [](const Row& row) { return account_of(row); });
  }
  if (done) {
    done = compare_plain(sql, found, "group", select(k_group_columns, "FROM grp"),
                         [](const Row& row) { return group_of(row); });
  }
  if (done) done = compare_prices(sql, found);
  // What cannot be read is what was changed, most likely.
  if (!done && done.error().code == base::ErrorCode::corrupt) return done.error().message;
  if (!done) return tl::unexpected(done.error());
  return found.text();
}

}  // namespace cr::ledger
