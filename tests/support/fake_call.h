// SPDX-License-Identifier: MIT
// One request to the fake provider, read: shared by the endpoints' answers. Pure.
#pragma once

#include <nlohmann/json.hpp>

#include "support/fake_model.h"

namespace cr::test {

using Json = nlohmann::json;

struct FakeCall {
  Json body;
  FakeTerms terms;
  std::string model;  // that answers
  std::string tier;   // that answers; empty: it is not told
  bool fast = false;
  bool stream = false;
  std::int64_t choices = 1;
  std::optional<std::int64_t> bound;
  FakeUsage usage;             // output: of one choice
  std::string tool;            // name of the first tool, if the request has any
  std::string id;              // unique
  bool tells_tokens = false;   // asked for, where a provider need not
  bool include_usage = false;  // stream_options.include_usage

  // The usage before any search was made.
  FakeUsage before_searches() const;
  bool cut_by_bound() const { return bound && usage.output >= *bound; }
  std::string text() const;                 // usage.output words
  std::string word(std::int64_t at) const;  // 4 bytes
};

// The arguments of a fake tool call, in the pieces in which they stream.
const std::vector<std::string>& tool_argument_pieces();

FakeAnswer answer_chat(const FakeCall& call);
FakeAnswer answer_completions(const FakeCall& call);
FakeAnswer answer_embeddings(const FakeCall& call);
FakeAnswer answer_responses(const FakeCall& call);
FakeAnswer answer_messages(const FakeCall& call);
FakeAnswer answer_moderations(const FakeCall& call);
FakeAnswer answer_rerank(const FakeCall& call);
FakeAnswer answer_images(const FakeCall& call);
FakeAnswer answer_speech(const FakeCall& call);
FakeAnswer answer_transcription(const FakeCall& call);
FakeAnswer answer_image_edit(const FakeCall& call);

bool takes_form(std::string_view endpoint);
// The body as JSON; of an endpoint that takes a form, its text fields.
Json request_json(std::string_view endpoint, std::string_view body);

}  // namespace cr::test
