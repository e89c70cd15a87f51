// SPDX-License-Identifier: MIT
#include "dialect/openai/form_scan.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "base/utf8.h"
#include "dialect/policy_key.h"

namespace cr::dialect::openai {
namespace {

constexpr std::array<std::string_view, 3> k_names = {"model", "stream", "n"};
constexpr std::size_t k_value_bytes_max = 256;
constexpr std::int64_t k_choices_max = 128;

Refusal invalid(std::string message, std::string_view param) {
  return {RefusalCode::invalid_value, std::move(message), std::string(param), {}};
}

// As a lenient reader may take it: PHP and Node's parsers read `model[]` and `model[0]` as `model`, others trim.
std::string_view stripped(std::string_view name) {
  const auto begin = std::min(name.size(), name.find_first_not_of(" \t"));
  name = name.substr(begin, name.find('[', begin) - begin);
  return name.substr(0, name.find_last_not_of(" \t") + 1);
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto point = base::decode_utf8(text, at);
    if (!point.valid) return false;
    at += point.size;
  }
  return true;
}

std::optional<std::int64_t> parse_choices(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > k_choices_max)
    return std::nullopt;
  return value;
}

}  // namespace

RequestScan FormScanner::media_scan() {
  RequestScan scan;
  scan.unbounded_media = true;
  return scan;
}

FormScanner::Field FormScanner::field_of(std::string_view name) {
  const auto found = std::find(k_names.begin(), k_names.end(), name);
  return static_cast<Field>(found - k_names.begin());
}

std::optional<Refusal> FormScanner::push(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto step = reader_.step(bytes);
    bytes.remove_prefix(step.consumed);
    std::optional<Refusal> refusal;
    switch (step.state) {
      case PartState::head:
        refusal = take_head();
        break;
      case PartState::data:
        if (field_ != Field::none) value_.append(step.data.substr(0, k_value_bytes_max + 1 - value_.size()));
        break;
      case PartState::end:
        refusal = take_value();
        break;
      case PartState::refused:
        return Refusal{RefusalCode::invalid_multipart, std::string(reader_.reason()), {}, {}};
      case PartState::done:
      case PartState::need_more:
        break;
    }
    if (refusal) return refusal;
  }
  return std::nullopt;
}

std::optional<Refusal> FormScanner::take_head() {
  const PartHead& head = reader_.head();
  FoldRoom room;
  const auto folded = fold_key(stripped(head.name), room);
  const auto key = find_policy_key(folded);
  if (folded == "_charset_" || (key && redirects(*key))) {
    const auto name = key ? name_of(*key) : std::string_view("_charset_");
    return invalid(fmt::format("{} is not accepted in a form: leave it out", name), name);
  }
  field_ = field_of(folded);
  if (field_ == Field::none) return std::nullopt;
  const auto name = k_names[static_cast<std::size_t>(field_)];
  if (head.name != name) {
    return Refusal{
        RefusalCode::duplicate_key,
        fmt::format("a part's name looks like {0} but is not spelled so: send {0} in lower-case ASCII", name),
        std::string(name),
        {}};
  }
  if (seen(field_)) {
    return Refusal{
        RefusalCode::duplicate_key, fmt::format("{} is given twice: send it once", name), std::string(name), {}};
  }
  if (head.has_file_name) return invalid(fmt::format("{} must be a plain field, not a file", name), name);
  if (!head.plain) return invalid(fmt::format("{} must be plain text, neither encoded nor of a type", name), name);
  value_.clear();
  value_begin_ = static_cast<std::size_t>(reader_.offset());
  return std::nullopt;
}

std::optional<Refusal> FormScanner::take_value() {
  if (field_ == Field::none) return std::nullopt;
  const auto field = field_;
  seen_[static_cast<std::size_t>(field)] = true;
  field_ = Field::none;
  if (field == Field::model) {
    if (value_.empty() || value_.size() > k_value_bytes_max || !is_utf8(value_))
      return invalid(fmt::format("model must have 1 to {} bytes of UTF-8", k_value_bytes_max), "model");
    const bool ascii =
        std::all_of(value_.begin(), value_.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
    if (reader_.head().ascii && !ascii) return invalid("model must be UTF-8 where it is not ASCII", "model");
    scan_.model = value_;
    scan_.model_value = {value_begin_, value_begin_ + value_.size()};
  } else if (field == Field::stream) {
    if (value_ != "true" && value_ != "false") return invalid("stream must be true or false", "stream");
    scan_.stream = value_ == "true";
  } else {
    const auto choices = parse_choices(value_);
    if (!choices) return invalid(fmt::format("n must be a whole number from 1 to {}", k_choices_max), "n");
    scan_.choices = *choices;
  }
  return std::nullopt;
}

std::optional<Refusal> FormScanner::finish() {
  if (!reader_.done()) {
    return Refusal{RefusalCode::invalid_multipart, "the form ended before its last boundary", {}, {}};
  }
  if (!has_model()) return invalid("model is missing: send it as a field of the form", "model");
  return std::nullopt;
}

std::vector<Edit> plan_form_edits(const RequestScan& scan, const Rewrite& rewrite) {
  if (!rewrite.model || *rewrite.model == scan.model) return {};
  return {{*scan.model_value, *rewrite.model}};
}

}  // namespace cr::dialect::openai
