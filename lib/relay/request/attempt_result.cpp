// SPDX-License-Identifier: MIT
#include "relay/request/attempt_result.h"

namespace cr::relay::request {

using dialect::Refusal;
using dialect::RefusalCode;
using http::client::AnswerOutcome;
using Kind = AttemptResult::Kind;
using routing::Observation;

namespace {

Refusal failed_to_connect(bool late) {
  if (late) {
    return {RefusalCode::upstream_timeout, "the provider could not be reached in time: send the request again", {}, {}};
  }
  return {RefusalCode::upstream_unreachable, "the provider cannot be reached: send the request again later", {}, {}};
}

Refusal unusable() {
  return {RefusalCode::upstream_invalid, "the provider's answer was not usable: send the request again", {}, {}};
}

Refusal key_refused() {
  return {RefusalCode::upstream_auth,
          "the provider refused the gateway's own key: ask the administrator to replace it",
          {},
          {}};
}

Observation abandoned() {
  return {Observation::Kind::abandoned};
}

Observation failed(std::string_view what) {
  return {Observation::Kind::failed, 0, what, {}};
}

// The provider broke off before it had all of the request. That may well be for what this one is, and then says nothing
// of the channel: one that is broken does not answer small ones either, which always go out whole.
Ruling broke_off() {
  return {
      {Kind::try_another,
       {RefusalCode::upstream_invalid, "the provider broke off while it was sent the request: send it again", {}, {}}},
      abandoned()};
}

// Nobody has a whole request, nor has to pay for one.
Ruling stopped_reading() {
  return {{Kind::try_another,
           {RefusalCode::upstream_timeout, "the provider stopped reading the request: send it again", {}, {}}},
          failed("stopped reading the request")};
}

// A form that is not with the channel as a whole.
Ruling rule_on_upload(const Unanswered& facts) {
  const bool ours = facts.form_refusal != nullptr || facts.client_gone;
  if (!ours && facts.stalled) return stopped_reading();
  auto ruling = broke_off();
  if (facts.form_refusal != nullptr) ruling.result.refusal = *facts.form_refusal;
  return ruling;
}

Ruling rule_on_unsent(const Unanswered& facts) {
  if (facts.outcome == AnswerOutcome::cancelled) return {{Kind::try_another, unusable()}, abandoned()};
  if (facts.outcome == AnswerOutcome::timed_out) return stopped_reading();
  if (facts.began) return broke_off();
  return {{Kind::try_another, failed_to_connect(false)}, failed("could not be reached")};
}

Ruling rule_on_sent(AnswerOutcome outcome) {
  switch (outcome) {
    case AnswerOutcome::cancelled:
      return {{Kind::lost, unusable()}, abandoned()};
    case AnswerOutcome::timed_out:
      return {{Kind::lost,
               {RefusalCode::upstream_timeout, "the provider did not answer in time: send the request again", {}, {}}},
              failed("did not answer in time")};
    case AnswerOutcome::garbage:
      return {{Kind::lost, unusable()}, failed("answered no HTTP")};
    default:
      return {{Kind::lost, unusable()}, failed("closed the connection")};
  }
}

// What a head says of the channel.
Observation observation_of(int status) {
  switch (status) {
    case 401:
    case 402:  // the account behind the key has no credit
    case 403:
      return {Observation::Kind::key_refused, status, {}, {}};
    case 429:
      return {Observation::Kind::rate_limited, status, {}, {}};
    default:
      break;
  }
  const bool answered = status >= 200 && status < 500 && status / 100 != 3;
  return {answered ? Observation::Kind::answered : Observation::Kind::failed, status, {}, {}};
}

}  // namespace

Ruling rule_on_unconnected(const base::Error& error, bool client_gone) {
  const bool late = error.code == base::ErrorCode::timeout;
  auto observation = failed(late ? "could not be reached in time" : "could not be reached");
  if (client_gone) observation = abandoned();
  return {{Kind::try_another, failed_to_connect(late)}, observation};
}

Ruling rule_on_unanswered(const Unanswered& facts) {
  // A kept connection may have been closed unseen: that says nothing of the channel.
  if (facts.outcome == AnswerOutcome::closed && facts.kept && !facts.client_gone)
    return {{Kind::stale, unusable()}, abandoned()};
  if (!facts.sent) return facts.streamed ? rule_on_upload(facts) : rule_on_unsent(facts);
  return rule_on_sent(facts.outcome);
}

Ruling rule_on_head(int status, bool last, bool readable) {
  const auto observation = observation_of(status);
  // Never followed: a redirect would take the channel's key along.
  if (status < 200 || (status >= 300 && status < 400)) return {{Kind::try_another, unusable()}, observation};
  if (observation.kind == Observation::Kind::key_refused) return {{Kind::try_another, key_refused()}, observation};
  if (observation.kind != Observation::Kind::answered && !last) return {{Kind::try_another, unusable()}, observation};
  if (!readable) return {{status < 300 ? Kind::lost : Kind::try_another, unusable()}, observation, true};
  return {{}, observation};
}

bool tells_wait(const Observation& observation) {
  return observation.kind == Observation::Kind::rate_limited ||
         (observation.kind == Observation::Kind::failed && observation.status >= 500);
}

std::optional<dialect::Usage> lost_usage(const AttemptResult& result, const PricedRequest& request,
                                         std::int64_t output_rate) {
  if (result.kind == Kind::lost) return request.unanswered();
  // What the provider did until it closed the connection it had the whole request on.
  if (result.kind == Kind::stale && result.sent_for) return request.made_in(*result.sent_for, output_rate);
  return std::nullopt;
}

}  // namespace cr::relay::request
