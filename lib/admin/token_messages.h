// SPDX-License-Identifier: MIT
// Messages about tokens on the admin socket: one struct a message, its JSON in the .cpp. Plain values, any thread.
// JSON: names as here; absent optionals are null; money is a decimal string; times RFC 3339 Z. Unknown members of a
// request are `invalid` and named (with the nearest known one); unknown members of an answer are ignored, so that
// fields can be added.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/credits.h"
#include "base/result.h"
#include "base/secret.h"

namespace cr::admin {

using base::Credits;
using base::Time;

// A quota: credits, or none at all. JSON "20.5" or null (unlimited).
using Quota = std::optional<Credits>;
using Tags = std::map<std::string, std::string>;

struct KeyInfo {
  std::int64_t id = 0;
  std::string first;  // "sk-cr-Ab1C"
  std::string last;   // "x9Zq"
  std::string state;  // "current", "old" (in its grace)
  Time created_at;
  std::optional<Time> not_after;  // end of the grace
  std::optional<Time> last_used_at;
  std::optional<std::string> last_used_ip;
};

// One budget in the calendar period that is now.
struct Budget {
  std::string period;  // day week month
  Credits limit, used, reserved, left;
  Time resets_at;
};

struct Token {
  std::int64_t id = 0;
  std::int64_t rev = 0;
  std::string name;
  std::string status;  // enabled disabled expired not_yet_valid exhausted limited rotating deleted
  bool enabled = true;
  std::vector<std::string> groups;
  std::string account;
  Quota quota;
  Credits used;      // posted
  Credits reserved;  // for running requests
  Quota left;        // quota - used - reserved, at least 0
  std::vector<Budget> budgets;
  std::string time_zone;              // the budgets' calendar
  std::optional<Time> limited_until;  // a budget is used up
  std::optional<std::int64_t> requests_per_minute, tokens_per_minute, requests_at_once;
  std::optional<Time> expires_at, not_before;
  std::vector<std::string> models;    // empty = all
  std::vector<std::string> allow_ip;  // empty = all
  std::string when_low;               // "clamp" or "refuse"
  Tags tags;
  std::string note;
  bool retrievable = false;
  std::vector<KeyInfo> keys;
  Time created_at;
  std::optional<Time> last_used_at, deleted_at;
  std::map<std::string, std::int64_t> refused;  // {"insufficient_quota": 12}: requests of the last day, by error.code
};

struct TokenCreate {
  std::string name;
  std::optional<Time> expires_at, not_before;
  Quota quota;
  std::map<std::string, Credits> budgets;  // {"day":"5"}
  std::string time_zone;                   // empty = UTC
  std::optional<std::int64_t> requests_per_minute, tokens_per_minute, requests_at_once;
  std::vector<std::string> models;
  std::vector<std::string> allow_ip;
  std::vector<std::string> groups;  // empty = default
  std::string account;              // empty = default
  std::string when_low;             // empty = clamp
  Tags tags;
  std::string note;
  bool enabled = true;
  bool retrievable = false;
  std::string like;                // another token's name: what is not given is taken from it (see `given`)
  std::vector<std::string> given;  // with `like`: the members set on purpose ("quota", "expires_at", ...)
  std::optional<std::string> key;  // an imported key; minted if absent
};

// Answer of create and rotate: the token and, this once, its key.
struct TokenWithKey {
  Token token;
  std::string key;
};

// PATCH: only members present are changed. Lists take either the whole new list or what to add and remove.
struct ListEdit {
  std::optional<std::vector<std::string>> set;
  std::vector<std::string> add;
  std::vector<std::string> remove;
};
struct QuotaEdit {
  bool unlimited = false;
  std::optional<Credits> set;
  std::optional<Credits> delta;  // applied to what the quota is then: never to what somebody read earlier
};
struct TokenEdit {
  std::optional<std::string> name;
  std::optional<bool> enabled;
  std::optional<std::optional<Time>> expires_at;  // inner null = never
  std::optional<std::optional<Time>> not_before;
  std::optional<QuotaEdit> quota;
  std::optional<std::map<std::string, QuotaEdit>> budgets;  // those named; null takes one away
  std::optional<std::string> time_zone;
  std::optional<std::optional<std::int64_t>> requests_per_minute, tokens_per_minute, requests_at_once;
  std::optional<ListEdit> models;
  std::optional<ListEdit> allow_ip;
  std::optional<ListEdit> groups;
  std::optional<std::string> account;
  std::optional<std::string> when_low;
  std::optional<std::map<std::string, std::optional<std::string>>> tags;  // null removes
  std::optional<std::string> note;
};

// What an edit changed, in the words crctl prints: quota "$20.00" -> "$25.00". JSON values as in Token.
struct Change {
  std::string field;
  std::string before;
  std::string after;
};
// The answer to an edit: the object as it is now, and what that edit changed of it.
template <class T>
struct Edited : T {
  std::vector<Change> changes;  // empty = nothing to change, or an object that is new
};
struct TokenEdited {
  Token token;
  std::vector<Change> changes;  // empty = nothing to change
};

struct TokenRotate {
  std::optional<std::int64_t> grace_ms;      // absent = 24 h; 0 = now
  std::string action;                        // "rotate" (empty), "extend", "finish", "undo"
  std::optional<std::int64_t> quiet_for_ms;  // with finish: how long the old key was not used; absent = 10 min
  bool force = false;                        // finish although it is in use
  // With rotate: when the token ends from then on, in the same change; absent = as before.
  std::optional<Time> expires_at{};
  bool expires_never = false;
};

struct BudgetReset {
  std::optional<std::string> period;  // absent = every budget
};

struct TokenCheck {
  std::string model;
  std::optional<std::string> ip;
  std::optional<Credits> cost;
};
struct TokenVerdict {
  bool allowed = false;
  std::string rule;                   // error code of /v1 that would refuse: "model_not_allowed"; empty if allowed
  std::string reason;                 // one sentence
  std::string setting;                // what to change: "crctl token edit ci --models +gpt-4o"
  std::vector<std::string> channels;  // that would serve it, in order
};

struct KeyVerdict {
  bool known = false;
  std::string token;   // name
  std::string state;   // "current", "old"
  std::string status;  // the token's
  std::string shape;   // "ours", "mistyped", "foreign"
};

struct VerifyKey {
  std::string key;
};
struct RevokeKey {
  std::int64_t key_id = 0;
};

struct TokenFilter {
  std::optional<std::string> status, group, account, tag, name;  // tag "k" or "k=v"; name a glob
  std::optional<std::int64_t> expiring_ms, unused_ms;            // expires within; not used for
  std::optional<int> over_percent;                               // of its quota used
  std::optional<std::string> sort;  // name used left expires last_used created; '-' first = descending
  bool deleted = false;             // the deleted ones instead
  std::optional<std::string> cursor;
  std::optional<int> limit;  // 1..1000, default 200
  bool rotating = false;     // those whose old key still works, whatever their status
};

}  // namespace cr::admin
