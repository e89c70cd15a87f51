// SPDX-License-Identifier: MIT
// Records: what the ledger keeps, as immutable values. Shared between threads by shared_ptr<const ...>: an edit makes a
// new one.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/calendar.h"
#include "base/clock.h"
#include "base/credits.h"
#include "base/id.h"
#include "base/rate.h"
#include "base/secret.h"
#include "billing/price.h"
#include "ledger/core/token_settings.h"
#include "provider/kinds/kind.h"
#include "token/key.h"
#include "token/scope.h"

namespace cr::ledger {

using base::AccountId;
using base::ChannelId;
using base::Credits;
using base::GroupId;
using base::KeyId;
using base::RequestId;
using base::Time;
using base::TokenId;
using ChannelKind = provider::Kind;
using token::Switch;

struct AccountRecord {
  AccountId id;
  std::int64_t rev = 0;
  std::string name;
  Switch enabled = Switch::on;
  std::optional<Credits> quota;  // none = unlimited
  std::string note;
  Time created_at;
};

struct GroupRecord {
  GroupId id;
  std::int64_t rev = 0;
  std::string name;
  std::int64_t multiplier_millionths = 1'000'000;
  std::string note;
  Time created_at;
};

// Settings only; what it has spent is a Balance. There may be millions: what many of them have alike is in `settings`.
struct TokenRecord {
  TokenId id;
  std::int64_t rev = 0;
  std::string name;
  AccountId account;
  SharedTokenSettings settings;
  std::optional<Time> expires;
  std::optional<Credits> quota;
  Time created_at;
  std::optional<Time> deleted_at;
  Switch enabled = Switch::on;
};

inline bool has_budget(const TokenRecord& token) {
  const auto& budgets = token.settings->budgets;
  return budgets[0] || budgets[1] || budgets[2];
}

struct KeyRecord {
  KeyId id;
  TokenId token;
  token::Digest digest{};
  token::KeyHint hint;
  Time created_at;
  std::optional<Time> not_after;  // end of a rotation's grace: works while now < not_after
};

struct ChannelRecord {
  ChannelId id;
  std::int64_t rev = 0;
  std::string name;
  ChannelKind kind{};  // its place among provider::kinds()
  Switch enabled = Switch::on;
  std::string base_url;             // "https://api.openai.com/v1": an endpoint's path after /v1 is appended
  std::vector<std::string> models;  // as typed
  token::ModelSet model_set;        // compiled, with the aliases of model_map
  std::map<std::string, std::string> model_map;  // alias -> upstream's name; aliases are served too
  std::vector<std::string> groups;
  std::int64_t priority = 0;
  std::int64_t weight = 1;
  std::chrono::milliseconds timeout_connect{5'000}, timeout_first_byte{120'000}, timeout_idle{120'000};
  std::chrono::milliseconds timeout_total{3'600'000};  // of an answer, from when its request was sent
  bool allow_private = false;
  std::string bound_field;          // max_tokens, max_completion_tokens or none: no bound is written into a chat
  bool bound_field_chosen = false;  // by an administrator: neither what is known of the host nor what is learnt counts
  std::string stream_usage = "auto";              // always, never: whether a stream is asked for its usage
  std::optional<std::int64_t> output_rate_max{};  // model tokens a second of one response; none: the provider's
  std::string cancels = "auto";                   // never: a closed connection does not end the provider's work
  bool retry_after_timeout = false;               // another route may be tried after a timeout of this one
  std::vector<std::string> strip;                 // top-level members that are left out of a request
  std::string service_tier;  // what a request that names none has at this provider; empty: its standard
  std::chrono::milliseconds echo_delay{0};
  std::map<std::string, std::string> headers;             // more of each request's head: names in lower case -> values
  std::string proxy;                                      // http://host[:port], to be asked for a tunnel; empty = none
  std::string ca_file, client_cert, client_key;           // absolute paths of PEM files; empty = none
  std::vector<std::shared_ptr<const base::Secret>> keys;  // opened; wiped with the last user
  std::vector<token::KeyHint> key_hints;                  // same order
  std::vector<Time> key_created_at;
  std::string note;
  Time created_at;
};

struct PriceRecord : billing::Price {
  std::string model;
  std::string source;                // "shipped", "set"
  std::optional<Time> effective_at;  // none = since ever
  Time updated_at;
  std::int64_t generation = 0;  // its row of price_generation, which stays when the price changes or goes
};

struct Balance {
  std::optional<Credits> quota;
  Credits posted;
  Credits reserved;
  // quota - posted - reserved, never below 0; Credits::max() if unlimited.
  Credits available() const;
};

// One budget of a token in the period that is now.
struct BudgetUse {
  base::Period period = base::Period::day;
  base::TimeSpan span{};  // the period; at its end the budget is whole again
  Credits limit{};
  Credits used{};  // posted, less what resets gave back; never below 0
  Credits reserved{};
  Credits available() const;
};

}  // namespace cr::ledger
