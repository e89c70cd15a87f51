// SPDX-License-Identifier: MIT
#include "relay/request/response_pump.h"

#include "relay/request/response_pump_steps.h"

namespace cr::relay::request {

Outcome::End end_of(ResponseStep::State how) {
  return how == ResponseStep::State::timed_out ? Outcome::End::fell_silent : Outcome::End::broke_off;
}

dialect::Refusal refusal_for(ResponseStep::State how) {
  if (how == ResponseStep::State::timed_out) {
    return {dialect::RefusalCode::upstream_timeout, "the provider fell silent: send the request again", {}, {}, true};
  }
  if (how == ResponseStep::State::no_memory) {
    return {dialect::RefusalCode::overloaded,
            "too many large answers at once ('limits.memory'): send the request again",
            {},
            {}};
  }
  return {dialect::RefusalCode::upstream_invalid, "the provider's answer broke off: send the request again", {}, {}};
}

template class BasicResponsePump<ResponseWriter, Attempt>;

}  // namespace cr::relay::request
