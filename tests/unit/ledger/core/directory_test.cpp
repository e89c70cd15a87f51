// SPDX-License-Identifier: MIT
#include "ledger/core/directory.h"

#include <atomic>
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
        ASSERT_GE(token->note.empty() ? 0 : std::stoi(token->note), expected);
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
