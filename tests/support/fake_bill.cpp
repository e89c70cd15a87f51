// SPDX-License-Identifier: MIT
#include "support/fake_bill.h"

#include <algorithm>
#include <stdexcept>

namespace cr::test {
namespace {

using Wide = __int128;

constexpr std::int64_t k_dollar = 1'000'000'000;
constexpr std::int64_t k_thousand = 1000;
constexpr std::int64_t k_million = 1'000'000;

std::int64_t nano_of(const std::string& dollars) {
  constexpr std::size_t k_digits = 9;
  const auto point = std::min(dollars.find('.'), dollars.size());
  auto fraction = point < dollars.size() ? dollars.substr(point + 1) : std::string();
  if (fraction.size() > k_digits) throw std::invalid_argument("below a nano-dollar: " + dollars);
  fraction.resize(k_digits, '0');
  return std::stoll(dollars.substr(0, point)) * k_dollar + std::stoll(fraction);
}

FakePrice priced(std::string model, std::int64_t input, std::int64_t output) {
  FakePrice price;
  price.model = std::move(model);
  price.input = price.cached = price.written = input;
  price.written_hour = 2 * input;
  price.output = output;
  return price;
}

std::vector<FakePrice> make_card() {
  std::vector<FakePrice> card;
  for (const char* model : {"fake-a", "fake-full", "fake-b"}) card.push_back(priced(model, k_dollar, 2 * k_dollar));
  auto cached = priced("fake-cached", 3 * k_dollar, 15 * k_dollar);
  cached.cached = 3 * k_dollar / 10;
  cached.written = 15 * k_dollar / 4;
  card.push_back(cached);
  for (const char* model : {"fake-long", "fake-full-long"}) {
    card.push_back(priced(model, k_dollar, 2 * k_dollar));
    card.back().cached = k_dollar / 10;
    card.back().long_over = k_thousand;
  }
  card.push_back(priced("fake-dear", 10 * k_dollar, 20 * k_dollar));
  card.push_back(priced("fake-cheap", k_dollar / 2, k_dollar));
  return card;
}

}  // namespace

const std::vector<FakePrice>& fake_card() {
  static const std::vector<FakePrice> k_card = make_card();
  return k_card;
}

const FakePrice* FakeBill::find_price(const std::string& model) const {
  if (const auto changed = changed_.find(model); changed != changed_.end()) return &changed->second;
  const auto& card = fake_card();
  const auto listed = std::find_if(card.begin(), card.end(), [&](const auto& price) { return price.model == model; });
  return listed == card.end() ? nullptr : &*listed;
}

std::int64_t FakeBill::of(const FakeSale& sale, const FakeUsage& consumed) const {
  const FakePrice* const known = find_price(sale.model);
  const FakePrice& price = known != nullptr ? *known : fake_card().front();
  const auto written = consumed.cache_write - consumed.long_cache_write;
  const auto fresh = consumed.input - consumed.cached - consumed.cache_write;
  Wide input = Wide(fresh) * price.input + Wide(consumed.cached) * price.cached + Wide(written) * price.written +
               Wide(consumed.long_cache_write) * price.written_hour;
  Wide output = Wide(consumed.output) * price.output;
  const bool is_long = price.long_over > 0 && consumed.input > price.long_over;
  input *= is_long ? price.long_input_factor : k_thousand;
  output *= is_long ? price.long_output_factor : k_thousand;
  Wide factor = sale.tier == "priority" ? price.priority : sale.tier == "flex" ? price.flex : k_thousand;
  factor *= sale.fast ? price.fast : k_thousand;

  constexpr Wide k_unit = Wide(k_million) * k_thousand * k_thousand * k_thousand;
  Wide sum = (input + output) * factor + Wide(consumed.characters) * price.per_character * (k_unit / k_million);
  sum += (Wide(consumed.images) * price.per_image + Wide(consumed.searches) * price.search) * k_unit;
  sum += Wide(consumed.requests) * std::max<std::int64_t>(consumed.search_units, 1) * price.per_request * k_unit;
  return static_cast<std::int64_t>((sum + k_unit - 1) / k_unit);
}

void FakeBill::change(const std::string& model, const std::map<std::string, std::string>& rates) {
  static const std::map<std::string, std::int64_t FakePrice::*> k_names = {
      {"--input", &FakePrice::input},
      {"--cached-input", &FakePrice::cached},
      {"--cache-write", &FakePrice::written},
      {"--output", &FakePrice::output},
      {"--per-request", &FakePrice::per_request},
      {"--per-image", &FakePrice::per_image},
      {"--per-character", &FakePrice::per_character},
  };
  const FakePrice* const before = find_price(model);
  FakePrice price = before != nullptr ? *before : priced(model, 0, 0);
  const auto input = rates.find("--input");
  if (input != rates.end()) price.cached = price.written = nano_of(input->second);
  for (const auto& [name, dollars] : rates) {
    const auto known = k_names.find(name);
    if (known == k_names.end()) throw std::invalid_argument("no such rate: " + name);
    price.*known->second = nano_of(dollars);
  }
  price.written_hour = std::max(price.written, 2 * price.input);
  changed_[model] = price;
}

}  // namespace cr::test
