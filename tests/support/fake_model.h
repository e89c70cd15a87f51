// SPDX-License-Identifier: MIT
// The fake provider's model: answers of OpenAI's and Anthropic's endpoints, plain or as events, with their usage. Pure.
//
// Usage, unless the request says otherwise: input = 10 model tokens a message (or prompt, or input item); output =
// min(the request's bound, 20). Output text is one 4-byte word a model token, one event a word, so that a stream cut
// after N events has produced N of them. What a test may ask for travels in the body, since headers do not pass a
// gateway:
//   a model named fake-full...     input = bytes of the body + 16 a message + 64, output = the whole bound: the answer
//   costs
//                                  its whole ceiling (billing/price.h), as long as the gateway had no need to edit the
//                                  body
//   [[input=N output=N cached=N]]  anywhere in the text of the request: these numbers (each optional); also write=N and
//                                  long=N, of the input written to a cache, reasoning=N, and of what is not metered by
//                                  tokens: tokens=1 (tell them all the same), units=N (tell a rerank's search units)
//   [[searches=N]]                 so many searches where a tool named web_search... is allowed, at most as many as it
//                                  allows and k_most_searches; else one. Each finds k_found model tokens of input
// What changes the price is answered as it was asked for, unless the terms say otherwise: `service_tier` by OpenAI's
// endpoints of text, `speed` by messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/fake_bill.h"
#include "support/fake_usage.h"

namespace cr::test {

struct FakeEvent {
  std::string text;                // the whole event with its blank line
  std::int64_t output_tokens = 0;  // what it brings
  std::int64_t searches = 0;       // that were made before it
};

struct FakeAnswer {
  int status = 200;
  bool stream = false;
  std::string body;                               // plain
  std::vector<FakeEvent> events;                  // stream
  std::string content_type = "application/json";  // of the plain one
  FakeUsage usage;
  FakeSale sale;
  std::optional<std::int64_t> bound;  // the request's output bound, per choice
  bool usage_told = false;            // a client that reads it all learns the usage
  std::string stored;                 // the response that is kept for later, as JSON; empty = none
};

struct FakeTerms {
  bool report_usage = true;
  bool done_marker = true;  // [DONE] at the end of OpenAI streams
  std::string tier;         // that answers, whatever was asked for; empty: that one
  std::string model;        // that answers instead of the asked one; empty: none
};

// `endpoint` is the path after /v1: "chat/completions". A request that a provider refuses is an answer with a 4xx
// status.
FakeAnswer fake_answer(std::string_view endpoint, std::string_view body, const FakeTerms& terms);
std::string fake_error(std::string_view endpoint, std::string_view type, std::string_view message);

}  // namespace cr::test
