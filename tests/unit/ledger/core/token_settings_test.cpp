// SPDX-License-Identifier: MIT
#include "ledger/core/token_settings.h"

#include <gtest/gtest.h>

#include <random>

#include "ledger/core/token_fields.h"

namespace cr::ledger {
namespace {

TEST(SharedTokenSettings, an_edit_leaves_the_copies_as_they_were) {
  SharedTokenSettings first;
  first.edit().note = "one";
  SharedTokenSettings second = first;
  EXPECT_TRUE(second.is_shared_with(first));
  second.edit().note = "two";
  EXPECT_EQ(first->note, "one");
  EXPECT_EQ(second->note, "two");
  EXPECT_EQ(SharedTokenSettings()->note, "");
  EXPECT_TRUE(SharedTokenSettings().is_shared_with(SharedTokenSettings()));
}

TEST(SharedTokenSettings, a_setting_that_stays_the_same_stays_shared) {
  const TokenRecord usual;
  TokenRecord token;
  base::each_field(k_token_fields, [&](const auto& field) { field.set(token, field.get(usual)); });
  EXPECT_TRUE(token.settings.is_shared_with(usual.settings));
  InSettings<&TokenSettings::groups>::set(token, std::vector<std::string>{"a"});
  EXPECT_FALSE(token.settings.is_shared_with(usual.settings));
  EXPECT_TRUE(usual.settings->groups.empty());
}

// Each setting alone makes two of them differ, or records would get the settings of another.
TEST(SettingsPool, every_setting_counts) {
  std::vector<TokenSettings> all(14);
  all[1].groups = {"a"};
  all[2].not_before = base::Time(std::chrono::milliseconds(1));
  all[3].models = {"a"};
  all[4].allow_ip = {"192.0.2.1"};
  all[5].budgets[2] = base::Credits::from_nano(1);
  all[6].zone = base::Zone::find("Europe/Berlin").value();
  all[7].rates.requests_per_minute = 1;
  all[8].rates.tokens_per_minute = 1;
  all[9].rates.requests_at_once = 1;
  all[10].when_low = WhenLow::refuse;
  all[11].tags["a"] = "1";
  all[12].note = "a";
  all[13].retrievable = true;
  SettingsPool pool;
  std::vector<SharedTokenSettings> kept;
  for (const auto& settings : all) {
    SharedTokenSettings shared;
    shared.edit() = settings;
    pool.share(shared);
    EXPECT_EQ(*shared, settings);
    kept.push_back(shared);
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < all.size(); ++j) EXPECT_EQ(all[i] == all[j], i == j) << i << " " << j;
  }
}

TEST(SettingsPool, gives_equal_settings_one_copy_and_keeps_none_alive) {
  SettingsPool pool;
  SharedTokenSettings first, second;
  first.edit().groups = {"default"};
  second.edit().groups = {"default"};
  pool.share(first);
  pool.share(second);
  EXPECT_TRUE(second.is_shared_with(first));
  // An edit of what the pool remembers is nothing to the others, and is found as what it became.
  first.edit().note = "mine";
  EXPECT_EQ(second->note, "");
  SharedTokenSettings third;
  third.edit().groups = {"default"};
  pool.share(third);
  EXPECT_TRUE(third.is_shared_with(second));
}

// Records that come, are edited and go; a model beside them says what each must hold.
TEST(SettingsPool, random_edits_end_as_those_of_plain_values) {
  std::mt19937 random(20'261'130);
  SettingsPool pool;
  std::vector<SharedTokenSettings> shared(50);
  std::vector<TokenSettings> model(50);
  for (int step = 0; step < 20'000; ++step) {
    const auto at = random() % shared.size();
    const auto text = std::to_string(random() % 3);
    switch (random() % 6) {
      case 0:
        shared[at] = SharedTokenSettings();
        model[at] = TokenSettings();
        break;
      case 1: {
        const auto from = random() % shared.size();
        shared[at] = shared[from];
        model[at] = model[from];
        break;
      }
      case 2:
        shared[at].edit().groups = model[at].groups = {text};
        break;
      case 3:
        shared[at].edit().note = model[at].note = text;
        break;
      default:
        pool.share(shared[at]);
    }
    ASSERT_EQ(*shared[at], model[at]);
  }
  for (std::size_t at = 0; at < shared.size(); ++at) {
    EXPECT_EQ(*shared[at], model[at]);
    pool.share(shared[at]);
  }
}

}  // namespace
}  // namespace cr::ledger
