// SPDX-License-Identifier: MIT
// Echo in the form of /v1/chat/completions and /v1/completions.
#include "provider/echo_turn.h"

namespace cr::provider::echo {
namespace {

Json usage_of(const Turn& turn) {
  return {{"prompt_tokens", turn.input_tokens},
          {"completion_tokens", turn.output_tokens()},
          {"total_tokens", turn.input_tokens + turn.output_tokens()},
          {"prompt_tokens_details", {{"cached_tokens", 0}}},
          {"completion_tokens_details", {{"reasoning_tokens", 0}}}};
}

const char* finish_reason(const Saying& choice) {
  return choice.cut ? "length" : "stop";
}

Json head(const Turn& turn, const char* prefix, const char* object) {
  return {{"id", prefix + turn.id}, {"object", object}, {"created", turn.created}, {"model", turn.model}};
}

// The chunks of a stream, all alike but for their choice.
class Chunks {
 public:
  Chunks(const Turn& turn, Json chunk_head) : turn_(turn), head_(std::move(chunk_head)) {}

  void add(Json choice) {
    Json chunk = head_;
    chunk["choices"] = Json::array({std::move(choice)});
    if (turn_.include_usage) chunk["usage"] = nullptr;
    pieces_.push_back(event(chunk));
  }

  LocalResponse finish() {
    if (turn_.include_usage) {
      Json chunk = head_;
      chunk["choices"] = Json::array();
      chunk["usage"] = usage_of(turn_);
      pieces_.push_back(event(chunk));
    }
    pieces_.emplace_back("data: [DONE]\n\n");
    return {"text/event-stream", std::move(pieces_)};
  }

 private:
  const Turn& turn_;
  Json head_;
  std::vector<std::string> pieces_;
};

Json chat_choice(std::size_t index, Json delta, Json reason) {
  return {{"index", index}, {"delta", std::move(delta)}, {"logprobs", nullptr}, {"finish_reason", std::move(reason)}};
}

Json text_choice(std::size_t index, const std::string& text, Json reason) {
  return {{"text", text}, {"index", index}, {"logprobs", nullptr}, {"finish_reason", std::move(reason)}};
}

// As models stream several choices: a word of each in turn.
template <class Add>
void each_word(const Turn& turn, const Add& add) {
  bool more = true;
  for (std::size_t place = 0; more; ++place) {
    more = false;
    for (std::size_t index = 0; index < turn.choices.size(); ++index) {
      const auto& words = turn.choices[index].words;
      if (place >= words.size()) continue;
      add(index, words[place]);
      more = true;
    }
  }
}

LocalResponse stream_chat(const Turn& turn) {
  Chunks chunks(turn, head(turn, "chatcmpl-", "chat.completion.chunk"));
  for (std::size_t index = 0; index < turn.choices.size(); ++index) {
    chunks.add(chat_choice(index, {{"role", "assistant"}, {"content", ""}, {"refusal", nullptr}}, nullptr));
  }
  each_word(turn, [&chunks](std::size_t index, const std::string& word) {
    chunks.add(chat_choice(index, {{"content", word}}, nullptr));
  });
  for (std::size_t index = 0; index < turn.choices.size(); ++index) {
    chunks.add(chat_choice(index, Json::object(), finish_reason(turn.choices[index])));
  }
  return chunks.finish();
}

LocalResponse stream_completions(const Turn& turn) {
  Chunks chunks(turn, head(turn, "cmpl-", "text_completion"));
  each_word(turn,
            [&chunks](std::size_t index, const std::string& word) { chunks.add(text_choice(index, word, nullptr)); });
  for (std::size_t index = 0; index < turn.choices.size(); ++index) {
    chunks.add(text_choice(index, "", finish_reason(turn.choices[index])));
  }
  return chunks.finish();
}

}  // namespace

LocalResponse answer_chat(const Turn& turn) {
  if (turn.stream) return stream_chat(turn);
  Json body = head(turn, "chatcmpl-", "chat.completion");
  Json& choices = body["choices"] = Json::array();
  for (const Saying& choice : turn.choices) {
    const Json message = {{"role", "assistant"}, {"content", choice.text()}, {"refusal", nullptr}};
    choices.push_back({{"index", choices.size()},
                       {"message", message},
                       {"logprobs", nullptr},
                       {"finish_reason", finish_reason(choice)}});
  }
  body["usage"] = usage_of(turn);
  return plain(body);
}

LocalResponse answer_completions(const Turn& turn) {
  if (turn.stream) return stream_completions(turn);
  Json body = head(turn, "cmpl-", "text_completion");
  Json& choices = body["choices"] = Json::array();
  for (const Saying& choice : turn.choices) {
    choices.push_back(text_choice(choices.size(), choice.text(), finish_reason(choice)));
  }
  body["usage"] = usage_of(turn);
  return plain(body);
}

}  // namespace cr::provider::echo
