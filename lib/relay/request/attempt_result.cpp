// SPDX-License-Identifier: MIT
#include "relay/request/attempt_result.h"

#include <utility>

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

Refusal no_connection_left() {
  return {RefusalCode::overloaded,
          "this gateway has no descriptor or port left for a connection to a provider: send the request again",
          {},
          dialect::k_retry_soon};
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

Refusal out_of_credit() {
  return {RefusalCode::upstream_auth,
          "the gateway's own account at the provider has no credit left: ask the administrator to top it up",
          {},
          {}};
}

Observation abandoned() {
  return {Observation::Kind::abandoned};
}

Observation failed(std::string_view what) {
  return {Observation::Kind::failed, 0, what, {}};
}

// After the provider had some of the request: what is in it may be why.
Observation failed_at_it(std::string_view what) {
  return {Observation::Kind::failed, 0, what, {}, true};
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
          failed_at_it("stopped reading the request")};
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

// Sent whole, and not cancelled: it may have been done for all that was asked.
AttemptResult unanswered(Refusal refusal) {
  refusal.no_retry = true;
  AttemptResult result{Kind::lost, std::move(refusal)};
  result.maybe_done = true;
  return result;
}

Ruling rule_on_sent(AnswerOutcome outcome) {
  switch (outcome) {
    case AnswerOutcome::cancelled:
      return {{Kind::lost, unusable()}, abandoned()};
    case AnswerOutcome::timed_out:
      return {unanswered({RefusalCode::upstream_timeout,
                          "the provider did not answer in time, and may have done the work: another try may be charged "
                          "once more",
                          {},
                          {}}),
              failed_at_it("did not answer in time")};
    case AnswerOutcome::garbage:  // nothing of it is an answer: nobody worked on the request
      return {{Kind::try_another, unusable()}, failed_at_it("answered no HTTP")};
    default:
      return {unanswered(unusable()), failed_at_it("closed the connection")};
  }
}

// What a head says of the channel. But for 401 and what is no answer to a request at all, this one may be the reason.
Observation observation_of(int status, const dialect::ProviderError& said) {
  if (status == 401) return {Observation::Kind::key_refused, status, {}, {}, false, said.out_of_credit};
  // 402: the account behind the key has no credit.
  const bool no_credit = said.out_of_credit || (status == 402 && !said.short_of_credit);
  if (status >= 400 && status < 500 && (no_credit || status == 402 || status == 403))
    return {Observation::Kind::key_refused, status, {}, {}, true, no_credit};
  // 498: no capacity for a request of this tier (console.groq.com/docs/errors).
  if (status == 429 || status == 498) return {Observation::Kind::rate_limited, status, {}, {}, true};
  if (status >= 500) return {Observation::Kind::failed, status, {}, {}, true};
  const bool answered = status >= 200 && status / 100 != 3;
  return {answered ? Observation::Kind::answered : Observation::Kind::failed, status};
}

// Not the request's fault, nor a fault of the channel: another may well serve it. 404: most often of the model.
bool asks_for_another(int status) {
  return status == 404 || status == 408 || status == 409 || status == 425 || status == 498 || status == 499;
}

// A refusal of the channel's key, or of its account. One that may be said of the request is the client's to read:
// at once where it names the content, else once no other channel is left.
Ruling rule_on_refused_key(const Observation& observation, bool last, const dialect::ProviderError& said) {
  const int status = observation.status;
  if (observation.out_of_credit) return {{Kind::try_another, out_of_credit()}, observation};
  if (status == 403 && said.blames_content) return {{}, observation};
  const bool of_request = said.short_of_credit || (status == 403 && said.has_message && !said.blames_key);
  if (of_request && last) return {{}, observation};
  return {{Kind::try_another, key_refused()}, observation};
}

}  // namespace

Ruling rule_on_unconnected(const base::Error& error, bool client_gone) {
  // Another channel's connection would need the same.
  if (error.code == base::ErrorCode::exhausted) return {{Kind::spent, no_connection_left()}, abandoned()};
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

bool says_why(int status) {
  return status >= 400 && status < 500;
}

Ruling rule_on_head(int status, bool last, bool readable, const dialect::ProviderError& said) {
  const auto observation = observation_of(status, said);
  // Never followed: a redirect would take the channel's key along.
  if (status < 200 || (status >= 300 && status < 400)) return {{Kind::try_another, unusable()}, observation};
  if (observation.kind == Observation::Kind::key_refused) {
    auto ruling = rule_on_refused_key(observation, last, said);
    if (ruling.result.kind != Kind::opened || readable) return ruling;
  }
  const bool another = observation.kind != Observation::Kind::answered || asks_for_another(status);
  if (another && !last) return {{Kind::try_another, unusable()}, observation};
  if (!readable)
    return {{Kind::try_another, unusable()}, failed_at_it("answered in a coding that nobody asked for"), true};
  return {{}, observation};
}

// Nobody worked on it, and the client has no part in it: it is never told so.
Ruling rule_on_own_edit(int status, const Lesson& lesson, bool may_rewrite) {
  const Observation observation{Observation::Kind::answered, status};
  if (!lesson.edit || !may_rewrite) {
    return {{Kind::try_another,
             {RefusalCode::upstream_invalid,
              "the provider refuses the output bound that this token's limit needs: ask for fewer tokens",
              {},
              {}}},
            observation};
  }
  AttemptResult result{Kind::rewritten, unusable()};
  if (!lesson.remember) result.bound_most = lesson.edit->bound_most;
  return {result, observation};
}

bool tells_wait(const Observation& observation) {
  return observation.kind == Observation::Kind::rate_limited ||
         (observation.kind == Observation::Kind::failed && observation.status >= 500);
}

std::optional<dialect::Usage> lost_usage(const AttemptResult& result, const PricedRequest& request,
                                         std::int64_t output_rate) {
  if (result.kind == Kind::lost && !result.sent_for) return request.unanswered();
  // What the provider did until the connection was closed on which it had the whole request.
  if ((result.kind == Kind::stale || result.kind == Kind::lost) && result.sent_for)
    return request.made_in(*result.sent_for, output_rate);
  return std::nullopt;
}

}  // namespace cr::relay::request
