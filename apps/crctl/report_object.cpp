// SPDX-License-Identifier: MIT
#include "crctl/report_object.h"

#include <fmt/format.h>

#include <limits>

#include "base/decimal.h"
#include "base/text.h"

namespace cr::crctl {
namespace {

using base::Result;

constexpr std::size_t k_text_bytes_max = 256;
constexpr const char* k_known_shapes =
    "known are, as the API answers them: OpenAI's /v1/organization/costs and /v1/organization/usage/..., Anthropic's "
    "/v1/organizations/cost_report and /v1/organizations/usage_report/messages, OpenRouter's /api/v1/activity";

}  // namespace

ReportPlace ReportPlace::in(std::string_view member) const {
  ReportPlace inner = *this;
  inner.path_ += (path_.empty() ? "" : ".") + std::string(member);
  return inner;
}

ReportPlace ReportPlace::at(std::size_t index) const {
  ReportPlace inner = *this;
  inner.path_ += fmt::format("[{}]", index);
  return inner;
}

tl::unexpected<base::Error> ReportPlace::refuse(const std::string& why, const std::string& hint) const {
  return base::fail(base::ErrorCode::invalid,
                    base::escape_for_terminal(file_) + ": " + path_ + (path_.empty() ? "" : ": ") + why,
                    hint.empty() ? k_known_shapes : hint);
}

bool ReportObject::has(const char* name) const {
  return json_.is_object() && json_.contains(name);
}

const nlohmann::json* ReportObject::find(const char* name) const {
  if (!json_.is_object()) return nullptr;
  const auto found = json_.find(name);
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

Result<std::string> ReportObject::text(const char* name) const {
  const auto* value = find(name);
  if (value == nullptr) return std::string();
  if (!value->is_string()) return place_.in(name).refuse("expected text");
  auto text = value->get<std::string>();
  if (text.size() > k_text_bytes_max) return place_.in(name).refuse("longer than 256 bytes");
  return text;
}

Result<std::int64_t> ReportObject::count(const char* name) const {
  const auto* value = find(name);
  if (value == nullptr) return 0;
  constexpr std::int64_t k_most = 9'000'000'000'000'000;  // as far as a double counts
  if (value->is_number_integer() && *value >= 0 && *value <= k_most) return value->get<std::int64_t>();
  if (value->is_number_float()) {
    const auto number = value->get<double>();
    if (number >= 0 && number <= static_cast<double>(k_most)) {
      const auto whole = static_cast<std::int64_t>(number);
      if (static_cast<double>(whole) == number) return whole;
    }
  }
  return place_.in(name).refuse("expected a whole number, 0 or more");
}

Result<base::Credits> ReportObject::amount(const char* name, int scale) const {
  const auto* value = find(name);
  if (value == nullptr) return base::Credits();
  std::optional<base::Credits> amount;
  if (value->is_number()) amount = parse_amount(value->dump(), scale);
  if (value->is_string()) amount = parse_amount(value->get_ref<const std::string&>(), scale);
  if (!amount) return place_.in(name).refuse("expected an amount of money, as a number or as text");
  return *amount;
}

Result<void> ReportObject::check_currency(const char* name) const {
  const auto currency = text(name);
  if (!currency) return tl::unexpected(currency.error());
  if (currency->empty() || base::equals_ignoring_case(*currency, "usd")) return {};
  return place_.in(name).refuse("'" + base::escape_for_terminal(*currency) + "': only US dollars can be compared",
                                "crd's prices and books are in US dollars");
}

Result<const nlohmann::json*> ReportObject::list(const char* name) const {
  const auto* value = find(name);
  if (value == nullptr || !value->is_array()) return place_.in(name).refuse("expected a list");
  return value;
}

std::optional<base::Credits> parse_amount(std::string_view number, int scale) {
  constexpr int k_nano = 9;
  const bool negative = number.starts_with('-');
  if (negative) number.remove_prefix(1);
  const auto nano = base::round_up_number(number, k_nano - scale, std::numeric_limits<std::int64_t>::max());
  if (!nano) return std::nullopt;
  return base::Credits::from_nano(negative ? -*nano : *nano);
}

}  // namespace cr::crctl
