// SPDX-License-Identifier: MIT
// The operations of the request path: reserve, settle, look at a balance or at where a stored response is. Plain values
// that the ledger thread works off.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ledger/core/records.h"

namespace cr::ledger {

// What a row needs to say about a request, known before it is sent (so that a reservation found open at a start tells
// whose it was).
struct RequestFacts {
  RequestId id;
  Time started_at;  // when its reservation was made: that moment's budgets and hours carry it
  TokenId token;
  KeyId key;
  AccountId account;
  std::string group, model, endpoint, source_ip;
  bool stream = false;
};

// What a provider can have made of a stream that nobody read to its end, where its connection was closed with crd:
// so much, and so much more with each second since it was reserved. In the money of the reservation.
struct UnseenCost {
  Credits at_once, each_second;
};

enum class ReserveOutcome {
  reserved,
  unlimited,  // token and account have no quota any more, and the token no budget: nothing was reserved
  no_token_credit,
  no_account_credit,
  no_budget,        // `budget` has too little left until `budget_resets_at`
  credit_reserved,  // there is enough, but running requests have reserved it (`in_the_way`)
  gone,             // the token was deleted, or it or its account disabled, meanwhile
  unavailable,      // the store cannot commit, too many wait, or nobody waits for this one: 503
};

// One waiting reservation. It is the ledger's until its recipient delivers it, and must stay alive until then; nothing
// of it may refer to what ends before.
struct ReserveOp {
  RequestFacts facts;
  // Says what to reserve, given what is not posted yet of the token's, its account's and its budgets' credit (the
  // least); nullopt = not enough. Called on the ledger thread, anew whenever it is decided; must not block and must be
  // cheap.
  std::function<std::optional<Credits>(Credits unposted)> size;
  // For a start after a crash; none: the provider may have done all that is reserved for, whenever crd went.
  std::optional<UnseenCost> unseen{};
  // What attempts at a request whose reservation is open may have cost, whose response nobody got: not 0, and it is
  // noted, in place of what was noted before, for a start after a crash to post beside `unseen`. Then nothing is
  // reserved, and of the rest only the request's id matters.
  Credits lost;
  bool may_wait = false;  // for credit that running requests have reserved: until it is abandoned

  // Nobody waits for it any more: unless it is being worked on already, nothing is reserved for it. It comes back all
  // the same, as `reserved` where it was too late, which whoever takes it must void. Any thread.
  void abandon() { std::atomic_ref(left_).store(true, std::memory_order_release); }
  bool abandoned() { return std::atomic_ref(left_).load(std::memory_order_acquire); }

  // Whether it waits for such credit. Any thread; once it is true, `in_the_way` can be read.
  bool waits() { return std::atomic_ref(waits_).load(std::memory_order_acquire); }
  void begin_to_wait() { std::atomic_ref(waits_).store(true, std::memory_order_release); }  // the ledger's

  ReserveOutcome outcome = ReserveOutcome::unavailable;
  Credits amount;  // reserved
  base::Period budget = base::Period::day;
  Time budget_resets_at;
  struct {
    Credits reserved, limit;    // of the token, its account or a budget, whichever has the least
    std::int64_t requests = 0;  // of the token that run
  } in_the_way;                 // as it was when it was first decided

  std::uint32_t recipient = 0;
  void* waiter = nullptr;     // the recipient's: what to resume
  ReserveOp* next = nullptr;  // the ledger's and the recipient's list

 private:
  bool left_ = false, waits_ = false;
};

enum class Ending { complete, refused, client_gone, upstream_cut, upstream_silent, upstream_failed, in_doubt };
std::string_view name_of(Ending ending);

enum Flag : std::uint32_t {
  k_estimated = 1,
  k_unknown = 2,
  k_in_doubt = 4,
  k_unpriced = 8,
  k_clamped = 16,
  k_told_cost = 32
};

// What a request used beside model tokens; 0 = nothing of it.
struct UnitCounts {
  std::int64_t images = 0, characters = 0, audio_ms = 0, search_units = 0;
  bool operator==(const UnitCounts&) const = default;
};

// A response that its provider keeps and that can be asked for again by its id: where it is.
struct StoredResponse {
  std::string id;  // as the provider gave it; empty = nothing is stored
  ChannelId channel;
  std::string key_hint;     // of the channel's key it was made with ("sk-p...Q2xL"); empty = the channel has none
  std::string model;        // as the client named it
  std::int64_t tokens = 0;  // what its provider told that it used, in and out; 0 = it told nothing
};

// One ending of a request: posts `cost` (0 = void) against its reservation, if it has one, and writes its row.
struct Settlement {
  RequestFacts facts;
  Ending ending = Ending::complete;
  Credits reserved;  // 0 = there is no reservation
  Credits cost;      // posted: at most `reserved` if that is not 0; the rest goes to overrun
  std::uint32_t flags = 0;
  int status = 0;     // what the client got
  std::string error;  // error.code or empty
  ChannelId channel;
  std::string upstream_model;       // if it differs
  std::string upstream_request_id;  // the provider's own, of the last that answered; empty = it told none
  std::int64_t input_tokens = 0, cached_tokens = 0, cache_write_tokens = 0, output_tokens = 0;
  UnitCounts units{};
  // How the cost came about: by which price (PriceRecord::generation; 0: none), what the provider charges where that is
  // not the cost (a group's factor, or what the provider told), the factor, and the parts of the usage that have no
  // column (billing/bill_parts.h).
  std::int64_t price_generation = 0;
  std::optional<Credits> provider_cost;
  std::optional<std::int64_t> multiplier_millionths;  // none: 1
  std::string parts;
  std::int64_t duration_ms = 0;
  std::optional<std::int64_t> first_byte_ms;
  StoredResponse stored{};
};

// How the ledger books a request: whose it is and since when as its reservation says, whatever its settlement does.
struct RequestBooking {
  TokenId token;
  AccountId account;
  Time reserved_at;
  Credits reserved, posted, overrun, refunded;
};

// The balances of a token and its account, with all in them that was settled before and is committed.
struct BalanceQuery {
  TokenId token;
  Balance token_balance{}, account_balance{};
  std::vector<BudgetUse> budgets{};  // those the token has, shortest period first; one not begun yet shows nothing used
  bool found = false;
};

// Where the response of `response.id` is, which the token's own request made.
struct StoredResponseQuery {
  TokenId token;
  StoredResponse response{};
  bool found = false;
};

// One of them on its way. It is the ledger's until its recipient delivers it, and must stay alive until then.
struct QueryOp {
  std::variant<BalanceQuery, StoredResponseQuery> query;
  bool readable = true;  // else the store could not be read, or crd is stopping
  std::uint32_t recipient = 0;
  void* waiter = nullptr;
  QueryOp* next = nullptr;
};

}  // namespace cr::ledger
