// SPDX-License-Identifier: MIT
// What the pass over a body found at its top level, before any of it is judged; and the judgement. Plain values.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "dialect/content_walk.h"
#include "dialect/policy_key.h"
#include "dialect/request_scan.h"

namespace cr::dialect {

struct Member {
  json::JsonKind kind = json::JsonKind::none;  // none: absent
  Span place;
};

struct TopLevel {
  std::array<Member, k_policy_key_count> members;
  Member include_usage;  // of stream_options
  bool stream_options_empty = true;
  ContentFacts content;
  std::int64_t prompts = 0;
  std::int64_t documents = 0;
  bool outside_input = false;
  bool wants_sound = false;
  std::optional<std::int64_t> thinking_budget;
  std::optional<std::string_view> lookalike;  // the key of ours that it looks like
  std::optional<std::string_view> twice;      // inside stream_options; the top level's keys are compared at the end

  Member& operator[](PolicyKey key) { return members[static_cast<std::size_t>(key)]; }
  const Member& operator[](PolicyKey key) const { return members[static_cast<std::size_t>(key)]; }
};

// Types and ranges of the members, and what they say, into `scan`. `body` is valid JSON with unique keys.
RefusalOr<void> read_members(Endpoint endpoint, std::string_view body, const TopLevel& top, RequestScan& scan);

}  // namespace cr::dialect
