// SPDX-License-Identifier: MIT
// RequestScan: what crd must know of a request body, found in one validating pass, and the edits that splice a few
// values into it without touching another byte. Pure; any thread (the scanner keeps its buffers: one scanner a thread).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dialect/endpoint.h"
#include "dialect/refusal.h"

namespace cr::dialect {

// A half-open byte range of the body.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// How the body gives stream_options.
enum class StreamOptions { absent, null, empty, with_members };

// A bound given as null: no bound, but its key is taken.
struct NullBound {
  std::string_view field;
  Span value;
};

// An entry of `tools` that the provider runs by itself.
struct ProviderTool {
  std::string type;  // "web_search_20250305"; "web_search_options" where a chat has that member
  std::optional<std::int64_t> max_uses;
};

// What the ceiling of a request's input depends on.
struct InputFacts {
  std::int64_t messages = 0;        // messages / input items: for the fixed overhead of the ceiling
  std::int64_t echoed_prompt = 0;   // completions with echo: true: bytes of the prompt said back
  std::int64_t characters = 0;      // audio.speech: Unicode characters of the input
  std::int64_t documents = 0;       // rerank
  std::int64_t repeated_bytes = 0;  // rerank: what is read again for each document, over all of them
  bool long_cache = false;          // asks for a cache that is kept longer than minutes
  bool unbounded_media = false;     // files, stored context, kinds not known: input that is not in the body as text, so
                                    // that a byte is not at least a token; not for a previous response
  // Of a previous response what it used, in and out: for who looks it up. None: it is not known.
  std::optional<std::int64_t> continued_tokens;
  std::int64_t images = 0, image_bytes = 0;  // pictures of the input, and what they take of the body
  std::int64_t sounds = 0, sound_bytes = 0;  // sound likewise
};

// Members of a request, beside its bounds, that its cost depends on.
struct BilledMembers {
  bool wants_sound = false;                     // of the answer: `modalities` has "audio"
  std::optional<std::int64_t> thinking_budget;  // messages: of the bound, what the model may think
  std::string_view chooses;  // the member that lets the provider choose another model or provider; empty: none
  // Top-level members with a text, a number or a boolean that crd does not read otherwise, by pointer
  // ("/service_tier"): what the rules of a price may depend on. A text is kept without its escapes; a long one is left
  // out.
  std::vector<std::pair<std::string, std::string>> members;
  std::vector<ProviderTool> provider_tools;
  std::optional<std::int64_t> max_tool_calls;
  // By pointer; empty: it is not there.
  std::string_view member(std::string_view pointer) const;
};

struct RequestScan : InputFacts, BilledMembers {
  std::string model;  // unescaped, 1..256 bytes; default_model() where the request names none
  bool stream = false;
  std::optional<bool> include_usage;         // stream_options.include_usage, chat.completions and completions
  std::optional<std::int64_t> output_bound;  // per choice; of two bounds the larger: no upstream obeys both
  std::int64_t choices = 1;                  // n; for completions also best_of and the number of prompts; images
  std::string previous_response;             // responses: previous_response_id; empty = none
  bool stored = false;                       // responses: the provider keeps it (store, which is true unless said)
  bool background = false;                   // responses: answered before it is made

  bool names_model = true;               // else `model` is the endpoint's default, and must be written into the body
  std::optional<Span> model_value;       // with its quotes, or null; none = the request names no model
  std::optional<Span> bound_value;       // the number of the field below
  std::string_view bound_field;          // "max_tokens", "max_completion_tokens", "max_output_tokens"
  std::vector<Span> other_bound_values;  // where a client gave two bounds at once
  std::vector<NullBound> null_bounds;
  StreamOptions stream_options = StreamOptions::absent;
  std::optional<Span> stream_options_value;  // the object, with braces; or null
  std::optional<Span> include_usage_value;   // true / false / null
  std::size_t first_member = 0;              // right after the opening brace: where a member can be inserted
};

// What is refused, in this order: not UTF-8 JSON or over depth 64 or bytes after the document (invalid_json); a
// top-level key twice (duplicate_key); a look-alike of a policy key, by case or by Unicode fold (duplicate_key); keys
// that redirect a gateway (api_base, base_url, api_key, extra_headers: invalid_value); a wrong type or range of model,
// stream, stream_options, n, best_of, echo and the bounds (invalid_value, `param` named). Null is as if absent, except
// for the model.
class RequestScanner {
 public:
  RequestScanner();
  ~RequestScanner();
  RequestScanner(const RequestScanner&) = delete;
  RequestScanner& operator=(const RequestScanner&) = delete;
  // `body` need not be padded. The scan's spans index `body`.
  RefusalOr<RequestScan> scan(Endpoint endpoint, std::string_view body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One replacement in the body; sorted by place, never overlapping.
struct Edit {
  Span place;
  std::string text;
};

struct Rewrite {
  std::optional<std::string> model;             // the channel's name for it
  std::optional<std::int64_t> output_bound;     // written where the client wrote its own, else into `bound_field`
  std::string_view bound_field = "max_tokens";  // what the channel understands, for a client that gave none
  bool ask_for_usage = false;                   // stream_options.include_usage = true
};
std::vector<Edit> plan_edits(const RequestScan& scan, const Rewrite& rewrite);
// Adds to `edits` of `body` the removal of its top-level members of these names; an edit inside one of them goes.
void leave_out(std::string_view body, std::span<const std::string_view> names, std::vector<Edit>& edits);
std::string apply_edits(std::string_view body, const std::vector<Edit>& edits);
std::size_t edited_size(std::string_view body, const std::vector<Edit>& edits);

}  // namespace cr::dialect
