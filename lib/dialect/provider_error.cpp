// SPDX-License-Identifier: MIT
#include "dialect/provider_error.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <string>

namespace cr::dialect {

namespace {

using Phrases = std::span<const std::string_view>;

// In lower case. Anthropic (docs.claude.com/en/api/errors: 400 "Your credit balance is too low ..."), OpenAI (429
// insufficient_quota, billing_hard_limit_reached, billing_not_active), DeepSeek and OpenCode ("Insufficient Balance"),
// OpenRouter ("Insufficient credits"), Moonshot (exceeded_current_quota_error), xAI ("used all available credits"),
// Alibaba (Arrearage), Zhipu (1113).
constexpr std::array<std::string_view, 17> k_out_of_credit{{
    "credit balance is too low",
    "insufficient_quota",
    "exceeded your current quota",
    "exceeded_current_quota",
    "insufficient balance",
    "insufficient_balance",
    "insufficient credit",
    "insufficient_credit",
    "credit_balance_exhausted",
    "out of credits",
    "billing_hard_limit",
    "billing hard limit",
    "billing_not_active",
    "check your billing",
    "used all available credits",
    "arrearage",
    "余额不足",
}};
// OpenRouter's 402: "This request requires more credits, or fewer max_tokens. You requested up to N tokens, but can
// only afford M."
constexpr std::array<std::string_view, 2> k_short_of_credit{{"can only afford", "or fewer max_tokens"}};
// OpenRouter's 403 ("... requires moderation ... Your input was flagged"), Azure's content_filter and
// ResponsibleAIPolicyViolation, OpenAI's content_policy_violation and safety system, Alibaba's data_inspection_failed.
constexpr std::array<std::string_view, 19> k_content{{
    "input was flagged",
    "prompt was flagged",
    "request was flagged",
    "content was flagged",
    "flagged_input",
    "flagged as",
    "flagged for",
    "requires moderation",
    "content_filter",
    "content filter",
    "content management policy",
    "content_policy",
    "content policy",
    "policyviolation",
    "policy_violation",
    "safety system",
    "data_inspection_failed",
    "datainspectionfailed",
    "inappropriate content",
}};
// Of a member (pydantic's extra_forbidden: Mistral, vLLM).
constexpr std::array<std::string_view, 8> k_unknown{{
    "extra_forbidden",
    "not permitted",
    "unsupported",
    "not supported",
    "unrecognized",
    "unknown",
    "unexpected",
    "not allowed",
}};
constexpr std::array<std::string_view, 22> k_key{{
    "api key",     "api_key",     "apikey",       "permission", "scope",   "account",    "organization", "project",
    "workspace",   "access to",   "no access",    "region",     "country", "territory",  "unauthorized", "authenti",
    "not allowed", "credentials", "subscription", "your team",  "license", "ip address",
}};

std::string to_lower(std::string_view text) {
  std::string lower(text.substr(0, k_error_bytes_max));
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool has_any(std::string_view text, Phrases phrases) {
  return std::any_of(phrases.begin(), phrases.end(),
                     [text](std::string_view phrase) { return text.find(phrase) != std::string_view::npos; });
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

// The first place of `word` that is not a part of a longer one.
std::size_t find_word(std::string_view text, std::string_view word, std::size_t from = 0) {
  if (word.empty()) return std::string_view::npos;
  for (auto at = text.find(word, from); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const bool begins = at == 0 || !is_word(text[at - 1]);
    const auto end = at + word.size();
    if (begins && (end == text.size() || !is_word(text[end]))) return at;
  }
  return std::string_view::npos;
}

// The greatest whole number below `limit` that stands by itself: not in a name ("claude-opus-4-5-20251101" has no such
// that could be taken for one, nor has an id), a version or a fraction.
std::optional<std::int64_t> greatest_below(std::string_view text, std::int64_t limit) {
  std::optional<std::int64_t> most;
  const auto part_of_a_name = [](char c) { return is_word(c) || c == '-' || c == '.' || c == '/' || c == ':'; };
  for (std::size_t at = 0; at < text.size();) {
    const bool digit = text[at] >= '0' && text[at] <= '9';
    if (!digit || (at > 0 && part_of_a_name(text[at - 1]))) {
      ++at;
      continue;
    }
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), value);
    at = static_cast<std::size_t>(end - text.data());
    if (at + 1 < text.size() && (is_word(text[at]) || (part_of_a_name(text[at]) && is_word(text[at + 1])))) continue;
    if (text.substr(at).starts_with(" (exclusive)")) --value;
    if (error == std::errc() && value > 0 && value < limit && value > most.value_or(0)) most = value;
  }
  return most;
}

}  // namespace

ProviderError read_provider_error(std::string_view body) {
  const auto text = to_lower(body);
  ProviderError error;
  error.has_message = text.find("error") != std::string::npos && text.find("\"message\"") != std::string::npos;
  error.short_of_credit = has_any(text, k_short_of_credit);
  error.out_of_credit = !error.short_of_credit && has_any(text, k_out_of_credit);
  const bool of_account = text.find("account has been") != std::string::npos;
  error.blames_content = !of_account && has_any(text, k_content);
  error.blames_key = !error.blames_content && has_any(text, k_key);
  return error;
}

namespace {

// The whole number behind, or before, the first `phrase`; 0: there is none.
std::int64_t number_after(std::string_view text, std::string_view phrase) {
  const auto at = text.find(phrase);
  if (at == std::string_view::npos) return 0;
  std::int64_t value = 0;
  std::from_chars(text.data() + at + phrase.size(), text.data() + text.size(), value);
  return value;
}

std::int64_t number_before(std::string_view text, std::string_view phrase) {
  const auto end = text.find(phrase);
  if (end == std::string_view::npos) return 0;
  auto begin = end;
  while (begin > 0 && text[begin - 1] >= '0' && text[begin - 1] <= '9') --begin;
  std::int64_t value = 0;
  std::from_chars(text.data() + begin, text.data() + end, value);
  return value;
}

// What of the context is left for the answer, where the bound did not fit it: OpenAI's and vLLM's words. None: it says
// nothing of the kind.
std::optional<std::int64_t> left_of_context(std::string_view text) {
  const auto context = number_after(text, "maximum context length is ");
  const auto input = std::max({number_before(text, " in the messages"), number_before(text, " input tokens"),
                               number_before(text, " of text input")});
  if (context <= 0 || input <= 0) return std::nullopt;
  return context - input;
}

}  // namespace

MemberRefusal find_member_refusal(std::string_view body, std::string_view member, std::string_view other,
                                  std::int64_t written) {
  const auto text = to_lower(body);
  MemberRefusal refusal;
  // Vertex calls every bound maxOutputTokens; OpenAI's words on the context name no member, but the number.
  const bool by_number = written > 0 && find_word(text, std::to_string(written)) != std::string::npos;
  const auto left = by_number ? left_of_context(text) : std::nullopt;
  refusal.names = find_word(text, member) != std::string::npos ||
                  (by_number && (left || text.find("maxoutputtokens") != std::string::npos));
  if (!refusal.names) return refusal;
  refusal.is_unknown = has_any(text, k_unknown);
  if (left) {
    refusal.by_context = true;
    if (*left > 0 && *left < written) refusal.most = left;
    return refusal;
  }
  // "Unsupported parameter: 'max_tokens' ... Use 'max_completion_tokens' instead." But vLLM names both beside a number.
  const auto hint = text.find("use '");
  const auto place = find_word(text, other);
  refusal.use_other = place != std::string::npos && text.find("instead") != std::string::npos &&
                      hint != std::string::npos && place == hint + 5;
  if (written > 0) refusal.most = greatest_below(text, written);
  return refusal;
}

}  // namespace cr::dialect
