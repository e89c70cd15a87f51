// SPDX-License-Identifier: MIT
#include "server/admin/bill.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/decimal.h"
#include "billing/bill_parts.h"
#include "billing/held_rules.h"

namespace cr::server::admin {

namespace {

using billing::Part;

// Lines that are of no charge: what the provider told beyond them; and what was posted otherwise than they say, since
// nobody told what was used, or an attempt was lost.
constexpr std::string_view k_told = "told_by_provider", k_otherwise = "reserved_or_lost";

// Sums are nano-dollars x 10^6: fifteen decimals of a dollar.
std::string dollars(billing::Sum sum) {
  constexpr billing::Sum k_dollar = 1'000'000'000'000'000;
  const auto whole = static_cast<std::uint64_t>(sum / k_dollar);
  auto text = fmt::format("{}.{:015}", whole, static_cast<std::uint64_t>(sum % k_dollar));
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

bool is_by_million(Part part) {
  return part <= Part::characters;
}

std::string text_of(const cr::admin::BillLine& line) {
  for (int part = 0; part <= static_cast<int>(Part::characters); ++part) {
    const auto name = billing::name_of(static_cast<Part>(part));
    if (line.what != name) continue;
    std::string words(name);
    std::replace(words.begin(), words.end(), '_', ' ');
    const auto* const unit = static_cast<Part>(part) == Part::characters ? "" : " tokens";
    return fmt::format("{} {}{} x ${} a million = ${}", line.count, words, unit, line.rate, line.dollars);
  }
  if (line.what == billing::name_of(Part::sound))
    return fmt::format("{} seconds of sound x ${} = ${}", base::format_fixed(line.count, 3), line.rate, line.dollars);
  if (line.what == k_told) return fmt::format("told by the provider beyond that = ${}", line.dollars);
  if (line.what == k_otherwise) return fmt::format("by the reservation, or for lost attempts = ${}", line.dollars);
  const auto plural = line.count == 1 ? "" : "s";
  for (const auto part : {Part::request, Part::image}) {
    if (line.what == billing::name_of(part))
      return fmt::format("{} {}{} x ${} = ${}", line.count, line.what, plural, line.rate, line.dollars);
  }
  return fmt::format("{} call{} of {} x ${} = ${}", line.count, plural, line.what, line.rate, line.dollars);
}

cr::admin::BillLine line_of(std::string_view what, const std::string& amount) {
  return {std::string(what), 1, amount, amount};
}

}  // namespace

std::vector<cr::admin::BillLine> bill_of(const billing::Price& price, const dialect::Usage& usage,
                                         const billing::Circumstances& circumstances) {
  std::vector<cr::admin::BillLine> lines;
  for (const auto& charge : billing::charges_of(price, usage, circumstances)) {
    cr::admin::BillLine line;
    line.what = charge.part == Part::tool ? charge.tool : billing::name_of(charge.part);
    line.count = charge.count;
    line.rate = is_by_million(charge.part) ? charge.rate.to_decimal() : charge.each.to_decimal();
    line.dollars = dollars(charge.sum);
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::string> text_of(const std::vector<cr::admin::BillLine>& bill, const std::vector<std::string>& rules,
                                 billing::Multiplier multiplier, base::Credits cost) {
  std::vector<std::string> text;
  for (const auto& line : bill) text.push_back(text_of(line));
  for (const auto& rule : rules) text.push_back("at the rates for " + rule);
  if (multiplier != billing::Multiplier{}) text.push_back("group multiplier x " + multiplier.to_decimal());
  text.push_back("total, rounded up to a nano-dollar = $" + cost.to_decimal());
  return text;
}

base::Result<cr::admin::RequestBill> bill_of(const ledger::RequestRow& row, const ledger::PriceRecord& price) {
  const auto& settlement = row.settlement;
  const auto parts = billing::read_bill_parts(settlement.parts);
  if (!parts) return tl::unexpected(parts.error());
  auto usage = parts->usage;
  usage.input_tokens = settlement.input_tokens;
  usage.cached_tokens = settlement.cached_tokens;
  usage.cache_write_tokens = settlement.cache_write_tokens;
  usage.output_tokens = settlement.output_tokens;
  usage.images = settlement.units.images;
  usage.characters = settlement.units.characters;
  usage.audio_ms = settlement.units.audio_ms;
  usage.search_units = settlement.units.search_units;
  const billing::Multiplier multiplier{settlement.multiplier_millionths.value_or(billing::Multiplier{}.millionths)};
  cr::admin::RequestBill bill;
  bill.model = price.model;
  bill.source = price.source;
  bill.priced_at = price.updated_at;
  bill.multiplier = multiplier.to_decimal();
  const auto cost = row.booking.posted + row.booking.overrun;
  bill.provider_cost = settlement.provider_cost.value_or(cost);
  if ((settlement.flags & ledger::k_told_cost) != 0) bill.told_cost = bill.provider_cost;
  const auto circumstances = parts->circumstances();
  bill.lines = bill_of(price, usage, circumstances);
  const auto sum = billing::sum_of_charges(price, usage, circumstances);
  auto told = sum;
  if (bill.told_cost) told = std::max(sum, billing::times(1, *bill.told_cost));
  if (told > sum) bill.lines.push_back(line_of(k_told, dollars(told - sum)));
  // What is not by the provider's rates is not by the group's factor either.
  const auto otherwise = cost - billing::round_up(told, multiplier);
  const bool differs = otherwise != base::Credits();
  if (differs && multiplier == billing::Multiplier{})
    bill.lines.push_back(line_of(k_otherwise, otherwise.to_decimal()));
  bill.rules = billing::held_rules(price, usage.input_tokens, circumstances);
  bill.text = text_of(bill.lines, bill.rules, multiplier, cost);
  if (differs && multiplier != billing::Multiplier{})
    bill.text.insert(bill.text.end() - 1, text_of(line_of(k_otherwise, otherwise.to_decimal())));
  return bill;
}

}  // namespace cr::server::admin
