// SPDX-License-Identifier: MIT
#include "integration/priced_bodies.h"

#include <array>

#include "integration/gateway.h"

namespace cr::test {
namespace {

constexpr const char* k_smart_words = "be smart";

class Dice {
 public:
  explicit Dice(std::mt19937& random) : random_(random) {}
  std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }
  bool one_in(std::size_t count) { return below(count) == 0; }

 private:
  std::mt19937& random_;
};

Json said(const std::string& text) {
  return Json::array({{{"role", "user"}, {"content", text}}});
}

PricedBody chat_body(Dice& dice, std::size_t words) {
  static constexpr std::array k_models{"fake-a", "fake-full", "fake-cheap", "fake-full-long", "smart"};
  static constexpr std::array k_tiers{"priority", "flex", "default", "auto"};
  const std::string model = k_models[dice.below(k_models.size())];
  std::string text = model == "smart" ? k_smart_words : "hello";
  // Long or short, as the price has it.
  if (model == "fake-full-long" && dice.one_in(2)) text += std::string(900, 'x');
  Json body = {{"model", model}, {"max_tokens", words}, {"messages", said(text)}};
  if (dice.one_in(2)) body["service_tier"] = k_tiers[dice.below(k_tiers.size())];
  // With its usage asked for, so that crd need not edit the body whose bytes fake-full counts.
  if (dice.one_in(2)) body.update({{"stream", true}, {"stream_options", {{"include_usage", true}}}});
  return {"/v1/chat/completions", std::move(body)};
}

std::string searching(Dice& dice) {
  return "[[searches=" + std::to_string(dice.below(4)) + "]]";
}

PricedBody message_body(Dice& dice, std::size_t words) {
  Json body = {{"model", "fake-a"}, {"max_tokens", words}, {"messages", said(searching(dice))}};
  if (dice.one_in(2)) body["speed"] = dice.one_in(2) ? "fast" : "standard";
  if (dice.one_in(2)) body["stream"] = true;
  const Json tool = {{"type", "web_search_20250305"}, {"name", "web_search"}, {"max_uses", 1 + dice.below(2)}};
  if (dice.one_in(2)) body["tools"] = Json::array({tool});
  return {"/v1/messages", std::move(body)};
}

PricedBody response_body(Dice& dice, std::size_t words) {
  Json body = {{"model", "fake-a"}, {"max_output_tokens", words}, {"input", searching(dice)}, {"store", false}};
  if (dice.one_in(2)) body["service_tier"] = dice.one_in(2) ? "priority" : "flex";
  if (dice.one_in(2)) body["stream"] = true;
  if (dice.one_in(2)) body.update({{"tools", Json::array({{{"type", "web_search"}}})}, {"max_tool_calls", 1}});
  return {"/v1/responses", std::move(body)};
}

}  // namespace

PricedBody priced_body(std::mt19937& random, std::size_t most_words) {
  Dice dice(random);
  const auto words = 5 + dice.below(most_words - 4);
  if (!dice.one_in(3)) return chat_body(dice, words);
  return dice.one_in(2) ? message_body(dice, words) : response_body(dice, words);
}

void add_dear_channel(Gateway& gateway) {
  gateway.publish_whole_card();
  gateway.daemon.must({"channel", "edit", "fake", "--map", "smart=fake-a"});
  gateway.daemon.must({"channel", "create", "dear", "--kind", "openai", "--base-url", gateway.upstream.url(), "--map",
                       "smart=fake-dear", "--priority", "-1", "--key-stdin", "--allow-private"},
                      "sk-provider-5678\n");
}

void take_down(Gateway& gateway, int times) {
  if (times <= 0) return;
  gateway.upstream.behave(
      {{"status", 503}, {"contains", k_smart_words}, {"authorization_end", "1234"}, {"times", times}});
}

}  // namespace cr::test
