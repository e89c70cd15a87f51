// SPDX-License-Identifier: MIT
#include "ledger/sqlite/stored_responses.h"

#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

using std::chrono::hours;

class StoredResponsesTest : public LedgerFixture {
 protected:
  void SetUp() override {
    open();
    mine_ = create_token("mine", dollars(9));
    other_ = create_token("other", std::nullopt);
  }
  void make(const IssuedKey& token, const std::string& id, std::int64_t channel, hours ago = hours(0)) {
    auto op = reservation(token, dollars(1));
    op.facts.started_at -= ago;
    reserve(op);
    auto ended = settlement(op, dollars(1));
    ended.stored = {id, base::ChannelId{channel}, "sk-p...Q2xL", "gpt-4o-mini", 1000 + channel};
    ledger_->settle(std::move(ended));
  }
  StoredResponseQuery find(const IssuedKey& token, const std::string& id) {
    QueryOp op{StoredResponseQuery{token.token->id}};
    std::get<StoredResponseQuery>(op.query).response.id = id;
    ledger_->query(op);
    waiters_.wait(&op);
    EXPECT_TRUE(op.readable);
    return std::get<StoredResponseQuery>(op.query);
  }

  IssuedKey mine_, other_;
};

TEST_F(StoredResponsesTest, is_found_as_soon_as_its_settlement_is_on_its_way_by_its_token_alone) {
  make(mine_, "resp_1", 7);
  const auto found = find(mine_, "resp_1");
  ASSERT_TRUE(found.found);
  EXPECT_EQ(found.response.channel, base::ChannelId{7});
  EXPECT_EQ(found.response.key_hint, "sk-p...Q2xL");
  EXPECT_EQ(found.response.model, "gpt-4o-mini");
  EXPECT_EQ(found.response.tokens, 1007);
  EXPECT_FALSE(find(other_, "resp_1").found);
  EXPECT_FALSE(find(mine_, "resp_2").found);
  EXPECT_FALSE(find(mine_, "RESP_1").found);
}

TEST_F(StoredResponsesTest, two_tokens_may_have_the_same_id_and_the_newer_of_one_token_counts) {
  make(mine_, "resp_1", 7);
  make(other_, "resp_1", 8);
  EXPECT_EQ(find(mine_, "resp_1").response.channel, base::ChannelId{7});
  EXPECT_EQ(find(other_, "resp_1").response.channel, base::ChannelId{8});
  make(mine_, "resp_1", 9);
  EXPECT_EQ(find(mine_, "resp_1").response.channel, base::ChannelId{9});
  EXPECT_EQ(find(mine_, "resp_1").response.tokens, 1009);
}

TEST_F(StoredResponsesTest, is_there_after_a_crash_and_a_lookup_leaves_the_balances_alone) {
  make(mine_, "resp_1", 7);
  ASSERT_TRUE(find(mine_, "resp_1").found);
  crash();
  EXPECT_TRUE(find(mine_, "resp_1").found);
  EXPECT_EQ(balance(mine_.token->id).token_balance.posted, dollars(1));
  expect_sound();
}

TEST_F(StoredResponsesTest, a_settlement_told_twice_changes_nothing_of_where_it_is) {
  auto op = reservation(mine_, dollars(1));
  reserve(op);
  for (const std::int64_t channel : {7, 8}) {
    auto ended = settlement(op, dollars(1));
    ended.stored = {"resp_1", base::ChannelId{channel}, "", "m", 0};
    ledger_->settle(std::move(ended));
  }
  EXPECT_EQ(find(mine_, "resp_1").response.channel, base::ChannelId{7});
}

TEST_F(StoredResponsesTest, is_forgotten_after_thirty_days_a_few_at_a_time) {
  ledger_.reset();
  auto db = database();
  StoredResponses responses(db);
  const auto now = base::wall_now();
  const auto keep = [&](const std::string& id, hours ago) {
    Settlement ended;
    ended.facts.token = mine_.token->id;
    ended.facts.started_at = now - ago;
    ended.stored = {id, base::ChannelId{7}, "", "m", 0};
    ASSERT_TRUE(responses.keep(ended));
  };
  for (int i = 0; i < 5; ++i) keep("old_" + std::to_string(i), hours(24 * 30 + 1 + i));
  keep("young", hours(24 * 30 - 1));
  EXPECT_EQ(*responses.prune(now - hours(24 * 30), 3), 3);
  EXPECT_EQ(*db.query_int("SELECT count(*) FROM response WHERE id IN ('old_0', 'old_1')"), 2) << "the oldest go first";
  EXPECT_EQ(*responses.prune(now - hours(24 * 30), 3), 2);
  EXPECT_EQ(*responses.prune(now - hours(24 * 30), 3), 0);
  EXPECT_EQ(*db.query_int("SELECT count(*) FROM response WHERE id = 'young'"), 1);
}

// Whatever is said of how long requests are kept.
TEST_F(StoredResponsesTest, the_running_ledger_prunes_them_where_requests_are_kept_for_good) {
  options_.retention = std::chrono::milliseconds(0);
  open();
  make(mine_, "old", 7, hours(24 * 31));
  make(mine_, "young", 7);
  ASSERT_TRUE(find(mine_, "young").found);
  ledger_->keep_requests(std::chrono::milliseconds(0));  // looks again with the next commit
  for (int i = 0; i < 3; ++i) {
    auto op = reservation(mine_, dollars(1));
    reserve(op);
    ledger_->settle(settlement(op, Credits()));
    ASSERT_TRUE(ledger_->flush());
  }
  ledger_.reset();
  auto db = database();
  EXPECT_EQ(*db.query_int("SELECT count(*) FROM response WHERE id = 'old'"), 0);
  EXPECT_EQ(*db.query_int("SELECT count(*) FROM response WHERE id = 'young'"), 1);
  EXPECT_EQ(*db.query_int("SELECT count(*) FROM request"), 5);
}

}  // namespace
}  // namespace cr::ledger
