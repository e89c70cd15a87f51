// SPDX-License-Identifier: MIT
#include "ledger/core/directory.h"

#include <algorithm>
#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "ledger/core/directory_builder.h"
#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

std::shared_ptr<const TokenRecord> token_record(std::int64_t id, const std::string& name) {
  auto token = std::make_shared<TokenRecord>();
  token->id = TokenId{id};
  token->name = name;
  return token;
}
std::shared_ptr<const KeyRecord> key_record(std::int64_t id, std::int64_t token) {
  auto key = std::make_shared<KeyRecord>();
  key->id = KeyId{id};
  key->token = TokenId{token};
  key->digest = vault_of().digest("key " + std::to_string(id));
  return key;
}
Directory directory_of(const Directory::Impl& impl) {
  return Directory(std::make_shared<const Directory::Impl>(impl));
}

TEST(DirectoryShards, every_token_and_key_is_found_and_no_other) {
  constexpr std::int64_t k_count = 5000;
  Directory::Impl draft;
  for (std::int64_t id = 1; id <= k_count; ++id) {
    draft.put_token(token_record(id, "token-" + std::to_string(id)));
    draft.put_keys(TokenId{id}, {key_record(id, id)});
  }
  const Directory directory = directory_of(draft);
  for (std::int64_t id = 1; id <= k_count; ++id) {
    ASSERT_EQ(directory.find_token("token-" + std::to_string(id))->id.value, id);
    ASSERT_EQ(directory.find_token(TokenId{id})->id.value, id);
    ASSERT_EQ(directory.find_key(key_record(id, id)->digest)->token->id.value, id);
  }
  EXPECT_EQ(directory.find_token("token-0"), nullptr);
  EXPECT_EQ(directory.find_token(TokenId{k_count + 1}), nullptr);
  EXPECT_FALSE(directory.find_key(key_record(k_count + 1, 1)->digest));
  EXPECT_EQ(draft.token_names().size(), std::size_t{k_count});
}

// Ids with gaps of all kinds: what is there is found, and nothing else.
TEST(DirectoryShards, ids_are_found_however_they_are_spread) {
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    Directory::Impl draft;
    std::set<std::int64_t> there;
    const auto spread = std::int64_t{1} << (random() % 30);
    const auto count = random() % 40;
    for (std::size_t i = 0; i < count; ++i) {
      // All in one shard.
      there.insert(1024 *
                   static_cast<std::int64_t>(random() % 5 == 0 ? random() : random() % static_cast<unsigned>(spread)));
    }
    for (const auto id : there) draft.load_token(token_record(id, "token-" + std::to_string(id)));
    draft.sort_loaded();
    for (const auto id : there) {
      for (const auto near : {id - 1024, id, id + 1024, std::int64_t{0}, std::int64_t{1} << 50}) {
        ASSERT_EQ(draft.find_entry(TokenId{near}) != nullptr, there.contains(near)) << near;
      }
      ASSERT_EQ(draft.find_entry(TokenId{id})->token->id.value, id);
    }
  }
}

TEST(DirectoryShards, loaded_at_once_is_as_put_one_by_one) {
  std::mt19937 random(7);
  Directory::Impl put, loaded;
  std::vector<std::shared_ptr<const KeyRecord>> given;  // keys of different tokens mixed, those of one in order
  for (std::int64_t id = 1; id <= 3000; ++id) {
    const auto token = token_record(id, "token-" + std::to_string(random()) + "-" + std::to_string(id));
    std::vector<std::shared_ptr<const KeyRecord>> keys;
    for (std::int64_t key = 0; key < static_cast<std::int64_t>(random() % 3); ++key)
      keys.push_back(key_record(10 * id + key, id));
    put.put_token(token);
    put.put_keys(TokenId{id}, keys);
    loaded.load_token(token);
    given.insert(given.end(), keys.begin(), keys.end());
  }
  given.push_back(key_record(7, 5000));  // of no token
  std::stable_sort(given.begin(), given.end(),
                   [](const auto& a, const auto& b) { return a->token.value % 7 < b->token.value % 7; });
  for (const auto& key : given) loaded.load_key(key);
  loaded.sort_loaded();
  EXPECT_EQ(loaded.token_names(), put.token_names());
  for (std::int64_t id = 1; id <= 3000; ++id) {
    const auto* one = loaded.find_entry(TokenId{id});
    const auto* other = put.find_entry(TokenId{id});
    ASSERT_NE(one, nullptr);
    EXPECT_EQ(one->token, other->token);
    EXPECT_EQ(one->keys, other->keys);
    EXPECT_EQ(loaded.find_token(one->token->name), one->token);
    for (const auto& key : one->keys) {
      const auto found = directory_of(loaded).find_key(key->digest);
      ASSERT_TRUE(found);
      EXPECT_EQ(found->key, key);
      EXPECT_EQ(found->token, one->token);
    }
  }
}

TEST(DirectoryShards, published_version_is_never_altered) {
  Directory::Impl draft;
  draft.put_token(token_record(1, "old"));
  draft.put_keys(TokenId{1}, {key_record(1, 1)});
  const Directory before = directory_of(draft);
  draft.put_token(token_record(1, "new"));
  draft.put_keys(TokenId{1}, {key_record(2, 1), key_record(3, 1)});
  draft.put_token(token_record(2, "two"));
  const Directory between = directory_of(draft);
  draft.erase_token(TokenId{1});
  const Directory after = directory_of(draft);

  EXPECT_NE(before.find_token("old"), nullptr);
  EXPECT_EQ(before.find_token("new"), nullptr);
  EXPECT_TRUE(before.find_key(key_record(1, 1)->digest));
  EXPECT_EQ(between.find_token("old"), nullptr);
  EXPECT_EQ(between.find_key(key_record(2, 1)->digest)->token->name, "new");
  EXPECT_FALSE(between.find_key(key_record(1, 1)->digest));
  EXPECT_EQ(after.find_token("new"), nullptr);
  EXPECT_FALSE(after.find_key(key_record(3, 1)->digest));
  EXPECT_NE(after.find_token("two"), nullptr);
}

TEST(DirectoryShards, edit_shares_what_it_does_not_touch) {
  Directory::Impl draft;
  for (std::int64_t id = 1; id <= 3000; ++id) draft.put_token(token_record(id, "token-" + std::to_string(id)));
  const Directory::Impl before = draft;
  EXPECT_TRUE(before == draft);
  draft.put_token(token_record(7, "token-7"));
  EXPECT_FALSE(before == draft);
  std::size_t copied = 0;
  for (std::size_t shard = 0; shard < Directory::Impl::k_shards; ++shard) {
    if ((*before.tokens)[shard] != (*draft.tokens)[shard]) ++copied;
  }
  EXPECT_EQ(copied, 1U);
  EXPECT_EQ(before.prices, draft.prices);
}

std::shared_ptr<const ChannelRecord> channel_record(std::int64_t id, const std::vector<std::string>& groups,
                                                    const std::vector<std::string>& models, std::int64_t priority = 0) {
  auto channel = std::make_shared<ChannelRecord>();
  channel->id = ChannelId{id};
  channel->name = "channel-" + std::to_string(id);
  channel->groups = groups;
  channel->models = models;
  channel->model_set = token::ModelSet::parse(models).value();
  channel->priority = priority;
  return channel;
}

std::vector<std::string> names_of(const std::vector<std::shared_ptr<const ChannelRecord>>& channels) {
  std::vector<std::string> names;
  for (const auto& channel : channels) names.push_back(channel->name);
  return names;
}

TEST(DirectoryChannels, groups_keep_their_order_through_every_edit) {
  Directory::Impl draft;
  draft.put_channel(channel_record(2, {"a", "b"}, {"m"}, 1));
  draft.put_channel(channel_record(1, {"a"}, {"m"}, 1));
  draft.put_channel(channel_record(3, {"a", "a"}, {"m"}, 5));
  const Directory first = directory_of(draft);
  EXPECT_THAT(names_of(first.channels_of("a")), testing::ElementsAre("channel-3", "channel-1", "channel-2"));
  EXPECT_THAT(names_of(first.channels()), testing::ElementsAre("channel-1", "channel-2", "channel-3"));
  draft.put_channel(channel_record(3, {"b"}, {"m"}, 0));
  draft.put_channel(channel_record(1, {"a"}, {"m"}, 0));
  const Directory second = directory_of(draft);
  EXPECT_THAT(names_of(second.channels_of("a")), testing::ElementsAre("channel-2", "channel-1"));
  EXPECT_THAT(names_of(second.channels_of("b")), testing::ElementsAre("channel-2", "channel-3"));
  EXPECT_THAT(names_of(first.channels_of("a")), testing::ElementsAre("channel-3", "channel-1", "channel-2"));
  draft.erase_channel(ChannelId{2});
  const Directory third = directory_of(draft);
  EXPECT_THAT(names_of(third.channels_of("a")), testing::ElementsAre("channel-1"));
  EXPECT_EQ(third.find_channel("channel-2"), nullptr);
  EXPECT_EQ(third.find_channel(ChannelId{2}), nullptr);
  EXPECT_EQ(third.find_channel("channel-3")->id.value, 3);
  EXPECT_EQ(third.find_channel(ChannelId{3})->name, "channel-3");
  EXPECT_TRUE(third.serving({"a", "b"}, "m").size() == 2 && third.serving({"c"}, "m").empty());
}

TEST(DirectoryChannels, edit_costs_its_own_groups_and_models) {
  Directory::Impl draft;
  for (std::int64_t id = 1; id <= 500; ++id) {
    const auto number = std::to_string(id);
    draft.put_channel(channel_record(id, {"group-" + std::to_string(id % 100)}, {"m-" + number, "m-" + number + "-*"}));
  }
  const Directory::Impl before = draft;
  EXPECT_TRUE(before == draft);
  draft.put_channel(channel_record(7, {"group-7"}, {"m-7", "m-7-*", "other"}));
  EXPECT_FALSE(before == draft);
  std::size_t groups = 0;
  for (std::size_t shard = 0; shard < Directory::Impl::k_few_shards; ++shard) {
    if (!(*draft.members)[shard]) continue;
    for (const auto& members : *(*draft.members)[shard]) {
      groups += before.find_members(members.group) == members.channels.get() ? 0 : 1;
    }
  }
  EXPECT_EQ(groups, 1U);
  EXPECT_EQ(draft.models.parts_not_shared_with(before.models), 3U);
  EXPECT_EQ(names_of(*before.find_members("group-7")), names_of(*draft.find_members("group-7")));
}

// By trying every pattern of every channel, as the index must not.
std::vector<std::pair<std::size_t, std::string>> tried(const Directory& directory,
                                                       const std::vector<std::string>& groups,
                                                       const std::string& model) {
  std::vector<std::pair<std::size_t, std::string>> found;
  for (std::size_t group = 0; group < groups.size(); ++group) {
    for (const auto& channel : directory.channels_of(groups[group])) {
      const bool serves =
          (!channel->models.empty() && channel->model_set.allows(model)) || channel->model_map.contains(model);
      if (serves) found.emplace_back(group, channel->name);
    }
  }
  return found;
}

TEST(DirectoryChannels, index_finds_what_trying_every_pattern_would) {
  std::mt19937 random(20'261'129);
  const auto one_of = [&](const auto& list) { return list[random() % std::size(list)]; };
  const std::string words[] = {"m", "m-1", "m-*", "*-1", "*", "m*1", "*m*", "a-m-1", "*-*", "a*", "**", "m-1-x"};
  const std::string aliases[] = {"m", "fast", "*", "m-1"};
  const std::string asked[] = {"m", "m-1", "fast", "a-m-1", "m-1-x", "x", "*", "", "a", "m-"};
  const std::string groups[] = {"a", "b", "c"};
  for (int round = 0; round < 200; ++round) {
    Directory::Impl draft;
    for (int edit = 0; edit < 12; ++edit) {
      const auto id = static_cast<std::int64_t>(1 + random() % 6);
      auto channel = std::make_shared<ChannelRecord>(*channel_record(id, {one_of(groups), one_of(groups)},
                                                                     {one_of(words), one_of(words)},
                                                                     static_cast<std::int64_t>(random() % 2)));
      if (random() % 3 == 0) channel->model_map[one_of(aliases)] = "m";
      if (random() % 5 == 0) {
        draft.erase_channel(channel->id);
      } else {
        draft.put_channel(channel);
      }
    }
    const Directory directory = directory_of(draft);
    std::vector<std::string> wanted{one_of(groups), one_of(groups)};
    // Many groups, few channels: looked up the other way round.
    for (int i = 0; round % 2 == 0 && i < 40; ++i) wanted.push_back("none-" + std::to_string(i));
    if (wanted[0] == wanted[1]) wanted.erase(wanted.begin());
    for (const auto& model : asked) {
      std::vector<std::pair<std::size_t, std::string>> found;
      for (const auto& one : directory.serving(wanted, model)) found.emplace_back(one.group, one.channel->name);
      EXPECT_EQ(found, tried(directory, wanted, model)) << model;
    }
  }
}

TEST(DirectoryFeed, reader_sees_what_was_published_and_keeps_what_it_holds) {
  Directory::Impl draft;
  DirectoryFeed feed(std::make_shared<const Directory>(std::make_shared<const Directory::Impl>(draft)));
  DirectoryReader reader(feed);
  const DirectorySnapshot first = reader.current();
  EXPECT_EQ(reader.current(), first);
  draft.put_token(token_record(1, "ci"));
  feed.publish(std::make_shared<const Directory>(std::make_shared<const Directory::Impl>(draft)));
  EXPECT_NE(reader.current()->find_token("ci"), nullptr);
  EXPECT_EQ(first->find_token("ci"), nullptr);
}

class DirectoryOfLedger : public LedgerFixture {};

TEST_F(DirectoryOfLedger, edit_is_visible_to_every_reader_when_write_returns) {
  open();
  create_token("ci", dollars(1));
  std::atomic<int> published{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      DirectoryReader reader(ledger_->directory());
      while (!stop) {
        const int expected = published.load();
        const auto token = reader.current()->find_token("ci");
        ASSERT_NE(token, nullptr);
        ASSERT_GE(token->settings->note.empty() ? 0 : std::stoi(token->settings->note), expected);
      }
    });
  }
  for (int edit = 1; edit <= 50; ++edit) {
    TokenPatch patch;
    patch.note = std::to_string(edit);
    EXPECT_TRUE(write([&](Store& store) { return store.edit_token("ci", patch, {}, actor_); }));
    published.store(edit);
  }
  stop = true;
  for (auto& reader : readers) reader.join();
}

}  // namespace
}  // namespace cr::ledger
