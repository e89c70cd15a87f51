// SPDX-License-Identifier: MIT
// Every change that there is, whatever becomes of it: the settings' sum follows it, and what the audit says of the
// settings is what their rows say. What the replay finds is in tampering_test.cpp.
#include "ledger/sql/settings_replay.h"

#include <random>

#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

using std::chrono::hours;

class RandomSettings : public LedgerFixture, public testing::WithParamInterface<int> {
 protected:
  std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }
  std::string one(const std::string& of, std::size_t count = 3) { return of + std::to_string(below(count)); }
  Credits some() { return Credits::from_nano(static_cast<std::int64_t>(below(1000)) * 1'000'000); }

  // Whatever it makes of it: a refusal must leave no trace, and neither must a dry run.
  void change(const std::function<base::Result<void>(Store&)>& change) {
    const auto dry = below(5) == 0 ? Ledger::DryRun::yes : Ledger::DryRun::no;
    done_ += ledger_->write(change, dry) && dry == Ledger::DryRun::no ? 1 : 0;
  }
  template <class T>
  static base::Result<void> only(const base::Result<T>& result) {
    if (!result) return tl::unexpected(result.error());
    return {};
  }

  void tokens(Store& store, base::Result<void>& done) {
    NewToken wanted;
    wanted.name = one("t");
    wanted.account = one("a", 2);
    wanted.quota = below(2) == 0 ? std::nullopt : std::optional(some());
    wanted.budgets[below(3)] = some();
    wanted.retrievable = below(2) == 0;
    if (below(3) == 0) wanted.expires = base::wall_now() + hours(24 * (1 + below(9)));
    TokenPatch patch;
    if (below(4) == 0) patch.name = one("t");
    if (below(3) == 0) patch.quota = QuotaChange{QuotaChange::Kind::delta, some()};
    if (below(3) == 0) patch.note = one("note ");
    if (below(3) == 0) patch.tags = std::map<std::string, std::optional<std::string>>{{one("k"), one("v")}};
    if (below(3) == 0) patch.enabled = below(2) == 0 ? token::Switch::on : token::Switch::off;
    if (below(4) == 0) patch.account = one("a", 2);
    if (below(4) == 0) patch.zone = *base::Zone::find("Europe/Berlin");
    switch (below(4)) {
      case 0:
        done = only(store.create_token(wanted, actor_));
        break;
      case 1:
        done = only(store.edit_token(one("t"), patch, {}, actor_));
        break;
      case 2:
        done = store.delete_token(one("t"), {}, actor_);
        break;
      default:
        done = only(store.restore_token(one("t"), actor_));
    }
  }

  void keys(Store& store, base::Result<void>& done) {
    const std::string name = one("t");
    switch (below(7)) {
      case 0:
        done = only(store.rotate_token(name, hours(below(3)), actor_));
        break;
      case 1:
        done = store.finish_rotation(name, std::chrono::milliseconds(0), actor_);
        break;
      case 2:
        done = store.undo_rotation(name, actor_);
        break;
      case 3:
        done = store.revoke_key(name, KeyId{static_cast<std::int64_t>(1 + below(40))}, actor_);
        break;
      case 4:
        done = only(store.reveal_key(name, actor_));
        break;
      case 5:
        done = store.extend_rotation(name, hours(below(60)), actor_);
        break;
      default:
        done = store.reset_budgets(name, {}, actor_);
    }
  }

  void holders(Store& store, base::Result<void>& done) {
    AccountRecord account;
    account.name = one("a");
    account.quota = some();
    AccountPatch patch;
    patch.quota = QuotaChange{QuotaChange::Kind::set, some()};
    GroupRecord group;
    group.name = one("g");
    GroupPatch factor;
    factor.multiplier_millionths = static_cast<std::int64_t>(below(5)) * 500'000;
    switch (below(6)) {
      case 0:
        done = only(store.create_account(account, actor_));
        break;
      case 1:
        done = only(store.edit_account(account.name, patch, {}, actor_));
        break;
      case 2:
        done = store.delete_account(account.name, {}, actor_);
        break;
      case 3:
        done = only(store.create_group(group, actor_));
        break;
      case 4:
        done = only(store.edit_group(group.name, factor, {}, actor_));
        break;
      default:
        done = store.delete_group(group.name, {}, actor_);
    }
  }

  static base::Secret provider_key(std::size_t number) {
    return base::Secret("sk-" + std::to_string(number) + "-0123456789abcdefghijkl");
  }

  void channels(Store& store, base::Result<void>& done) {
    NewChannel channel;
    channel.settings.name = one("c");
    channel.settings.kind = provider::find_kind("openai")->kind;
    channel.settings.base_url = "https://api.openai.com/v1";
    channel.settings.models = {one("m")};
    channel.keys.push_back(provider_key(below(3)));
    const std::string name = channel.settings.name;
    const auto edit = [&](ChannelRecord& record) -> base::Result<void> {
      record.priority = static_cast<std::int64_t>(below(4));
      record.note = one("note ");
      return {};
    };
    std::vector<base::Secret> keys;
    for (std::size_t i = below(3); i > 0; --i) keys.push_back(provider_key(i));
    switch (below(6)) {
      case 0:
        done = only(store.create_channel(std::move(channel), actor_));
        break;
      case 1:
        done = only(store.edit_channel(name, edit, {}, actor_));
        break;
      case 2:
        done = store.set_channel_keys(name, std::move(keys), actor_);
        break;
      case 3:
        done = store.add_channel_key(name, provider_key(below(3)), actor_);
        break;
      case 4:
        done = store.remove_channel_key(name, "sk-" + std::to_string(below(3)), actor_);
        break;
      default:
        done = store.delete_channel(name, {}, actor_);
    }
  }

  void prices(Store& store, base::Result<void>& done) {
    const auto made = [&] {
      PriceRecord price;
      price.model = one("m");
      price.input.nano_per_million = static_cast<std::int64_t>(below(4)) * 1000;
      if (below(3) == 0) price.effective_at = base::from_unix_ms(1'900'000'000'000);
      return price;
    };
    switch (below(3)) {
      case 0:
        done = only(store.set_price(made(), actor_));
        break;
      case 1:
        done = only(store.import_prices({made(), made()}, actor_));
        break;
      default:
        done = only(store.unset_price(one("m"), actor_));
    }
  }

  void some_change() {
    change([&](Store& store) {
      base::Result<void> done;
      // Some of one change are done and then taken back with it.
      for (std::size_t i = 1 + below(2); i > 0 && done; --i) {
        const std::size_t which = below(8);
        if (which < 3) tokens(store, done);
        if (which >= 3 && which < 5) keys(store, done);
        if (which == 5) holders(store, done);
        if (which == 6) channels(store, done);
        if (which == 7) prices(store, done);
      }
      return done;
    });
  }

  void expect_agreed(int step) {
    const auto verified = read([](Reports& reports) { return reports.verify(); });
    ASSERT_TRUE(verified) << "step " << step << ": " << verified.error().message;
    auto db = database();
    SqlSession sql(db);
    const auto changed = find_changed_settings(sql);
    ASSERT_TRUE(changed) << changed.error().message;
    ASSERT_EQ(*changed, "") << "step " << step;
  }

  std::mt19937 random_;
  int done_ = 0;
};

TEST_P(RandomSettings, are_followed_by_their_sum_and_told_by_the_audit) {
  random_.seed(static_cast<unsigned>(GetParam()));
  options_.price_list = k_few_prices;
  if (GetParam() % 2 == 0) options_.head = (folder_ / "head").string();
  open();
  create_account("a0", {});
  create_account("a1", dollars(1));
  for (int step = 0; step < 400; ++step) {
    some_change();
    const std::size_t what = below(40);
    if (what == 0) open();
    if (what == 1) crash();
    expect_agreed(step);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(done_, 40);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomSettings, testing::Range(0, 6));

}  // namespace
}  // namespace cr::ledger
