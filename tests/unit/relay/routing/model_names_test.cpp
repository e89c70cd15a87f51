// SPDX-License-Identifier: MIT
#include "relay/routing/model_names.h"

#include <gmock/gmock.h>

#include <limits>
#include <random>

#include "base/text.h"
#include "ledger/core/directory_builder.h"
#include "relay/routing/router.h"

namespace cr::relay::routing {
namespace {

using ledger::Directory;
using ledger::DirectorySnapshot;
using testing::ElementsAre;

constexpr std::size_t k_all = std::numeric_limits<std::size_t>::max();

std::shared_ptr<const ledger::ChannelRecord> channel(int id, std::vector<std::string> models,
                                                     std::vector<std::string> groups = {"default"}) {
  auto record = std::make_shared<ledger::ChannelRecord>();
  record->id = ledger::ChannelId{id};
  record->name = "c" + std::to_string(id);
  record->model_set = token::ModelSet::parse(models).value();
  record->models = std::move(models);
  record->groups = std::move(groups);
  return record;
}

void put_price(Directory::Impl& draft, const std::string& model) {
  auto price = std::make_shared<ledger::PriceRecord>();
  price->model = model;
  draft.put_price(std::move(price));
}

DirectorySnapshot snapshot(const Directory::Impl& draft) {
  return DirectorySnapshot(std::make_shared<const Directory>(std::make_shared<const Directory::Impl>(draft)));
}

std::vector<std::string> names_of(const DirectorySnapshot& directory, const std::vector<std::string>& groups,
                                  std::size_t steps = k_all) {
  ModelNames all(directory, groups);
  while (!all.build(steps)) continue;
  return {all.names().begin(), all.names().end()};
}

TEST(ModelNames, are_names_aliases_and_what_patterns_fit_of_the_price_list) {
  Directory::Impl draft;
  for (const auto* model : {"gpt-4o", "gpt-5", "o3", "what?"}) put_price(draft, model);
  draft.put_channel(channel(1, {"gpt-*", "mine"}));
  draft.put_channel(channel(2, {"what?", "gpt-4o"}));
  draft.put_channel(channel(3, {"o*"}, {"other"}));
  auto off = std::make_shared<ledger::ChannelRecord>(*channel(4, {"dark", "*"}));
  off->enabled = ledger::Switch::off;
  draft.put_channel(off);
  auto aliased = std::make_shared<ledger::ChannelRecord>(*channel(5, {}));
  aliased->model_map = {{"fast", "gpt-5-mini"}};
  draft.put_channel(aliased);
  const auto directory = snapshot(draft);
  EXPECT_THAT(names_of(directory, {"default"}), ElementsAre("fast", "gpt-4o", "gpt-5", "mine", "what?"));
  EXPECT_THAT(names_of(directory, {"other"}), ElementsAre("o3"));
  EXPECT_THAT(names_of(directory, {"nobody", "other", "default", "other"}),
              ElementsAre("fast", "gpt-4o", "gpt-5", "mine", "o3", "what?"));
  EXPECT_THAT(names_of(directory, {}), ElementsAre());
}

TEST(ModelNames, tell_what_an_alias_stands_for_on_each_channel) {
  Directory::Impl draft;
  for (int id = 1; id <= 3; ++id) {
    auto aliased = std::make_shared<ledger::ChannelRecord>(*channel(id, {"plain"}));
    aliased->model_map = {{"fast", id == 3 ? "gpt-5-mini" : "gpt-4o-mini"}};
    if (id == 2) aliased->enabled = ledger::Switch::off;
    draft.put_channel(aliased);
  }
  ModelNames all(snapshot(draft), {"default"});
  while (!all.build(1)) continue;
  EXPECT_THAT(all.targets_of("fast"), ElementsAre("gpt-4o-mini", "gpt-5-mini"));
  EXPECT_THAT(all.targets_of("plain"), ElementsAre());
  EXPECT_THAT(all.targets_of("nothing"), ElementsAre());
}

// However small the steps, and whatever the channels: the same as trying each name with each pattern.
TEST(ModelNames, are_the_same_as_by_trying_everything) {
  std::mt19937 random(20'261'129);
  const auto one_of = [&](const std::vector<std::string>& words) { return words[random() % words.size()]; };
  const std::vector<std::string> words{"a", "ab", "abc", "b", "ba", "a*", "*", "*b*", "ab*c", "c-1", "c-2", "c-*"};
  const std::vector<std::string> groups{"g1", "g2", "g3"};
  for (int round = 0; round < 200; ++round) {
    Directory::Impl draft;
    std::vector<std::string> priced;
    for (const auto* model : {"ab", "abc", "abbc", "c-1", "c-9", "zz"}) {
      if (random() % 2 == 0) continue;
      priced.emplace_back(model);
      put_price(draft, model);
    }
    for (int id = 1; id <= 8; ++id) {
      std::vector<std::string> models;
      while (random() % 4 != 0) models.push_back(one_of(words));
      auto record = std::make_shared<ledger::ChannelRecord>(*channel(id, models, {one_of(groups), one_of(groups)}));
      if (random() % 3 == 0) record->model_map["alias-" + std::to_string(random() % 3)] = "x";
      if (random() % 5 == 0) record->enabled = ledger::Switch::off;
      draft.put_channel(record);
    }
    const auto directory = snapshot(draft);
    ledger::TokenRecord token;
    token.settings.edit().groups = {one_of(groups), one_of(groups)};
    if (random() % 2 == 0) token.settings.edit().models = {one_of(words), one_of(words)};
    token.settings.edit().model_set = token::ModelSet::parse(token.settings->models).value();
    std::set<std::string> expected;
    const auto add = [&](const std::string& name) {
      if (token.settings->model_set.allows(name)) expected.insert(name);
    };
    for (const auto& group : token.settings->groups) {
      for (const auto& one : directory->channels_of(group)) {
        if (one->enabled == ledger::Switch::off) continue;
        for (const auto& [alias, model] : one->model_map) add(alias);
        for (const auto& entry : one->models) {
          if (!is_model_pattern(entry)) add(entry);
          for (const auto& name : priced) {
            if (is_model_pattern(entry) && base::glob_match(entry, name, base::Wildcards::star)) add(name);
          }
        }
      }
    }
    const auto found = reachable_models(directory, token);
    EXPECT_EQ(std::set<std::string>(found.begin(), found.end()), expected);
    EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
    EXPECT_EQ(names_of(directory, token.settings->groups, 1 + random() % 3),
              names_of(directory, token.settings->groups));
    const ModelFilter filter(token.settings->model_set);
    for (const auto& word : words) EXPECT_EQ(filter.allows(word), token.settings->model_set.allows(word)) << word;
  }
}

TEST(ModelLists, are_kept_until_a_channel_or_a_price_is_edited) {
  Directory::Impl draft;
  put_price(draft, "m-1");
  draft.put_channel(channel(1, {"m-*"}));
  ModelLists lists;
  auto first = lists.find(snapshot(draft), {"default"});
  EXPECT_FALSE(first->build(1)) << "in steps";
  EXPECT_EQ(lists.find(snapshot(draft), {"default"}), first) << "whoever comes meanwhile builds on";
  EXPECT_NE(lists.find(snapshot(draft), {"other"}), first);
  auto token = std::make_shared<ledger::TokenRecord>();
  token->id = ledger::TokenId{1};
  token->name = "ci";
  draft.put_token(token);
  EXPECT_EQ(lists.find(snapshot(draft), {"default"}), first);
  put_price(draft, "m-2");
  const auto second = lists.find(snapshot(draft), {"default"});
  EXPECT_NE(second, first);
  draft.put_channel(channel(2, {"n"}));
  const auto third = lists.find(snapshot(draft), {"default"});
  EXPECT_NE(third, second);
  EXPECT_TRUE(third->build(k_all));
  EXPECT_THAT(third->names(), ElementsAre("m-1", "m-2", "n"));
  EXPECT_TRUE(first->build(k_all)) << "with what it began with";
  EXPECT_THAT(first->names(), ElementsAre("m-1"));
  for (int i = 0; i < 1000; ++i) (void)lists.find(snapshot(draft), {"g" + std::to_string(i)});
}

}  // namespace
}  // namespace cr::relay::routing
