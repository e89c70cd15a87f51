// SPDX-License-Identifier: MIT
#include "dialect/provider_error.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <string>

#include "base/utf8.h"

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
// Of a member (pydantic's extra_forbidden: Mistral, vLLM; JSON schema's additional properties).
constexpr std::array<std::string_view, 10> k_unknown{{
    "extra_forbidden",
    "additional properties",
    "should not exist",
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

// What a body says, its escapes undone, also those of a provider's error within a gateway's: a blank for one of white
// space, so that a word behind it begins there. In lower case.
std::string readable(std::string_view body) {
  body = body.substr(0, k_error_bytes_max);
  std::string text;
  text.reserve(body.size());
  for (std::size_t at = 0; at < body.size(); ++at) {
    char c = body[at];
    if (c == '\\') {
      at = std::min(body.find_first_not_of('\\', at), body.size() - 1);
      c = body[at];
      unsigned code = 0;
      const auto* const digits = body.data() + at + 1;
      const bool hexadecimal =
          c == 'u' && body.size() - at > 4 && std::from_chars(digits, digits + 4, code, 16).ptr == digits + 4;
      if (hexadecimal) {
        base::append_utf8(text, code >= 0xd800 && code < 0xe000 ? U'?' : char32_t{code});  // '?': half a pair
        at += 4;
        continue;
      }
      if (std::string_view("bfnrt").find(c) != std::string_view::npos) c = ' ';
    }
    text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return text;
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

// Whether what comes behind `before` is the value of a member "code" or "status": it counts nothing.
bool stands_for_a_code(std::string_view before) {
  const auto without = [&before](std::string_view marks) {
    const auto end = before.find_last_not_of(marks);
    before = before.substr(0, end == std::string_view::npos ? 0 : end + 1);
  };
  without(" \"");
  if (!before.ends_with(':')) return false;
  without(": \"");
  return before.ends_with("code") || before.ends_with("status");
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
    const auto begin = at;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), value);
    at = static_cast<std::size_t>(end - text.data());
    if (at + 1 < text.size() && (is_word(text[at]) || (part_of_a_name(text[at]) && is_word(text[at + 1])))) continue;
    const auto before = text.substr(0, begin);
    if (stands_for_a_code(before)) continue;
    const bool exclusive = before.ends_with("less than ") || before.ends_with("lower than ");
    if (exclusive || text.substr(at).starts_with(" (exclusive)")) --value;
    if (error == std::errc() && value > 0 && value < limit && value > most.value_or(0)) most = value;
  }
  return most;
}

}  // namespace

ProviderError read_provider_error(std::string_view body) {
  const auto text = readable(body);
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

// An output bound, whatever its member is called in the request: Vertex and Gemini, TGI and what is built on it,
// Bedrock.
constexpr std::array<std::string_view, 4> k_bound_names{{
    "maxoutputtokens",
    "max_output_tokens",
    "max_new_tokens",
    "maximum tokens",
}};
// What stands before the context's length, the tokens of input and bound together, and behind (or, as Anthropic's,
// before) those of the input: OpenAI, OpenRouter, vLLM, SGLang, TGI, Moonshot, Cerebras.
constexpr std::array<std::string_view, 6> k_context{{
    "maximum context length is ",
    "maximum context length of ",
    "context length is only ",
    "`max_new_tokens` must be <= ",
    "model token limit: ",
    "while limit is ",
}};
constexpr std::array<std::string_view, 5> k_total{{
    "requested a total of ",
    "you requested about ",
    "you requested ",
    "(requested: ",
    "current length is ",
}};
constexpr std::array<std::string_view, 5> k_input{{
    " in the messages",
    " input tokens",
    " of text input",
    " tokens from the input",
    " `inputs` tokens",
}};
constexpr std::string_view k_anthropic_context = "exceed context limit: ";
// Words for both that come without a number: Groq.
constexpr std::string_view k_either = "length of the messages or completion";
// The input was counted only as far as it mattered: vLLM.
constexpr std::array<std::string_view, 2> k_not_counted{{"at least", " characters (more than "}};

// The whole number at `at`; 0: there is none.
std::int64_t number_at(std::string_view text, std::size_t at) {
  std::int64_t value = 0;
  if (at < text.size()) std::from_chars(text.data() + at, text.data() + text.size(), value);
  return value;
}

// Of those behind the phrases, each where it stands first, the first that there is; 0: none.
std::int64_t number_after(std::string_view text, Phrases phrases) {
  for (const auto phrase : phrases) {
    const auto at = text.find(phrase);
    const auto value = at == std::string_view::npos ? 0 : number_at(text, at + phrase.size());
    if (value > 0) return value;
  }
  return 0;
}

// Of those before the phrases, wherever one stands, the first that there is; 0: none.
std::int64_t number_before(std::string_view text, Phrases phrases) {
  for (const auto phrase : phrases) {
    for (auto end = text.find(phrase); end != std::string_view::npos; end = text.find(phrase, end + 1)) {
      auto begin = end;
      while (begin > 0 && text[begin - 1] >= '0' && text[begin - 1] <= '9') --begin;
      const auto value = number_at(text.substr(0, end), begin);
      if (value > 0) return value;
    }
  }
  return 0;
}

// "exceed context limit: 126 + 16384 > 8000".
std::optional<std::int64_t> left_by_anthropic(std::string_view text) {
  const auto at = text.find(k_anthropic_context);
  const auto above = at == std::string_view::npos ? at : text.find("> ", at);
  if (above == std::string_view::npos) return std::nullopt;
  const auto context = number_at(text, above + 2);
  if (context <= 0) return std::nullopt;
  return context - number_at(text, at + k_anthropic_context.size());
}

// What of the context is left for the answer, where the bound did not fit it; half of the bound, or of the context,
// where the refusal does not say it; not above 0 where the input by itself is too long. None: it says nothing of both.
std::optional<std::int64_t> left_of_context(std::string_view text, std::int64_t written) {
  if (const auto left = left_by_anthropic(text)) return left;
  const auto context = number_after(text, k_context);
  if (context <= 0) return text.find(k_either) != std::string_view::npos ? std::optional(written / 2) : std::nullopt;
  const auto total = number_after(text, k_total);
  const bool of_both = total > written || find_word(text, std::to_string(written)) != std::string_view::npos;
  if (!of_both) return std::nullopt;
  if (has_any(text, k_not_counted)) return std::min(context, written) / 2;
  const auto input = total > written ? total - written : number_before(text, k_input);
  return input > 0 ? std::optional(context - input) : std::nullopt;
}

}  // namespace

MemberRefusal find_member_refusal(std::string_view body, std::string_view member, std::string_view other,
                                  std::int64_t written) {
  const auto text = readable(body);
  MemberRefusal refusal;
  const auto left = written > 0 ? left_of_context(text, written) : std::nullopt;
  refusal.names = find_word(text, member) != std::string::npos || left || (written > 0 && has_any(text, k_bound_names));
  if (!refusal.names || (left && *left <= 0)) return {};
  refusal.is_unknown = has_any(text, k_unknown);
  if (left) {
    refusal.by_context = true;
    if (*left < written) refusal.most = left;
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
