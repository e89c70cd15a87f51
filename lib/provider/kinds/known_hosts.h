// SPDX-License-Identifier: MIT
// What is known of vendors by the host that a channel asks, beside its kind: in what they differ from others of their
// dialect. What is not here is learnt from their refusals (relay/request/learnt_edits.h). Any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace cr::provider {

struct KnownHost {
  std::string_view host;           // a pattern, in lower case ("*.openai.azure.com")
  std::string_view bound_field{};  // how it calls the bound of a chat's output; empty: max_tokens
  bool takes_usage_wish = true;    // false: stream_options is refused; it tells a stream's usage unasked
  // Model tokens a second that one response has at most. Of those here: general hardware makes some hundred, measured.
  std::int64_t output_rate_max = 1'000;
};

// Null: nothing is known of it. `host` in any case.
const KnownHost* find_known_host(std::string_view host);

}  // namespace cr::provider
