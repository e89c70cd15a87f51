// SPDX-License-Identifier: MIT
// Reports: everything read for eyes, on a read-only connection, as of the last commit. One thread at a time
// (Ledger::read sees to it).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ledger/core/operations.h"
#include "ledger/core/records.h"

namespace cr::ledger {

using base::Result;

struct KeyRow {
  KeyRecord key;
  std::optional<Time> last_used_at;
  std::optional<std::string> last_used_ip;
};
// Where a token stands in the order that was asked for: what comes after it is read from here on, and no row before.
struct TokenPlace {
  std::string name;         // in lower case; of orders by name
  std::int64_t number = 0;  // of the others
  TokenId id;               // of those that are equal in that
};
struct TokenRow {
  TokenRecord token;
  std::string account_name;
  Credits posted, reserved;
  std::vector<KeyRow> keys;  // current first
  std::optional<Time> last_used_at;
  std::vector<BudgetUse> budgets{};               // as they are now
  TokenPlace place{};                             // of a list
  std::map<std::string, std::int64_t> refused{};  // before anything was reserved, by code; of the last day
};
struct TokenQuery {
  std::optional<std::string> name_glob{}, group{}, account{};
  std::optional<std::pair<std::string, std::optional<std::string>>> tag{};
  std::optional<Time> expires_before{};  // and not yet expired
  std::optional<Time> not_used_since{};
  std::optional<int> over_percent{};
  bool deleted = false;
  bool rotating = false;  // an old key still works
  enum class Sort { name, used, left, expires, last_used, created } sort = Sort::name;
  bool descending = false;
  std::optional<TokenPlace> after{};
  std::size_t offset = 0;
  std::size_t limit = 200;
};
struct AccountRow {
  AccountRecord account;
  Credits posted, reserved;
  std::int64_t tokens = 0;
};
struct GroupRow {
  GroupRecord group;
  std::vector<std::string> channels;
  std::int64_t tokens = 0;
};
struct RequestRow {
  Settlement settlement;
  RequestBooking booking;  // says what is so where both have a value
  std::string token_name, account_name, channel_name;
  bool open = false;  // a reservation without an ending yet
};
struct RequestQuery {
  std::optional<std::string> token{}, model{}, channel{}, account{}, error{};  // error "*" = any
  std::optional<Time> since{}, until{};
  std::optional<RequestId> before{};  // newest first, older than this
  std::optional<RequestId> after{};   // oldest first, newer than this
  std::size_t limit = 200;
};
enum class UsageBy { token, model, hour, day, week, month, channel, group, account };
struct UsageGroup {
  std::vector<std::string> key;  // one a dimension, in order
  std::int64_t requests = 0, errors = 0, input_tokens = 0, cached_tokens = 0, output_tokens = 0;
  Credits cost;
  bool estimated = false;
};
struct UsageSelection {
  std::vector<UsageBy> by{};
  Time since{}, until{};
  std::optional<std::string> token{}, model{}, channel{}, group{}, account{};
  base::Zone zone{};  // whose hours, days, weeks and months
};
// What a provider charges for the requests of a channel, by the model that it bills them as.
struct CostPart {
  std::int64_t requests = 0;
  Credits cost;
};
struct CostGroup {
  std::string model;
  std::int64_t requests = 0, input_tokens = 0, cached_tokens = 0, cache_write_tokens = 0, output_tokens = 0;
  Credits cost;                           // the provider's, whatever was posted
  Credits fees;                           // of it, for calls of the provider's own tools
  Credits posted, overrun, refunded;      // overrun is not within posted; refunded is
  CostPart in_doubt, unknown, estimated;  // of it, each request in one of them at most: nobody told its usage
  CostPart told;                          // of it, as the provider told, because that was more
  CostPart unpriced;                      // requests with a part that has no price
  CostPart own;                           // of it, requests that crd made by itself
};
struct Costs {
  std::vector<CostGroup> groups;
  std::optional<Time> rows_since;  // requests before it were pruned
};
struct CostSelection {
  std::string channel;  // its name
  Time since, until;    // of when requests were made, as their ids tell it
};

class Reports {
 public:
  struct Impl;
  explicit Reports(Impl& impl) : impl_(impl) {}
  Result<std::vector<TokenRow>> tokens(const TokenQuery& query);
  Result<TokenRow> token(std::string_view name);  // `not_found` names it and the nearest
  Result<std::vector<std::string>> token_names(std::size_t limit);
  Result<std::vector<AccountRow>> accounts();
  Result<AccountRow> account(std::string_view name);  // as token()
  Result<std::vector<GroupRow>> groups();
  Result<GroupRow> group(std::string_view name);  // as token()
  Result<std::int64_t> count_tokens();
  Result<std::vector<PriceRecord>> prices(std::string_view model_glob);
  // As it was set, whatever became of it; none: there was never one of that number.
  Result<std::optional<PriceRecord>> price_generation(std::int64_t generation);
  Result<std::vector<RequestRow>> requests(const RequestQuery& query);
  Result<RequestRow> request(const RequestId& id);
  // From the sums, whose steps are quarters of an hour: the selection's time is widened to whole ones (usage_span).
  Result<std::vector<UsageGroup>> usage(const UsageSelection& selection);
  static base::TimeSpan usage_span(Time since, Time until);
  // From the rows, all of them: takes as long as there are requests in that time, of whatever channel.
  Result<Costs> costs(const CostSelection& selection);
  struct AuditRow {
    std::int64_t seq = 0;
    Time at;
    std::int64_t pid = 0, uid = 0, gid = 0;
    std::string action, object, detail, reason;
  };
  Result<std::vector<AuditRow>> audit(std::int64_t after_seq, std::size_t limit);
  Result<std::vector<AuditRow>> newest_audit(std::size_t limit);  // oldest of them first
  // What is known of the store from elsewhere, in hexadecimal digits what is bytes.
  struct Seen {
    std::int64_t audit_seq = 0;  // the audit's last entry, its chain and the code of the settings' sum; 0: nothing is
    std::string audit_chain, settings;
    std::string newest;  // the newest request's row; "" = none
    Time pruned_before;  // rows of requests
    Credits overrun;
  };
  // I1 (that no balance is below 0), I2, I3, the audit's chain and the sum of the settings, recomputed from the rows;
  // the first violation as `corrupt`.
  struct Verified {
    std::int64_t requests = 0, open = 0, tokens = 0, accounts = 0, audit_rows = 0;
    Credits posted, reserved;
    std::optional<Time> since;  // requests before it were pruned: their sums were checked, not they
  };
  Result<Verified> verify();

 private:
  Impl& impl_;
};

}  // namespace cr::ledger
