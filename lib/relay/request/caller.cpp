// SPDX-License-Identifier: MIT
#include "relay/request/caller.h"

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "relay/request/credentials.h"
#include "token/key.h"

namespace cr::relay::request {

namespace {

using dialect::Refusal;
using dialect::RefusalCode;

tl::unexpected<Refusal> bad_key(std::string message) {
  return tl::unexpected(Refusal{RefusalCode::invalid_api_key, std::move(message), {}, {}});
}

// Why none of the offers is a known key: what is wrong with the first to look at, or else with its shape.
std::string reason_of(const Offers& offers, std::string_view prefix) {
  for (const auto& offer : offers) {
    if (auto mistake = offer.mistake(); !mistake.empty()) return mistake;
  }
  for (const auto& offer : offers) {
    const auto shape = token::shape_of(offer.key, prefix);
    if (shape == token::KeyShape::malformed || shape == token::KeyShape::mistyped)
      return "the API key is malformed: check that it was copied whole";
  }
  return "the API key is not known here";
}

Refusal no_key(const http::message::RequestHead& head) {
  const bool in_query = head.query.starts_with("key=") || head.query.find("&key=") != std::string_view::npos ||
                        head.query.find("api_key=") != std::string_view::npos;
  return {RefusalCode::invalid_api_key,
          in_query ? "no API key is read from an address: send it as 'Authorization: Bearer KEY'"
                   : "no API key: send it as 'Authorization: Bearer KEY'",
          {},
          {}};
}

// Which of two lines of one field counts each program on the way decides for itself: here none does.
bool have_two_of_a_field(const Offers& offers) {
  const auto contradict = [](const Offer& one, const Offer& next) { return one.contradicts(next); };
  return std::adjacent_find(offers.begin(), offers.end(), contradict) != offers.end();
}

// The one offer that is a known key. Programs send two fields, of which one is a placeholder or another service's.
tl::expected<ledger::Credential, Refusal> find_credential(const http::message::RequestHead& head, const KeyReader& keys,
                                                          const ledger::Directory& directory, base::Time now) {
  const auto offers = read_offers(head);
  if (offers.empty()) return tl::unexpected(no_key(head));
  std::optional<ledger::Credential> found;
  bool rotated_out = false, differ = offers.too_many();
  for (const auto& offer : offers) {
    const auto shape = token::shape_of(offer.key, keys.prefix);
    if (shape == token::KeyShape::malformed || shape == token::KeyShape::mistyped) continue;
    auto known = directory.find_key(keys.digest(offer.key));
    if (!known) continue;
    if (known->key->not_after && now >= *known->key->not_after) {
      rotated_out = true;
      continue;
    }
    differ = differ || (found && found->key->id != known->key->id);
    found = std::move(known);
  }
  if (differ || (found && have_two_of_a_field(offers))) {
    return tl::unexpected(Refusal{
        RefusalCode::conflicting_credentials, "the request carries different API keys: send one of them", {}, {}});
  }
  if (found) return std::move(*found);
  if (rotated_out) return bad_key("the API key was rotated out: use the token's current key");
  return bad_key(reason_of(offers, keys.prefix));
}

// The address of a hop as some proxies write it: 192.0.2.7:4711, [2001:db8::1]:4711, [2001:db8::1].
std::string_view without_port(std::string_view hop) {
  const bool bracketed = hop.starts_with('[');
  const auto end = bracketed ? hop.find(']') : hop.find(':');
  if (end == std::string_view::npos || (!bracketed && hop.find(':', end + 1) != std::string_view::npos)) return hop;
  const auto rest = hop.substr(bracketed ? end + 1 : end);
  const auto port = rest.substr(std::min<std::size_t>(1, rest.size()));
  const bool is_port = rest.empty() || (rest.front() == ':' && !port.empty() && port.size() <= 5 &&
                                        port.find_first_not_of("0123456789") == std::string_view::npos);
  return is_port ? hop.substr(bracketed ? 1 : 0, bracketed ? end - 1 : end) : hop;
}

Refusal unknown_source(const ledger::TokenRecord& token) {
  return {RefusalCode::ip_not_allowed,
          "the proxy's X-Forwarded-For cannot be read, and token '" + token.name +
              "' has an allowlist: ask its administrator to look at the proxy",
          {},
          {}};
}

}  // namespace

std::optional<token::IpAddress> source_address(const http::message::RequestHead& head, const token::IpAddress& peer,
                                               const policy::Settings& settings) {
  if (!settings.trust_proxies || !settings.trusted_proxies.contains(peer)) return peer;
  auto source = peer;
  // Several fields are one list (RFC 9110, 5.3); the nearest hop wrote the last entry.
  std::vector<std::string> hops;
  for (const auto& field : head.fields) {
    if (!base::equals_ignoring_case(field.name, "x-forwarded-for")) continue;
    for (auto& hop : base::split_list(field.value)) hops.push_back(std::move(hop));
  }
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    const auto address = token::IpAddress::parse(without_port(*hop));
    if (!address) return std::nullopt;
    source = *address;
    if (!settings.trusted_proxies.contains(source)) break;
  }
  return source;
}

token::Verdict admit(const ledger::TokenRecord& token, const ledger::AccountRecord& account, base::Time now,
                     const std::optional<token::IpAddress>& source) {
  token::Scope scope;
  scope.token = token.enabled;
  scope.account = account.enabled;
  scope.not_before = token.settings->not_before;
  scope.expires = token.expires;
  const auto verdict = token::admit(scope, now, source.value_or(token::IpAddress{}));
  if (verdict != token::Verdict::allowed) return verdict;
  // The last rule, on the record's own list: a long allowlist is not copied for every request.
  return !source || token.settings->ip_set.contains(*source) ? token::Verdict::allowed : token::Verdict::ip_not_allowed;
}

dialect::Refusal refusal_of(token::Verdict verdict, const ledger::TokenRecord& token) {
  const auto named = "token '" + token.name + "' ";
  switch (verdict) {
    case token::Verdict::token_disabled:
      return {RefusalCode::token_disabled, named + "is disabled: ask its administrator to enable it", {}, {}};
    case token::Verdict::token_expired:
      return {RefusalCode::token_expired,
              named + "expired at " + base::format_rfc3339(token.expires.value_or(base::Time())) +
                  ": ask its administrator for a later expiry ('--expires')",
              {},
              {}};
    case token::Verdict::token_not_yet_valid:
      return {RefusalCode::token_not_yet_valid,
              named + "is valid from " + base::format_rfc3339(token.settings->not_before.value_or(base::Time())) +
                  ": wait, or ask its administrator for an earlier time ('--not-before')",
              {},
              {}};
    case token::Verdict::account_disabled:
      return {RefusalCode::account_disabled,
              "the account of " + named + "is disabled: ask its administrator to enable it",
              {},
              {}};
    case token::Verdict::ip_not_allowed:
      return {RefusalCode::ip_not_allowed,
              "the source address is not in the allowlist of token '" + token.name +
                  "': ask its administrator to add it ('--allow-ip')",
              {},
              {}};
    case token::Verdict::model_not_allowed:
      return {RefusalCode::model_not_allowed,
              "the model is not in the list of token '" + token.name +
                  "': see GET /v1/models, or ask its administrator to add it ('--models')",
              "model",
              {}};
    case token::Verdict::allowed:
      break;
  }
  return {RefusalCode::internal_error, "the request was refused without a reason", {}, {}};
}

tl::expected<void, dialect::Refusal> authenticate(const http::message::RequestHead& head, const token::IpAddress& peer,
                                                  const policy::Settings& settings, const KeyReader& keys,
                                                  const ledger::Directory& directory, base::Time now, Caller& caller) {
  auto credential = find_credential(head, keys, directory, now);
  if (!credential) return tl::unexpected(credential.error());
  caller.key = std::move(credential->key);
  caller.token = std::move(credential->token);
  caller.account = directory.find_account(caller.token->account);
  caller.source = source_address(head, peer, settings);
  if (!caller.account) return bad_key("the API key has no account any more");
  const auto verdict = admit(*caller.token, *caller.account, now, caller.source);
  if (verdict != token::Verdict::allowed) return tl::unexpected(refusal_of(verdict, *caller.token));
  if (!caller.source && !caller.token->settings->ip_set.unrestricted())
    return tl::unexpected(unknown_source(*caller.token));
  return {};
}

}  // namespace cr::relay::request
