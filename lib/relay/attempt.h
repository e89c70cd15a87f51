// SPDX-License-Identifier: MIT
// Attempt: what one try of a channel came to. Plain value.
#pragma once

#include "openai/refusal.h"

namespace cr::relay {

struct Attempt {
  enum class Outcome {
    opened,
    try_next,  // nothing was consumed: the hold is whole
    lost,      // the request was sent and no answer came: it may have been worked on
  } outcome = Outcome::opened;
  openai::Refusal refusal;
};

}  // namespace cr::relay
