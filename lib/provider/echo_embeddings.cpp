// SPDX-License-Identifier: MIT
// Echo in the form of /v1/embeddings: unit vectors that depend on the input alone.
#include <algorithm>
#include <bit>
#include <cmath>

#include "provider/echo_turn.h"

namespace cr::provider::echo {
namespace {

constexpr std::int64_t k_dimensions_default = 8;
constexpr std::int64_t k_dimensions_max = 1536;
constexpr std::size_t k_inputs_max = 2048;  // as at OpenAI

std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return hash;
}

// splitmix64: the next of a sequence without visible pattern.
std::uint64_t next_of(std::uint64_t& state) {
  std::uint64_t value = state += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

std::vector<float> vector_of(std::string_view text, std::size_t dimensions) {
  std::vector<double> raw(dimensions);
  std::uint64_t state = hash_of(text);
  double squares = 0;
  for (double& value : raw) {
    value = static_cast<double>(next_of(state) >> 11) / static_cast<double>(std::uint64_t{1} << 52) - 1.0;
    squares += value * value;
  }
  const double length = squares > 0 ? std::sqrt(squares) : 1.0;
  std::vector<float> unit(dimensions);
  std::transform(raw.begin(), raw.end(), unit.begin(),
                 [length](double value) { return static_cast<float>(value / length); });
  return unit;
}

// Base64 of the little-endian floats: what the OpenAI SDKs ask for unless told otherwise.
std::string base64_of(const std::vector<float>& values) {
  static constexpr std::string_view k_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<std::uint8_t> bytes;
  bytes.reserve(values.size() * 4);
  for (const float value : values) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<std::uint8_t>(bits >> shift));
  }
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) group = group << 8 | (i < have ? bytes[at + i] : 0u);
    for (std::size_t i = 0; i < 4; ++i) out.push_back(i <= have ? k_digits[group >> (18 - 6 * i) & 63] : '=');
  }
  return out;
}

struct Inputs {
  std::vector<std::string> texts;  // token ids as their JSON
  std::int64_t tokens = 0;

  void add(const Json& input) {
    const bool ids = input.is_array();
    texts.push_back(input.is_string() ? input.get<std::string>() : dump(input));
    tokens += static_cast<std::int64_t>(ids ? input.size() : split_words(texts.back()).size());
  }
};

Inputs read_inputs(const Json& request) {
  Inputs inputs;
  const Json* input = find_member(request, "input");
  if (input == nullptr) return inputs;
  const bool several = input->is_array() && !input->empty() && !input->front().is_number();
  if (!several) {
    inputs.add(*input);
    return inputs;
  }
  for (const Json& one : *input) {
    if (inputs.texts.size() < k_inputs_max) inputs.add(one);
  }
  return inputs;
}

}  // namespace

LocalResponse answer_embeddings(const Turn& turn) {
  const Inputs inputs = read_inputs(turn.request);
  const std::int64_t asked = integer_in(turn.request, "dimensions", k_dimensions_default);
  const auto dimensions = static_cast<std::size_t>(std::clamp<std::int64_t>(asked, 1, k_dimensions_max));
  const bool base64 = string_in(turn.request, "encoding_format") == "base64";

  Json data = Json::array();
  for (const std::string& text : inputs.texts) {
    const std::vector<float> values = vector_of(text, dimensions);
    data.push_back({{"object", "embedding"},
                    {"index", data.size()},
                    {"embedding", base64 ? Json(base64_of(values)) : Json(values)}});
  }
  return plain({{"object", "list"},
                {"data", std::move(data)},
                {"model", turn.model},
                {"usage", {{"prompt_tokens", inputs.tokens}, {"total_tokens", inputs.tokens}}}});
}

}  // namespace cr::provider::echo
