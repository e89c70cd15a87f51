// SPDX-License-Identifier: MIT
// What a start finds of a store that its head saw, and how the head keeps up with the store.
#include "ledger/sqlite/store_head.h"

#include <thread>

#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using testing::HasSubstr;

class StoreHead : public LedgerFixture {
 protected:
  void SetUp() override {
    options_.price_list = k_few_prices;
    options_.head = (folder_ / "far" / "head").string();
    open();
    create_token("kept", dollars(10));
    ledger_.reset();
    fs::copy_file(options_.path, copy());
    open();
    create_token("late", dollars(10));
  }
  std::string copy() const { return (folder_ / "copy").string(); }
  Head head() const {
    auto loaded = load_head(options_.head, vault_of());
    EXPECT_TRUE(loaded && *loaded);
    return loaded && *loaded ? **loaded : Head();
  }
  void change(const std::string& sql) {
    auto db = database();
    const auto done = db.execute(sql.c_str());
    ASSERT_TRUE(done) << done.error().message;
  }
  // That a start is refused with these words, and once accepted leaves a store that starts again.
  void expect_refused(const std::string& words) {
    for (int i = 0; i < 2; ++i) {
      const auto refused = try_open(options_.path);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, ErrorCode::corrupt);
      EXPECT_THAT(refused.error().message, HasSubstr(words));
      EXPECT_THAT(refused.error().message, HasSubstr(options_.head));
      EXPECT_THAT(refused.error().hint, HasSubstr("--accept-loss"));
    }
    options_.accept_loss = true;
    open();
    const auto entries = read([](Reports& reports) { return reports.newest_audit(1); });
    ASSERT_TRUE(entries);
    ASSERT_EQ(entries->size(), 1U);
    EXPECT_EQ(entries->front().action, "store.loss_accepted");
    EXPECT_THAT(entries->front().detail, HasSubstr(words));
    expect_sound();
    options_.accept_loss = false;
    open();
    expect_sound();
  }
};

TEST_F(StoreHead, a_whole_store_starts_however_it_ended) {
  for (int i = 0; i < 3; ++i) {
    open();
    create_token("t" + std::to_string(i), dollars(1));
    crash();
    expect_sound();
  }
}

TEST_F(StoreHead, a_store_from_before_there_were_heads_gets_one) {
  ledger_.reset();
  fs::remove(options_.head);
  change("DELETE FROM meta WHERE key IN ('head_seq', 'store_id')");
  open();
  EXPECT_EQ(head().seq, 1);
}

TEST_F(StoreHead, an_older_copy_in_its_place_is_behind) {
  ledger_.reset();
  fs::copy_file(copy(), options_.path, fs::copy_options::overwrite_existing);
  expect_refused("missing: 1 token, 1 entry of the audit");
  EXPECT_EQ(directory().find_token("late"), nullptr);
}

TEST_F(StoreHead, a_store_that_is_gone_is_not_made_anew) {
  ledger_.reset();
  fs::remove(options_.path);
  expect_refused("is missing, but its head");
}

TEST_F(StoreHead, another_store_in_its_place_is_told) {
  ledger_.reset();
  const std::string kept = options_.head;
  options_.head = (folder_ / "far" / "other").string();
  fs::remove(options_.path);
  open();
  ledger_.reset();
  options_.head = kept;
  expect_refused("is of another store");
}

TEST_F(StoreHead, a_head_that_is_gone_or_of_another_key_is_told) {
  ledger_.reset();
  fs::remove(options_.head);
  expect_refused("is missing: whether the store");
  ledger_.reset();
  ASSERT_TRUE(save_head(options_.head, head(), vault_of('b')));
}

TEST_F(StoreHead, a_head_of_another_master_key_is_told) {
  ledger_.reset();
  ASSERT_TRUE(save_head(options_.head, head(), vault_of('b')));
  expect_refused("was written with another master key");
}

TEST_F(StoreHead, entries_cut_off_the_audit_with_its_count_are_missed_at_the_start) {
  ledger_.reset();
  change(
      "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit);"
      "UPDATE meta SET value = (SELECT max(seq) FROM audit) WHERE key = 'audit_seq'");
  expect_refused("of the audit was taken out or changed");
}

TEST_F(StoreHead, entries_cut_off_the_audit_with_its_count_are_missed_by_verify) {
  for (const char* cut : {"seq = (SELECT max(seq) FROM audit)", "seq > 0"}) {
    change("DELETE FROM audit WHERE " + std::string(cut) +
           "; UPDATE meta SET value = (SELECT coalesce(max(seq), 0) FROM audit) WHERE key = 'audit_seq'");
    const auto verified = read([](Reports& reports) { return reports.verify(); });
    ASSERT_FALSE(verified);
    EXPECT_THAT(verified.error().message, HasSubstr("the store's head saw"));
  }
}

TEST_F(StoreHead, without_one_entries_cut_off_the_audit_are_not_hidden_by_later_ones) {
  options_.head.clear();
  open();
  change("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)");
  create_token("later", dollars(1));
  const auto verified = read([](Reports& reports) { return reports.verify(); });
  ASSERT_FALSE(verified);
  EXPECT_THAT(verified.error().message, HasSubstr("it, or one before it, was changed or taken out"));
}

TEST_F(StoreHead, none_is_kept_where_none_is_named_and_one_may_be_named_later) {
  const std::string kept = options_.head;
  options_.head.clear();
  open();
  create_token("unseen", dollars(1));
  EXPECT_EQ(ledger_->head().path, "");
  options_.head = (folder_ / "far" / "another").string();
  open();
  EXPECT_EQ(ledger_->head().path, options_.head);
}

TEST_F(StoreHead, follows_each_change_of_settings_and_what_came_last) {
  while (head().tokens != 2) std::this_thread::yield();  // the second was made a moment ago
  const Head before = head();
  create_token("next", dollars(1));
  while (head().seq == before.seq) std::this_thread::yield();
  EXPECT_EQ(head().tokens, 3);
  const IssuedKey token = create_token("last", dollars(1));
  ReserveOp op = reservation(token, Credits::from_nano(5));
  reserve(op);
  ledger_->close();
  const Head last = head();
  ledger_.reset();
  open();
  EXPECT_EQ(head().seq, last.seq + 1) << "the store ended with what the head tells";
}

TEST_F(StoreHead, is_written_again_once_it_can_be) {
  fs::rename(folder_ / "far", folder_ / "away");
  create_token("meanwhile", dollars(1));
  while (ledger_->head().trouble.empty()) std::this_thread::yield();
  EXPECT_TRUE(ledger_->admits(std::chrono::minutes(1))) << "nobody waits for it";
  fs::rename(folder_ / "away", folder_ / "far");
  while (!ledger_->head().trouble.empty()) std::this_thread::yield();
  ledger_.reset();
  open();
}

}  // namespace
}  // namespace cr::ledger
