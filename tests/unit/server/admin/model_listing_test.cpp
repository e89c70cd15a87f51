// SPDX-License-Identifier: MIT
#include "server/admin/model_listing.h"

#include <gmock/gmock.h>

#include <random>

#include "base/text.h"
#include "ledger/core/directory_builder.h"
#include "relay/routing/model_names.h"

namespace cr::server::admin {
namespace {

using ledger::Directory;
using ledger::DirectorySnapshot;
using testing::ElementsAre;
using Groups = ModelListing::Groups;

bool somebody_waits() {
  return false;
}

std::shared_ptr<ledger::ChannelRecord> channel(int id, std::vector<std::string> models,
                                               std::vector<std::string> groups) {
  auto record = std::make_shared<ledger::ChannelRecord>();
  record->id = ledger::ChannelId{id};
  record->name = "c" + std::to_string(id);
  record->model_set = token::ModelSet::parse(models).value();
  record->models = std::move(models);
  record->groups = std::move(groups);
  return record;
}

DirectorySnapshot snapshot(const Directory::Impl& draft) {
  return DirectorySnapshot(std::make_shared<const Directory>(std::make_shared<const Directory::Impl>(draft)));
}

TEST(ModelListing, names_the_channels_of_the_first_group_that_has_any_or_of_every_one) {
  Directory::Impl draft;
  draft.put_channel(channel(1, {"gpt-*", "o3"}, {"a"}));
  auto high = channel(2, {"gpt-5"}, {"a"});
  high->priority = 10;
  draft.put_channel(high);
  draft.put_channel(channel(3, {"*", "o4"}, {"b"}));
  auto off = channel(4, {"dark"}, {"a", "b"});
  off->enabled = ledger::Switch::off;
  draft.put_channel(off);
  const auto listing = ModelListing::make(snapshot(draft), {"a", "b"}, somebody_waits).value();
  EXPECT_THAT(listing->names(), ElementsAre("gpt-5", "o3", "o4"));
  EXPECT_THAT(listing->channels_for("gpt-5", Groups::first), ElementsAre("c2", "c1"));
  EXPECT_THAT(listing->channels_for("gpt-5", Groups::every), ElementsAre("c2", "c1", "c3"));
  EXPECT_THAT(listing->channels_for("o4", Groups::first), ElementsAre("c3"));
  EXPECT_THAT(listing->channels_for("dark", Groups::every), ElementsAre("c3"));
}

// Whatever the channels and groups: the same as comparing every entry of every channel with the name.
TEST(ModelListing, finds_the_same_channels_as_by_trying_every_entry) {
  std::mt19937 random(20'261'130);
  const auto one_of = [&](const std::vector<std::string>& words) { return words[random() % words.size()]; };
  const std::vector<std::string> words{"a", "ab", "abc", "b", "ba", "a*", "*", "*b*", "ab*c", "ab**", "c-1", "c-*"};
  const std::vector<std::string> names{"a", "ab", "abc", "abbc", "b", "ba", "c-1", "c-", "", "alias-0", "alias-1"};
  for (int round = 0; round < 200; ++round) {
    Directory::Impl draft;
    for (int id = 1; id <= 8; ++id) {
      std::vector<std::string> models;
      while (random() % 4 != 0) models.push_back(one_of(words));
      std::vector<std::string> groups{one_of({"g1", "g2"})};
      if (random() % 2 == 0) groups.emplace_back("g3");
      auto record = channel(id, models, groups);
      record->priority = static_cast<std::int32_t>(random() % 3);
      if (random() % 3 == 0) record->model_map["alias-" + std::to_string(random() % 3)] = "x";
      if (random() % 5 == 0) record->enabled = ledger::Switch::off;
      draft.put_channel(record);
    }
    const auto directory = snapshot(draft);
    const std::vector<std::string> groups{one_of({"g1", "g3"}), "g2", "nobody"};
    const auto listing = ModelListing::make(directory, groups, somebody_waits).value();
    for (const auto& name : names) {
      for (const auto rule : {Groups::first, Groups::every}) {
        std::vector<std::string> expected;
        for (const auto& group : groups) {
          if (rule == Groups::first && !expected.empty()) break;
          for (const auto& one : directory->channels_of(group)) {
            bool serves = one->model_map.contains(name);
            for (const auto& entry : one->models) serves |= base::glob_match(entry, name, base::Wildcards::star);
            const bool known = std::find(expected.begin(), expected.end(), one->name) != expected.end();
            if (serves && !known && one->enabled == ledger::Switch::on) expected.push_back(one->name);
          }
        }
        EXPECT_EQ(listing->channels_for(name, rule), expected) << name;
      }
    }
  }
}

TEST(ModelListing, is_given_up_where_nobody_waits) {
  Directory::Impl draft;
  for (int id = 0; id < 200; ++id) draft.put_channel(channel(id, std::vector<std::string>(100, "m"), {"g"}));
  int asked = 0;
  const auto listing = ModelListing::make(snapshot(draft), {"g"}, [&] { return ++asked > 1; });
  ASSERT_FALSE(listing.has_value());
  EXPECT_EQ(listing.error().code, base::ErrorCode::unavailable);
}

TEST(ModelListings, are_kept_until_a_channel_or_a_price_changes) {
  Directory::Impl draft;
  draft.put_channel(channel(1, {"m"}, {"g"}));
  ModelListings kept;
  const auto directory = snapshot(draft);
  const auto first = kept.find(directory, {"g"}, somebody_waits).value();
  EXPECT_EQ(kept.find(directory, {"g"}, somebody_waits).value(), first);
  EXPECT_NE(kept.find(directory, {"other"}, somebody_waits).value(), first);
  draft.put_channel(channel(2, {"m"}, {"g"}));
  const auto after = kept.find(snapshot(draft), {"g"}, somebody_waits).value();
  EXPECT_THAT(after->channels_for("m", Groups::every), ElementsAre("c1", "c2"));
  EXPECT_THAT(first->channels_for("m", Groups::every), ElementsAre("c1"));
}

}  // namespace
}  // namespace cr::server::admin
