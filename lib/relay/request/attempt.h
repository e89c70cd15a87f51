// SPDX-License-Identifier: MIT
// Attempt: what one try of a channel came to. Walk: how far the tries of a request have come. Plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "dialect/refusal.h"

namespace cr::relay::request {

struct Attempt {
  enum class Outcome {
    opened,
    try_next,  // nothing was consumed: the hold is whole
    lost,      // the request was sent and no answer came: it may have been worked on
    spent,     // the same, and counted already: what is held does not carry another try
  } outcome = Outcome::opened;
  dialect::Refusal refusal;
};

// Of Routes::tries. It outlives an opened channel: where that one's answer breaks off unseen, the walk goes on.
struct Walk {
  std::size_t next = 0;  // none before it is tried again
  std::uint32_t tries = 0;
  std::optional<dialect::Refusal> refusal;  // of the last try: what is said when no channel is left
};

}  // namespace cr::relay::request
