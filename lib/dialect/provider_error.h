// SPDX-License-Identifier: MIT
// ProviderError: what the body of a provider's error says, as far as it decides whose fault it was and what to do next.
// Providers have no codes in common, and the same text comes with different statuses: known phrases are looked for, in
// any case, wherever in the body they stand. A phrase that a client's own words bring in there is no harm: each finding
// is confirmed (credit), or only leads to another try. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cr::dialect {

inline constexpr std::size_t k_error_bytes_max = std::size_t{64} * 1024;  // of a body, that are looked at

struct ProviderError {
  bool has_message = false;      // it is an error with a message
  bool out_of_credit = false;    // the account behind the key is, for whatever is asked
  bool short_of_credit = false;  // it has too little for this request: a smaller one may pass
  bool blames_content = false;   // a filter stopped the request's input
  bool blames_key = false;       // the key, its account, its rights or where it is used from
};
ProviderError read_provider_error(std::string_view body);

// What it says of a member that the request had: that it is unknown, or its number too large.
struct MemberRefusal {
  bool names = false;                  // it is named
  bool use_other = false;              // and `other` as the one to take instead
  bool is_unknown = false;             // the provider does not know it, or not with this model
  std::optional<std::int64_t> most{};  // the most that fits, below `written`, as far as it can be told
  bool by_context = false;             // that most depends on the length of this request's input
};
// `member`: as it stood in the body, `other`: another name that providers have for it (empty: none), `written`: the
// number of an output bound (0: it is none). A bound is also named by the words that providers have for any, and by
// what they say where it does not fit the context together with the input; not where the input by itself does not.
MemberRefusal find_member_refusal(std::string_view body, std::string_view member, std::string_view other,
                                  std::int64_t written);

}  // namespace cr::dialect
