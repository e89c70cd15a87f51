// SPDX-License-Identifier: MIT
// Store: the changes an operator makes, each with its audit row, inside the transaction that Ledger::write opened.
// On the thread that runs the change (Ledger::write) only. Edits change only the fields named and, if anything differs
// then, raise rev; quota edits are deltas or sets of the quota alone. Reserved is never written here, posted by a
// refund only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "ledger/core/records.h"

namespace cr::ledger {

using base::Result;

// Who did it, for the audit row.
struct Actor {
  std::int64_t pid = 0, uid = -1, gid = -1;
  std::string reason;
};
// Compare-and-set: the change is refused (`conflict`) unless the record still has this rev.
using IfRev = std::optional<std::int64_t>;

// A record before and after a change, as both are inside its transaction: the same one where nothing changed.
template <class Record>
struct Edited {
  std::shared_ptr<const Record> before, after;
};

struct NewToken {
  std::string name;
  std::string account = "default";
  std::vector<std::string> groups{"default"};
  Switch enabled = Switch::on;
  std::optional<Time> not_before{}, expires{};  // a past expiry is `invalid`
  bool expires_given = false;                   // else Options::default_expiry applies
  std::vector<std::string> models{}, allow_ip{};
  std::optional<Credits> quota{};
  BudgetLimits budgets{};
  base::Zone zone{};
  RateLimits rates{};
  WhenLow when_low = WhenLow::clamp;
  std::map<std::string, std::string> tags{};
  std::string note{};
  bool retrievable = false;
  std::optional<base::Secret> key{};  // imported; minted if absent
};
struct IssuedKey {
  std::shared_ptr<const TokenRecord> token;
  KeyId key_id;
  base::Secret key;
};

struct QuotaChange {
  enum class Kind { unlimited, set, delta } kind = Kind::set;
  Credits amount;
};
// Applied in the transaction to what the record is then; returns the new record. Fields not touched stay.
struct TokenPatch {
  std::optional<std::string> name, account, note;
  std::optional<Switch> enabled;
  std::optional<std::optional<Time>> not_before, expires;
  std::optional<QuotaChange> quota;
  std::array<std::optional<QuotaChange>, k_period_count> budgets;  // by Period; unlimited takes one away
  std::optional<base::Zone> zone;
  std::optional<std::optional<std::int64_t>> requests_per_minute, tokens_per_minute, requests_at_once;
  std::optional<WhenLow> when_low;
  // From the old list to the new one (set, or add and remove).
  std::function<Result<std::vector<std::string>>(const std::vector<std::string>&)> models, allow_ip, groups;
  std::optional<std::map<std::string, std::optional<std::string>>> tags;
};

struct AccountPatch {
  std::optional<Switch> enabled;
  std::optional<QuotaChange> quota;
  std::optional<std::string> note;
};
struct GroupPatch {
  std::optional<std::int64_t> multiplier_millionths;
  std::optional<std::string> note;
};
// NewChannel: ChannelRecord's settings with its keys as text; ids, rev and times are the store's.
struct NewChannel {
  ChannelRecord settings;
  std::vector<base::Secret> keys;
};

class Store {
 public:
  struct Impl;
  explicit Store(Impl& impl) : impl_(impl) {}

  // tokens
  Result<IssuedKey> create_token(const NewToken& token, const Actor& actor);
  Result<std::shared_ptr<const TokenRecord>> edit_token(std::string_view name, const TokenPatch& patch, IfRev if_rev,
                                                        const Actor& actor);
  // Two keys until `grace` ends (0 = the old ones stop now). At most two: `conflict` while a grace runs, unless 0.
  Result<IssuedKey> rotate_token(std::string_view name, std::chrono::milliseconds grace, const Actor& actor);
  // Ends the grace now: `conflict` if the old key was used within `quiet_for`, unless forced (quiet_for = 0).
  Result<void> finish_rotation(std::string_view name, std::chrono::milliseconds quiet_for, const Actor& actor);
  // The old key works for `grace` more from now on, if it does not already. `conflict`: there is none.
  Result<void> extend_rotation(std::string_view name, std::chrono::milliseconds grace, const Actor& actor);
  // The old key becomes the only one again.
  Result<void> undo_rotation(std::string_view name, const Actor& actor);
  // What was used in the period that is now is given back; `period` none = of every budget. `invalid` if there is none.
  Result<void> reset_budgets(std::string_view name, std::optional<base::Period> period, const Actor& actor);
  Result<void> revoke_key(std::string_view name, KeyId key, const Actor& actor);
  Result<base::Secret> reveal_key(std::string_view name, const Actor& actor);  // `not_retrievable`; audited
  // Key material is destroyed; reservations still settle; the row stays, and can be restored for 7 days (settings and
  // usage, no key).
  Result<void> delete_token(std::string_view name, IfRev if_rev, const Actor& actor);
  Result<std::shared_ptr<const TokenRecord>> restore_token(std::string_view name, const Actor& actor);

  // accounts, groups
  Result<AccountId> create_account(const AccountRecord& account, const Actor& actor);
  Result<Edited<AccountRecord>> edit_account(std::string_view name, const AccountPatch& patch, IfRev if_rev,
                                             const Actor& actor);
  Result<void> delete_account(std::string_view name, IfRev if_rev,
                              const Actor& actor);  // `conflict` while tokens use it
  Result<GroupId> create_group(const GroupRecord& group, const Actor& actor);
  Result<Edited<GroupRecord>> edit_group(std::string_view name, const GroupPatch& patch, IfRev if_rev,
                                         const Actor& actor);
  Result<void> delete_group(std::string_view name, IfRev if_rev, const Actor& actor);  // `conflict` while used

  // channels
  Result<ChannelId> create_channel(NewChannel channel, const Actor& actor);
  // `change` gets a copy of the record to alter; id, rev, keys and created_at in it are ignored.
  Result<Edited<ChannelRecord>> edit_channel(std::string_view name,
                                             const std::function<Result<void>(ChannelRecord&)>& change, IfRev if_rev,
                                             const Actor& actor);
  Result<void> set_channel_keys(std::string_view name, std::vector<base::Secret> keys, const Actor& actor);
  Result<void> add_channel_key(std::string_view name, base::Secret key, const Actor& actor);
  Result<void> remove_channel_key(std::string_view name, std::string_view shown_prefix, const Actor& actor);
  Result<void> delete_channel(std::string_view name, IfRev if_rev, const Actor& actor);

  // prices
  // `before` is the price of the same model and effective_at, null where this one is new. One that is there already
  // writes nothing, and is both.
  Result<Edited<PriceRecord>> set_price(const PriceRecord& price, const Actor& actor);
  // The same of many, in their order and all of them or none, with one row of the audit of what changed.
  Result<std::vector<Edited<PriceRecord>>> import_prices(const std::vector<PriceRecord>& prices, const Actor& actor);
  // Those it took away, the one that has held for longest first.
  Result<std::vector<std::shared_ptr<const PriceRecord>>> unset_price(std::string_view model, const Actor& actor);

  // Gives back what a request was posted, all of it or `amount`; together never more. `not_found` once its row is gone.
  Result<Credits> refund_request(const RequestId& id, std::optional<Credits> amount, const Actor& actor);

  // The directory as it will be after this transaction, and balances as they are now: for answers made in the same
  // breath.
  std::shared_ptr<const TokenRecord> find_token(std::string_view name) const;
  std::optional<Balance> find_balance(TokenId token) const;
  std::optional<Balance> find_balance(AccountId account) const;
  Result<std::vector<BudgetUse>> budget_uses(TokenId token) const;

 private:
  Impl& impl_;
};

}  // namespace cr::ledger
