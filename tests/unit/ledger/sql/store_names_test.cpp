// SPDX-License-Identifier: MIT
#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using testing::HasSubstr;

class StoreNames : public LedgerFixture {
 protected:
  void SetUp() override { open(); }
  auto create_group(const std::string& name, std::int64_t multiplier = 1'000'000) {
    GroupRecord wanted;
    wanted.name = name;
    wanted.multiplier_millionths = multiplier;
    return write([&](Store& store) { return store.create_group(wanted, actor_); });
  }
  auto set_price(const PriceRecord& price) {
    return write([&](Store& store) { return store.set_price(price, actor_); });
  }
  std::shared_ptr<const PriceRecord> find_price(std::string_view model, Time now = base::wall_now()) {
    return directory().find_price(model, now);
  }
};

PriceRecord price_of(const std::string& model, std::int64_t input) {
  PriceRecord price;
  price.model = model;
  price.input = price.cached_input = price.cache_write = base::Rate{input};
  price.output = {2 * input};
  return price;
}

TEST_F(StoreNames, fresh_store_has_its_defaults) {
  const auto directory = ledger_->directory().get();
  ASSERT_NE(directory->find_group("default"), nullptr);
  EXPECT_EQ(directory->find_group("default")->multiplier_millionths, 1'000'000);
  const auto accounts = read([](Reports& reports) { return reports.accounts(); });
  ASSERT_EQ(accounts->size(), 1U);
  EXPECT_EQ(accounts->front().account.name, "default");
  EXPECT_FALSE(accounts->front().account.quota);
  EXPECT_GT(directory->priced_models().size(), 50U);
  EXPECT_TRUE(directory->channels().empty());
}

TEST_F(StoreNames, accounts_are_created_edited_and_deleted) {
  const AccountId id = create_account("team", dollars(100));
  EXPECT_EQ(directory().find_account(id)->quota, dollars(100));
  AccountPatch credit;
  credit.quota = QuotaChange{QuotaChange::Kind::delta, dollars(25)};
  credit.note = "paid";
  ASSERT_TRUE(write([&](Store& store) { return store.edit_account("team", credit, 1, actor_); }));
  EXPECT_EQ(write([&](Store& store) { return store.edit_account("team", credit, 1, actor_); }).error().code,
            ErrorCode::conflict);
  EXPECT_EQ(directory().find_account(id)->quota, dollars(125));
  EXPECT_EQ(directory().find_account(id)->rev, 2);
  open();
  EXPECT_EQ(directory().find_account(id)->note, "paid");
  const IssuedKey token = create_token("ci", {}, "team");
  EXPECT_EQ(balance(token.token->id).account_balance.quota, dollars(125));
  const auto used = write([&](Store& store) { return store.delete_account("team", {}, actor_); });
  EXPECT_EQ(used.error().code, ErrorCode::conflict);
  EXPECT_THAT(used.error().message, HasSubstr("'ci'"));
  ASSERT_TRUE(write([&](Store& store) { return store.delete_token("ci", {}, actor_); }));
  ASSERT_TRUE(write([&](Store& store) { return store.delete_account("team", {}, actor_); }));
  EXPECT_EQ(directory().find_account(id), nullptr);
  create_account("team", {});  // the name is free again
  expect_sound();
}

TEST_F(StoreNames, bad_accounts_are_refused) {
  AccountRecord wanted;
  const auto create = [&] { return write([&](Store& store) { return store.create_account(wanted, actor_); }); };
  EXPECT_EQ(create().error().code, ErrorCode::invalid);
  wanted.name = "DEFAULT";
  EXPECT_EQ(create().error().code, ErrorCode::conflict);
  wanted.name = "x";
  wanted.quota = Credits::from_nano(-1);
  EXPECT_EQ(create().error().code, ErrorCode::invalid);
  EXPECT_EQ(write([&](Store& store) { return store.delete_account("default", {}, actor_); }).error().code,
            ErrorCode::conflict);
  const auto missing = write([&](Store& store) { return store.delete_account("defualt", {}, actor_); });
  EXPECT_EQ(missing.error().hint, "did you mean 'default'?");
}

TEST_F(StoreNames, account_taken_back_is_not_there) {
  const auto done = ledger_->write([&](Store& store) -> Result<void> {
    AccountRecord wanted;
    wanted.name = "ghost";
    const auto id = store.create_account(wanted, actor_);
    if (!id) return tl::unexpected(id.error());
    EXPECT_TRUE(store.find_balance(*id));
    return base::fail(ErrorCode::refused, "no");
  });
  EXPECT_FALSE(done);
  EXPECT_EQ(read([](Reports& reports) { return reports.accounts(); })->size(), 1U);
  create_account("ghost", {});
}

TEST_F(StoreNames, groups_are_created_edited_and_deleted) {
  ASSERT_TRUE(create_group("vip", 1'500'000));
  EXPECT_EQ(create_group("VIP").error().code, ErrorCode::conflict);
  EXPECT_EQ(create_group("bad", -1).error().code, ErrorCode::invalid);
  EXPECT_EQ(create_group("bad", 1'000'000'001).error().code, ErrorCode::invalid);
  EXPECT_EQ(create_group("b d").error().code, ErrorCode::invalid);
  GroupPatch patch;
  patch.multiplier_millionths = 500'000;
  ASSERT_TRUE(write([&](Store& store) { return store.edit_group("vip", patch, {}, actor_); }));
  open();
  EXPECT_EQ(directory().find_group("vip")->multiplier_millionths, 500'000);
  EXPECT_EQ(directory().find_group("vip")->rev, 2);
  NewToken in_it;
  in_it.name = "ci";
  in_it.groups = {"default", "vip"};
  ASSERT_TRUE(write([&](Store& store) { return store.create_token(in_it, actor_); }));
  const auto used = write([&](Store& store) { return store.delete_group("vip", {}, actor_); });
  EXPECT_EQ(used.error().code, ErrorCode::conflict);
  EXPECT_THAT(used.error().message, HasSubstr("'ci'"));
  TokenPatch leave;
  leave.groups = [](const auto&) -> Result<std::vector<std::string>> { return std::vector<std::string>{"default"}; };
  ASSERT_TRUE(write([&](Store& store) { return store.edit_token("ci", leave, {}, actor_); }));
  ASSERT_TRUE(write([&](Store& store) { return store.delete_group("vip", 2, actor_); }));
  EXPECT_EQ(directory().find_group("vip"), nullptr);
  EXPECT_EQ(write([&](Store& store) { return store.delete_group("default", {}, actor_); }).error().code,
            ErrorCode::conflict);
  EXPECT_EQ(write([&](Store& store) { return store.delete_group("vip", {}, actor_); }).error().code,
            ErrorCode::not_found);
}

TEST_F(StoreNames, price_takes_effect_at_its_time) {
  const Time now = base::wall_now();
  const auto later = std::chrono::hours(24);
  ASSERT_TRUE(set_price(price_of("my-model", 100)));
  PriceRecord next = price_of("my-model", 200);
  next.effective_at = now + later;
  ASSERT_TRUE(set_price(next));
  for (int start = 0; start < 2; ++start) {
    EXPECT_EQ(find_price("my-model", now)->input.nano_per_million, 100);
    EXPECT_EQ(find_price("my-model", now + later - std::chrono::milliseconds(1))->input.nano_per_million, 100);
    EXPECT_EQ(find_price("my-model", now + later)->input.nano_per_million, 200);
    EXPECT_EQ(find_price("my-model")->source, "set");
    open();
  }
  ASSERT_TRUE(set_price(price_of("my-model", 150)));  // in the place of the first
  EXPECT_EQ(find_price("my-model")->input.nano_per_million, 150);
  EXPECT_EQ(read([](Reports& reports) { return reports.prices("my-*"); })->size(), 2U);
  const auto gone = write([&](Store& store) { return store.unset_price("my-model", actor_); });
  ASSERT_TRUE(gone);
  ASSERT_EQ(gone->size(), 2U);
  EXPECT_EQ(gone->front()->input.nano_per_million, 150) << "the one that has held for longest first";
  EXPECT_EQ(find_price("my-model"), nullptr);
  EXPECT_TRUE(read([](Reports& reports) { return reports.prices("my-*"); })->empty());
  EXPECT_EQ(write([&](Store& store) { return store.unset_price("my-model", actor_); }).error().code,
            ErrorCode::not_found);
}

TEST_F(StoreNames, price_that_is_there_already_is_not_written_again) {
  const auto rows = [&] { return read([](Reports& reports) { return reports.audit(0, 1000); })->size(); };
  ASSERT_TRUE(set_price(price_of("my-model", 100)));
  const auto written = rows();
  const auto again = set_price(price_of("my-model", 100));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->before, again->after);
  EXPECT_EQ(rows(), written) << "nothing changed, so there is nothing to audit";
  ASSERT_TRUE(set_price(price_of("my-model", 101)));
  EXPECT_EQ(rows(), written + 1);
}

TEST_F(StoreNames, price_only_from_a_date_on_is_none_before_it) {
  PriceRecord next = price_of("my-model", 200);
  next.effective_at = base::wall_now() + std::chrono::hours(24);
  ASSERT_TRUE(set_price(next));
  EXPECT_EQ(find_price("my-model"), nullptr);
}

TEST_F(StoreNames, bad_prices_are_refused) {
  const std::function<void(PriceRecord&)> spoils[] = {
      [](PriceRecord& p) { p.model = ""; },
      [](PriceRecord& p) { p.model = "gpt-*"; },
      [](PriceRecord& p) { p.model = "a\nb"; },
      [](PriceRecord& p) { p.input = {-1}; },
      [](PriceRecord& p) { p.output = {1'000'000'000'000'001}; },
      [](PriceRecord& p) { p.per_request = Credits::from_nano(-1); },
      [](PriceRecord& p) { p.max_output_tokens = 0; },
      [](PriceRecord& p) { p.effective_at = base::from_unix_ms(0); },
  };
  for (const auto& spoil : spoils) {
    PriceRecord price = price_of("my-model", 100);
    spoil(price);
    EXPECT_EQ(set_price(price).error().code, ErrorCode::invalid);
  }
  EXPECT_EQ(find_price("my-model"), nullptr);
}

TEST_F(StoreNames, mutation_whose_audit_is_refused_does_not_happen) {
  actor_.reason = std::string(5000, 'x');
  EXPECT_FALSE(create_group("vip"));
  EXPECT_EQ(directory().find_group("vip"), nullptr);
  actor_.reason.clear();
  EXPECT_TRUE(create_group("vip"));
}

}  // namespace
}  // namespace cr::ledger
