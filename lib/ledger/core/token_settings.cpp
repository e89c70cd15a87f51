// SPDX-License-Identifier: MIT
#include "ledger/core/token_settings.h"

#include <functional>
#include <string_view>
#include <tuple>

namespace cr::ledger {
namespace {

class Hash {
 public:
  void add(std::string_view text) { add_number(std::hash<std::string_view>()(text)); }
  void add(const std::vector<std::string>& list) {
    add_number(list.size());
    for (const auto& text : list) add(text);
  }
  void add(const std::optional<std::int64_t>& number) {
    add_number(number ? static_cast<std::size_t>(*number) : ~std::size_t{0});
  }
  void add_number(std::size_t number) { value_ = (value_ ^ number) * 0x9e3779b97f4a7c15; }
  std::size_t value() const { return value_ >> 32; }

 private:
  std::size_t value_ = 0;
};

// Of what tokens differ in: where two settings that are not equal have one hash, one is merely not remembered.
std::size_t hash_of(const TokenSettings& settings) {
  Hash hash;
  hash.add(settings.groups);
  hash.add(settings.models);
  hash.add(settings.allow_ip);
  for (const auto& [key, value] : settings.tags) {
    hash.add(key);
    hash.add(value);
  }
  hash.add(settings.note);
  hash.add(settings.zone.name());
  for (const auto& budget : settings.budgets) hash.add(budget ? std::optional(budget->nano()) : std::nullopt);
  hash.add(settings.rates.requests_per_minute);
  hash.add(settings.rates.tokens_per_minute);
  return hash.value();
}

auto compared(const TokenSettings& settings) {
  return std::tie(settings.groups, settings.not_before, settings.models, settings.allow_ip, settings.budgets,
                  settings.zone, settings.rates, settings.when_low, settings.tags, settings.note, settings.retrievable);
}

const std::shared_ptr<TokenSettings>& usual_settings() {
  static const auto usual = std::make_shared<TokenSettings>();
  return usual;
}

}  // namespace

bool TokenSettings::operator==(const TokenSettings& other) const {
  return compared(*this) == compared(other);
}

SharedTokenSettings::SharedTokenSettings() : shared_(usual_settings()) {}

void SettingsPool::share(SharedTokenSettings& settings) {
  if (places_.empty()) places_.resize(k_places);
  auto& place = places_[hash_of(*settings) % k_places];
  if (auto known = place.lock(); known && *known == *settings) {
    settings.shared_ = std::move(known);
  } else {
    place = settings.shared_;
  }
}

}  // namespace cr::ledger
