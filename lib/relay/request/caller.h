// SPDX-License-Identifier: MIT
// Caller: who sends a request, found by the key in its head. Pure over a Directory and a head; worker thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "dialect/refusal.h"
#include "http/message/head.h"
#include "ledger/core/directory.h"
#include "relay/policy/settings.h"
#include "relay/routing/rate_limiter.h"
#include "token/key.h"
#include "token/scope.h"

namespace cr::relay::request {

// Whether there is anything that its requests can use up.
inline bool is_limited(const ledger::TokenRecord& token, const ledger::AccountRecord* account) {
  return token.quota || ledger::has_budget(token) || (account != nullptr && account->quota);
}

struct Caller {
  std::shared_ptr<const ledger::KeyRecord> key;
  std::shared_ptr<const ledger::TokenRecord> token;
  std::shared_ptr<const ledger::AccountRecord> account;
  std::optional<token::IpAddress> source;  // none: a trusted proxy named no address that can be read

  bool limited() const { return is_limited(*token, account.get()); }
};

// What the text of a key is known by.
struct KeyReader {
  std::string prefix;
  std::function<token::Digest(std::string_view key)> digest;
};

// The address a request comes from: the peer, or behind a trusted proxy the nearest hop of X-Forwarded-For that is not
// trusted. None where a hop before that is no address: its proxy's cannot stand for the client's.
std::optional<token::IpAddress> source_address(const http::message::RequestHead& head, const token::IpAddress& peer,
                                               const policy::Settings& settings);

// Key -> digest -> token -> status, times, account, address; no disk, found or not. Of several credentials in a head
// the one that is a known key counts (relay/request/credentials.h); two that differ are refused, and two lines of one
// field. A refusal that comes after the token was found leaves it in `caller`, so that the request can be recorded.
tl::expected<void, dialect::Refusal> authenticate(const http::message::RequestHead& head, const token::IpAddress& peer,
                                                  const policy::Settings& settings, const KeyReader& keys,
                                                  const ledger::Directory& directory, base::Time now, Caller& caller);

// The rules on a token and its account but for the key itself. Without an address its rule is not asked.
token::Verdict admit(const ledger::TokenRecord& token, const ledger::AccountRecord& account, base::Time now,
                     const std::optional<token::IpAddress>& source);
// What is refused, and what to ask the administrator for: who reads it cannot run crctl.
dialect::Refusal refusal_of(token::Verdict verdict, const ledger::TokenRecord& token);
dialect::Refusal refusal_of(const routing::RateRefusal& refused, const ledger::TokenRecord& token);
dialect::Refusal too_many_refusals(std::int64_t a_second, const ledger::TokenRecord& token);

}  // namespace cr::relay::request
