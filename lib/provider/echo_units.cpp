// SPDX-License-Identifier: MIT
// Echo's answers that are no text: what it can do honestly without a model.
#include <algorithm>
#include <set>

#include "provider/echo_turn.h"

namespace cr::provider::echo {
namespace {

constexpr std::size_t k_documents_max = 2048;
constexpr std::int64_t k_images_max = 16;
// A picture of one pixel, in base64: 70 bytes of PNG.
constexpr std::string_view k_pixel =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
// platform.openai.com/docs/guides/moderation
constexpr std::string_view k_categories[] = {"harassment",
                                             "harassment/threatening",
                                             "hate",
                                             "hate/threatening",
                                             "illicit",
                                             "illicit/violent",
                                             "self-harm",
                                             "self-harm/instructions",
                                             "self-harm/intent",
                                             "sexual",
                                             "sexual/minors",
                                             "violence",
                                             "violence/graphic"};

// Words as split_words() has them, without the blanks before them and in lower-case ASCII.
std::vector<std::string> plain_words(std::string_view text) {
  std::vector<std::string> words = split_words(text);
  for (std::string& word : words) {
    word.erase(0, word.find_first_not_of(" \t\r\n"));
    for (char& byte : word) byte = byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte | 0x20) : byte;
  }
  return words;
}

std::string document_text(const Json& document) {
  return document.is_object() ? string_in(document, "text") : text_of(document);
}

}  // namespace

LocalResponse answer_count_tokens(const Turn& turn) {
  return plain({{"input_tokens", turn.input_tokens}});
}

// Nothing is judged here, so nothing is flagged.
LocalResponse answer_moderations(const Turn& turn) {
  const Json* input = find_member(turn.request, "input");
  const bool several = input != nullptr && input->is_array() && !input->empty() && input->front().is_string();
  Json categories = Json::object();
  Json scores = Json::object();
  for (const std::string_view name : k_categories) {
    categories[std::string(name)] = false;
    scores[std::string(name)] = 0.0;
  }
  const Json result{{"flagged", false}, {"categories", categories}, {"category_scores", scores}};
  Json results = Json::array();
  const std::size_t count = several ? std::min(input->size(), k_documents_max) : 1;
  for (std::size_t i = 0; i < count; ++i) results.push_back(result);
  return plain({{"id", "modr-" + turn.id}, {"model", turn.model}, {"results", std::move(results)}});
}

// By the share of the query's words that a document has.
LocalResponse answer_rerank(const Turn& turn) {
  const Json* query = find_member(turn.request, "query");
  const Json* documents = find_member(turn.request, "documents");
  const auto asked = plain_words(query == nullptr ? std::string() : document_text(*query));
  std::vector<std::pair<double, std::size_t>> ranked;
  std::size_t words = 0;
  for (std::size_t i = 0; documents != nullptr && i < std::min(documents->size(), k_documents_max); ++i) {
    const auto said = plain_words(document_text((*documents)[i]));
    words += asked.size() + said.size();
    const std::set<std::string> there(said.begin(), said.end());
    const auto found =
        std::count_if(asked.begin(), asked.end(), [&](const auto& word) { return there.contains(word); });
    ranked.emplace_back(asked.empty() ? 0.0 : static_cast<double>(found) / static_cast<double>(asked.size()), i);
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  const auto all = static_cast<std::int64_t>(ranked.size());
  ranked.resize(static_cast<std::size_t>(std::clamp<std::int64_t>(integer_in(turn.request, "top_n", all), 0, all)));
  Json results = Json::array();
  for (const auto& [score, index] : ranked) results.push_back({{"index", index}, {"relevance_score", score}});
  return plain({{"id", turn.id},
                {"model", turn.model},
                {"results", std::move(results)},
                {"usage", {{"prompt_tokens", words}, {"total_tokens", words}}}});
}

LocalResponse answer_images(const Turn& turn) {
  const std::int64_t count = std::clamp<std::int64_t>(integer_in(turn.request, "n", 1), 1, k_images_max);
  if (turn.stream) {
    LocalResponse answer{"text/event-stream", {}};
    constexpr std::string_view k_type = "image_generation.completed";
    for (std::int64_t i = 0; i < count; ++i)
      answer.pieces.push_back(event(
          k_type, {{"type", k_type}, {"b64_json", k_pixel}, {"created_at", turn.created}, {"output_format", "png"}}));
    return answer;
  }
  Json data = Json::array();
  for (std::int64_t i = 0; i < count; ++i) data.push_back({{"b64_json", k_pixel}});
  return plain({{"created", turn.created}, {"data", std::move(data)}, {"output_format", "png"}});
}

}  // namespace cr::provider::echo
