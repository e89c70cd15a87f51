// SPDX-License-Identifier: MIT
#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using std::chrono::hours;
using std::chrono::milliseconds;
using testing::HasSubstr;

class StoreKeys : public LedgerFixture {
 protected:
  void SetUp() override {
    open();
    first_.emplace(create_token("ci", dollars(20)));
  }
  auto rotate(milliseconds grace) {
    return write([&](Store& store) { return store.rotate_token("ci", grace, actor_); });
  }
  auto finish(milliseconds quiet_for) {
    return write([&](Store& store) { return store.finish_rotation("ci", quiet_for, actor_); });
  }
  auto undo() {
    return write([&](Store& store) { return store.undo_rotation("ci", actor_); });
  }
  std::optional<Credential> find(const base::Secret& key) {
    return directory().find_key(ledger_->digest(key.reveal()));
  }
  void use(const IssuedKey& issued) {
    ReserveOp op = reservation(issued, dollars(1));
    reserve(op);
    ledger_->settle(settlement(op, dollars(1)));
    ASSERT_TRUE(ledger_->flush());
  }
  std::optional<IssuedKey> first_;
};

TEST_F(StoreKeys, rotation_has_two_keys_of_one_token_until_the_grace_ends) {
  const auto second = rotate(hours(24));
  ASSERT_TRUE(second) << second.error().message;
  for (int start = 0; start < 2; ++start) {
    const auto old_one = find(first_->key);
    const auto new_one = find(second->key);
    ASSERT_TRUE(old_one && new_one);
    EXPECT_EQ(old_one->token, new_one->token);
    EXPECT_FALSE(new_one->key->not_after);
    ASSERT_TRUE(old_one->key->not_after);
    EXPECT_GT(*old_one->key->not_after, base::wall_now() + hours(23));
    const auto row = read([](Reports& reports) { return reports.token("ci"); });
    ASSERT_EQ(row->keys.size(), 2U);
    EXPECT_EQ(row->keys[0].key.id, second->key_id);  // current first
    open();
  }
  const auto third = rotate(hours(1));
  EXPECT_EQ(third.error().code, ErrorCode::conflict);
  EXPECT_THAT(third.error().message, HasSubstr("rotating already"));
}

TEST_F(StoreKeys, without_grace_the_old_keys_stop_now) {
  const auto second = rotate(hours(1));
  const auto third = rotate(milliseconds(0));  // also in the midst of a rotation
  ASSERT_TRUE(third);
  EXPECT_FALSE(find(first_->key));
  EXPECT_FALSE(find(second->key));
  EXPECT_TRUE(find(third->key));
}

TEST_F(StoreKeys, grace_has_bounds) {
  EXPECT_EQ(rotate(milliseconds(-1)).error().code, ErrorCode::invalid);
  EXPECT_EQ(rotate(options_.grace_max + milliseconds(1)).error().code, ErrorCode::invalid);
  EXPECT_TRUE(rotate(options_.grace_max));
}

TEST_F(StoreKeys, a_grace_can_be_extended_and_never_shortened) {
  const auto extend = [&](milliseconds grace) {
    return write([&](Store& store) { return store.extend_rotation("ci", grace, actor_); });
  };
  EXPECT_EQ(extend(hours(1)).error().code, ErrorCode::conflict) << "not rotating";
  ASSERT_TRUE(rotate(hours(24)));
  const auto ends = [&] { return *find(first_->key)->key->not_after; };
  const auto before = ends();
  ASSERT_TRUE(extend(hours(1)));
  EXPECT_EQ(ends(), before);
  ASSERT_TRUE(extend(hours(48)));
  EXPECT_GT(ends(), before + hours(23));
  EXPECT_EQ(extend(options_.grace_max + milliseconds(1)).error().code, ErrorCode::invalid);
  EXPECT_EQ(extend(milliseconds(-1)).error().code, ErrorCode::invalid);
  const auto extended = ends();
  open();
  EXPECT_EQ(ends(), extended);
}

TEST_F(StoreKeys, grace_that_is_over_makes_room_and_goes_at_the_next_start) {
  const auto second = rotate(milliseconds(1));
  ASSERT_TRUE(second);
  const Time end = base::wall_now() + milliseconds(1);
  while (base::wall_now() <= end) {
  }
  EXPECT_EQ(finish({}).error().code, ErrorCode::conflict);  // nothing left to finish
  ASSERT_TRUE(rotate(milliseconds(1)));
  open();
  EXPECT_FALSE(find(first_->key));
}

TEST_F(StoreKeys, finish_waits_for_quiet_unless_forced) {
  const auto second = rotate(hours(24));
  use(*first_);
  const auto refused = finish(hours(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_THAT(refused.error().message, HasSubstr("192.0.2.7"));
  EXPECT_TRUE(find(first_->key));
  use(*second);
  ASSERT_TRUE(finish(milliseconds(0)));
  EXPECT_FALSE(find(first_->key));
  EXPECT_TRUE(find(second->key));
  EXPECT_EQ(finish(milliseconds(0)).error().code, ErrorCode::conflict);
}

TEST_F(StoreKeys, finish_does_when_the_old_key_is_quiet) {
  ASSERT_TRUE(rotate(hours(24)));
  EXPECT_TRUE(finish(hours(1)));
}

TEST_F(StoreKeys, undo_makes_the_old_key_the_only_one) {
  EXPECT_EQ(undo().error().code, ErrorCode::conflict);
  const auto second = rotate(hours(24));
  ASSERT_TRUE(undo());
  EXPECT_FALSE(find(second->key));
  ASSERT_TRUE(find(first_->key));
  EXPECT_FALSE(find(first_->key)->key->not_after);
}

TEST_F(StoreKeys, revoking_the_new_key_brings_the_old_one_back_for_good) {
  const auto second = rotate(hours(24));
  ASSERT_TRUE(write([&](Store& store) { return store.revoke_key("ci", second->key_id, actor_); }));
  EXPECT_FALSE(find(second->key));
  ASSERT_TRUE(find(first_->key));
  EXPECT_FALSE(find(first_->key)->key->not_after);
  const auto again = write([&](Store& store) { return store.revoke_key("ci", second->key_id, actor_); });
  EXPECT_EQ(again.error().code, ErrorCode::not_found);
  ASSERT_TRUE(write([&](Store& store) { return store.revoke_key("ci", first_->key_id, actor_); }));
  EXPECT_FALSE(find(first_->key));
}

TEST_F(StoreKeys, only_retrievable_keys_can_be_shown_again_and_each_time_is_audited) {
  const auto refused = write([&](Store& store) { return store.reveal_key("ci", actor_); });
  EXPECT_EQ(refused.error().code, ErrorCode::not_retrievable);
  NewToken wanted;
  wanted.name = "kept";
  wanted.retrievable = true;
  const auto issued = write([&](Store& store) { return store.create_token(wanted, actor_); });
  open();
  const auto shown = write([&](Store& store) { return store.reveal_key("kept", actor_); });
  ASSERT_TRUE(shown) << shown.error().message;
  EXPECT_EQ(shown->reveal(), issued->key.reveal());
  const auto second = write([&](Store& store) { return store.rotate_token("kept", hours(1), actor_); });
  EXPECT_EQ(write([&](Store& store) { return store.reveal_key("kept", actor_); })->reveal(), second->key.reveal());
  const auto rows = read([](Reports& reports) { return reports.audit(0, 100); });
  EXPECT_EQ(rows->back().action, "token.copy");
  EXPECT_THAT(rows->back().detail, testing::Not(HasSubstr(std::string(second->key.reveal()))));
}

TEST_F(StoreKeys, imported_keys_work_and_belong_to_one_token) {
  NewToken wanted;
  wanted.name = "moved";
  wanted.key = base::Secret(std::string("sk-QWx7ABLkDE92FGtrHIJ0KLMN"));
  const auto issued = write([&](Store& store) { return store.create_token(wanted, actor_); });
  ASSERT_TRUE(issued) << issued.error().message;
  EXPECT_EQ(find(*wanted.key)->token->name, "moved");
  wanted.name = "again";
  const auto twice = write([&](Store& store) { return store.create_token(wanted, actor_); });
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, ErrorCode::conflict);
  EXPECT_THAT(twice.error().message, testing::Not(HasSubstr("QWx7")));
  EXPECT_EQ(directory().find_token("again"), nullptr);
  NewToken own;
  own.name = "own";
  own.key = token::mint_key();
  EXPECT_TRUE(write([&](Store& store) { return store.create_token(own, actor_); }));
}

TEST_F(StoreKeys, other_prefix_is_minted_and_recognised) {
  options_.key_prefix = "acme-";
  open();
  const IssuedKey issued = create_token("acme", {});
  EXPECT_EQ(token::shape_of(issued.key.reveal(), "acme-"), token::KeyShape::ours);
  EXPECT_EQ(ledger_->key_prefix(), "acme-");
}

TEST_F(StoreKeys, unknown_token_is_named_by_every_verb) {
  EXPECT_EQ(write([&](Store& store) { return store.rotate_token("cj", {}, actor_); }).error().message,
            "no token named 'cj'");
  EXPECT_FALSE(write([&](Store& store) { return store.finish_rotation("cj", {}, actor_); }));
  EXPECT_FALSE(write([&](Store& store) { return store.undo_rotation("cj", actor_); }));
  EXPECT_FALSE(write([&](Store& store) { return store.reveal_key("cj", actor_); }));
  EXPECT_FALSE(write([&](Store& store) { return store.revoke_key("cj", {}, actor_); }));
  EXPECT_FALSE(write([&](Store& store) { return store.delete_token("cj", {}, actor_); }));
}

}  // namespace
}  // namespace cr::ledger
