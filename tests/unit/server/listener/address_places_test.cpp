// SPDX-License-Identifier: MIT
#include "server/listener/address_places.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace cr::server::listener {
namespace {

base::IpAddress address(const std::string& text) {
  return *base::IpAddress::parse(text);
}

TEST(AddressPlaces, as_many_as_one_may_have) {
  AddressPlaces places;
  EXPECT_TRUE(places.enter(address("192.0.2.1"), 2));
  EXPECT_TRUE(places.enter(address("::ffff:192.0.2.1"), 2)) << "the same address";
  EXPECT_FALSE(places.enter(address("192.0.2.1"), 2));
  EXPECT_TRUE(places.enter(address("192.0.2.2"), 2));
  EXPECT_TRUE(places.enter(address("192.0.2.1"), 3)) << "the limit may change";
  places.leave(address("192.0.2.1"));
  places.leave(address("192.0.2.1"));
  EXPECT_TRUE(places.enter(address("192.0.2.1"), 2));
  EXPECT_FALSE(places.enter(address("192.0.2.1"), 0));
}

TEST(AddressPlaces, of_v6_a_household_is_one) {
  AddressPlaces places;
  EXPECT_TRUE(places.enter(address("2001:db8:0:1::1"), 2));
  EXPECT_TRUE(places.enter(address("2001:db8:0:1:ffff::2"), 2));
  EXPECT_FALSE(places.enter(address("2001:db8:0:1::3"), 2));
  EXPECT_TRUE(places.enter(address("2001:db8:0:2::1"), 2));
}

TEST(AddressPlaces, a_place_is_given_up_once) {
  AddressPlaces places;
  {
    AddressPlace one(places, address("192.0.2.1"), 1);
    EXPECT_FALSE(one.refused());
    const AddressPlace moved(std::move(one));
    EXPECT_FALSE(moved.refused());
    EXPECT_TRUE(AddressPlace(places, address("192.0.2.1"), 1).refused());
    EXPECT_TRUE(AddressPlace(places, address("192.0.2.1"), 1).refused()) << "a refused one gives nothing up";
    EXPECT_FALSE(AddressPlace().refused());
  }
  EXPECT_FALSE(AddressPlace(places, address("192.0.2.1"), 1).refused());
}

TEST(AddressPlaces, come_and_go_as_in_a_model) {
  std::mt19937 random(7);
  AddressPlaces places;
  std::map<int, std::int64_t> model;
  std::vector<int> inside;
  for (int step = 0; step < 20'000; ++step) {
    const int who = static_cast<int>(random() % 40);
    const auto at = address("10.0.0." + std::to_string(who));
    if (random() % 5 < 3) {
      const std::int64_t most = 1 + static_cast<std::int64_t>(random() % 8);
      ASSERT_EQ(places.enter(at, most), model[who] < most);
      if (model[who] < most) ++model[who];
    } else if (model[who] > 0) {
      places.leave(at);
      --model[who];
    }
  }
}

}  // namespace
}  // namespace cr::server::listener
