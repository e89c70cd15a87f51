// SPDX-License-Identifier: MIT
#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using std::chrono::hours;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class StoreTokens : public LedgerFixture {
 protected:
  void SetUp() override { open(); }
  auto create(const NewToken& wanted) {
    return write([&](Store& store) { return store.create_token(wanted, actor_); });
  }
  auto edit(const std::string& name, const TokenPatch& patch, IfRev if_rev = {}) {
    return write([&](Store& store) { return store.edit_token(name, patch, if_rev, actor_); });
  }
  std::vector<Reports::AuditRow> audit() {
    return *read([](Reports& reports) { return reports.audit(0, 1000); });
  }
  std::shared_ptr<const TokenRecord> find(std::string_view name) { return directory().find_token(name); }
};

NewToken named(const std::string& name) {
  NewToken wanted;
  wanted.name = name;
  return wanted;
}

TEST_F(StoreTokens, created_one_is_in_directory_reports_and_after_a_restart) {
  NewToken wanted = named("ci-runner");
  wanted.expires = base::wall_now() + hours(24);
  wanted.expires_given = true;
  wanted.not_before = base::wall_now();
  wanted.models = {"gpt-*", "o3"};
  wanted.allow_ip = {"10.0.0.0/8"};
  wanted.quota = dollars(20);
  wanted.when_low = WhenLow::refuse;
  wanted.tags = {{"team", "search"}};
  wanted.note = "for the \"nightly\" run";
  auto issued = create(wanted);
  ASSERT_TRUE(issued) << issued.error().message;
  EXPECT_EQ(token::shape_of(issued->key.reveal()), token::KeyShape::ours);
  for (int start = 0; start < 2; ++start) {
    const auto found = directory().find_key(ledger_->digest(issued->key.reveal()));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->key->id, issued->key_id);
    const TokenRecord& token = *found->token;
    EXPECT_EQ(token.name, "ci-runner");
    EXPECT_EQ(token.rev, 1);
    EXPECT_EQ(token.expires, wanted.expires);
    EXPECT_EQ(token.settings->not_before, wanted.not_before);
    EXPECT_THAT(token.settings->models, ElementsAre("gpt-*", "o3"));
    EXPECT_TRUE(token.settings->model_set.allows("gpt-4o"));
    EXPECT_FALSE(token.settings->model_set.allows("claude"));
    EXPECT_TRUE(token.settings->ip_set.contains(*token::IpAddress::parse("10.1.2.3")));
    EXPECT_FALSE(token.settings->ip_set.contains(*token::IpAddress::parse("11.1.2.3")));
    EXPECT_EQ(token.quota, dollars(20));
    EXPECT_EQ(token.settings->when_low, WhenLow::refuse);
    EXPECT_EQ(token.settings->tags.at("team"), "search");
    EXPECT_EQ(token.settings->note, wanted.note);
    EXPECT_EQ(token.enabled, Switch::on);
    open();
  }
  EXPECT_FALSE(directory().find_key(ledger_->digest("sk-cr-another")));
}

struct BadToken {
  const char* what;
  std::function<void(NewToken&)> spoil;
  ErrorCode code;
  const char* words;
};

TEST_F(StoreTokens, bad_settings_are_refused_and_leave_nothing) {
  create_token("taken", dollars(1));
  const auto past = base::wall_now() - hours(1);
  const BadToken rows[] = {
      {"empty name", [](NewToken& t) { t.name = ""; }, ErrorCode::invalid, "token name"},
      {"dash", [](NewToken& t) { t.name = "-x"; }, ErrorCode::invalid, "token name"},
      {"newline", [](NewToken& t) { t.name = "a\nb"; }, ErrorCode::invalid, "token name"},
      {"taken", [](NewToken& t) { t.name = "taken"; }, ErrorCode::conflict, "'taken' exists already"},
      {"taken by case", [](NewToken& t) { t.name = "TAKEN"; }, ErrorCode::conflict, "'taken' exists already"},
      {"account", [](NewToken& t) { t.account = "defualt"; }, ErrorCode::not_found, "no account named 'defualt'"},
      {"group", [](NewToken& t) { t.groups = {"vpi"}; }, ErrorCode::not_found, "no group named 'vpi'"},
      {"no group", [](NewToken& t) { t.groups = {}; }, ErrorCode::invalid, "groups"},
      {"past expiry", [&](NewToken& t) { t.expires = past; }, ErrorCode::invalid, "is past"},
      {"never valid",
       [&](NewToken& t) {
         t.expires = base::wall_now() + hours(1);
         t.not_before = base::wall_now() + hours(2);
       },
       ErrorCode::invalid, "not-before"},
      {"negative quota", [](NewToken& t) { t.quota = Credits::from_nano(-1); }, ErrorCode::invalid, "negative"},
      {"model",
       [](NewToken& t) {
         t.models = {"gpt-4o", ""};
       },
       ErrorCode::invalid, ""},
      {"addresses",
       [](NewToken& t) {
         t.allow_ip = {"10.0.0.0/8", "010.0.0.1"};
       },
       ErrorCode::invalid, "010.0.0.1"},
      {"tag",
       [](NewToken& t) {
         t.tags = {{"a b", "c"}};
       },
       ErrorCode::invalid, "tag"},
      {"note", [](NewToken& t) { t.note = "\xff"; }, ErrorCode::invalid, "note"},
      {"short key", [](NewToken& t) { t.key = base::Secret(std::string("sk-short")); }, ErrorCode::invalid, "20 bytes"},
      {"guessable key", [](NewToken& t) { t.key = base::Secret(std::string("sk-abababababababababababab")); },
       ErrorCode::invalid, "it can be guessed"},
      {"every address", [](NewToken& t) { t.allow_ip = {"0.0.0.0/0"}; }, ErrorCode::invalid, "every IPv4 address"},
      {"every address",
       [](NewToken& t) {
         t.allow_ip = {"10.0.0.0/8", "::/0"};
       },
       ErrorCode::invalid, "every IPv4"},
      {"mistyped key",
       [](NewToken& t) {
         t.key = base::Secret(std::string("sk-cr-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg29Z6Hx"));
       },
       ErrorCode::invalid, "checksum"},
      {"key with a blank", [](NewToken& t) { t.key = base::Secret(std::string("sk-abcdefghijklm nopqrstuv")); },
       ErrorCode::invalid, "imported key"},
  };
  const std::size_t audited = audit().size();
  for (const BadToken& row : rows) {
    NewToken wanted = named("fresh");
    row.spoil(wanted);
    const auto issued = create(wanted);
    ASSERT_FALSE(issued) << row.what;
    EXPECT_EQ(issued.error().code, row.code) << row.what << ": " << issued.error().message;
    EXPECT_THAT(issued.error().message, HasSubstr(row.words)) << row.what;
    EXPECT_EQ(find("fresh"), nullptr) << row.what;
  }
  EXPECT_EQ(audit().size(), audited);
  EXPECT_EQ(create(named("Taken2"))->token->name, "Taken2");
}

TEST_F(StoreTokens, hint_names_the_nearest) {
  GroupRecord vip;
  vip.name = "vip";
  ASSERT_TRUE(write([&](Store& store) { return store.create_group(vip, actor_); }));
  NewToken wanted = named("x");
  wanted.groups = {"vpi"};
  EXPECT_EQ(create(wanted).error().hint, "did you mean 'vip'?");
  create_token("ci-runner", {});
  TokenPatch patch;
  patch.note = "x";
  const auto edited = edit("ci-runnr", patch);
  EXPECT_EQ(edited.error().code, ErrorCode::not_found);
  EXPECT_EQ(edited.error().message, "no token named 'ci-runnr'");
  EXPECT_EQ(edited.error().hint, "did you mean 'ci-runner'?");
  EXPECT_EQ(read([](Reports& reports) { return reports.token("ci-runnr"); }).error().hint, "did you mean 'ci-runner'?");
}

TEST_F(StoreTokens, default_expiry_applies_unless_one_is_given) {
  options_.default_expiry = hours(24 * 30);
  open();
  EXPECT_TRUE(create(named("usual"))->token->expires);
  NewToken never = named("never");
  never.expires_given = true;
  EXPECT_FALSE(create(never)->token->expires);
}

TEST_F(StoreTokens, edit_changes_what_it_names_and_nothing_else) {
  NewToken wanted = named("ci");
  wanted.quota = dollars(20);
  wanted.models = {"a", "b"};
  wanted.tags = {{"keep", "1"}, {"drop", "2"}};
  auto issued = create(wanted);
  TokenPatch patch;
  patch.quota = QuotaChange{QuotaChange::Kind::delta, dollars(5)};
  patch.models = [](const std::vector<std::string>& old) -> Result<std::vector<std::string>> {
    std::vector<std::string> list = old;
    list.emplace_back("c");
    return list;
  };
  patch.tags = {{"drop", std::nullopt}, {"new", "3"}};
  const auto edited = edit("ci", patch);
  ASSERT_TRUE(edited) << edited.error().message;
  EXPECT_EQ((*edited)->rev, 2);
  EXPECT_EQ((*edited)->quota, dollars(25));
  EXPECT_THAT((*edited)->settings->models, ElementsAre("a", "b", "c"));
  EXPECT_THAT((*edited)->settings->tags, ElementsAre(std::pair("keep", "1"), std::pair("new", "3")));
  EXPECT_EQ((*edited)->settings->note, "");
  EXPECT_EQ(find("ci"), *edited);
  EXPECT_EQ(directory().find_key(ledger_->digest(issued->key.reveal()))->token, *edited);
  EXPECT_EQ(balance(issued->token->id).token_balance.quota, dollars(25));
  const Reports::AuditRow row = audit().back();
  EXPECT_EQ(row.action, "token.edit");
  EXPECT_EQ(row.object, "token ci");
  EXPECT_EQ(row.reason, "because");
  EXPECT_EQ(row.uid, 1000);
  EXPECT_THAT(row.detail, HasSubstr(R"("quota":{"from":"20","to":"25"})"));
  EXPECT_THAT(row.detail, Not(HasSubstr("note")));
}

TEST_F(StoreTokens, edit_that_changes_nothing_is_done_without_a_trace) {
  create_token("ci", dollars(20));
  const std::size_t audited = audit().size();
  TokenPatch patch;
  patch.quota = QuotaChange{QuotaChange::Kind::set, dollars(20)};
  patch.enabled = Switch::on;
  const auto edited = edit("ci", patch);
  ASSERT_TRUE(edited);
  EXPECT_EQ((*edited)->rev, 1);
  EXPECT_EQ(audit().size(), audited);
}

TEST_F(StoreTokens, rev_guards_against_lost_edits) {
  create_token("ci", dollars(20));
  TokenPatch patch;
  patch.note = "x";
  EXPECT_EQ(edit("ci", patch, 7).error().code, ErrorCode::conflict);
  ASSERT_TRUE(edit("ci", patch, 1));
  patch.note = "y";
  EXPECT_EQ(edit("ci", patch, 1).error().code, ErrorCode::conflict);
  EXPECT_EQ(find("ci")->settings->note, "x");
}

struct QuotaRow {
  std::optional<Credits> from;
  QuotaChange change;
  std::optional<std::optional<Credits>> to;  // none = refused
};

TEST_F(StoreTokens, quota_changes_are_exact_or_refused) {
  using Kind = QuotaChange::Kind;
  const Credits one = Credits::from_nano(1);
  const QuotaRow rows[] = {
      {dollars(20), {Kind::delta, dollars(5)}, dollars(25)},
      {dollars(20), {Kind::delta, dollars(-20)}, Credits()},
      {dollars(20), {Kind::delta, dollars(-21)}, std::nullopt},
      {dollars(20), {Kind::delta, Credits::max()}, std::nullopt},
      {Credits::max() - one, {Kind::delta, one}, Credits::max()},
      {Credits::max(), {Kind::delta, one}, std::nullopt},
      {dollars(20), {Kind::set, Credits()}, Credits()},
      {dollars(20), {Kind::set, Credits::max()}, Credits::max()},
      {dollars(20), {Kind::set, Credits::from_nano(-1)}, std::nullopt},
      {dollars(20), {Kind::unlimited, {}}, std::optional<Credits>()},
      {std::nullopt, {Kind::delta, one}, std::nullopt},
      {std::nullopt, {Kind::set, one}, one},
  };
  int number = 0;
  for (const QuotaRow& row : rows) {
    const std::string name = "t" + std::to_string(++number);
    create_token(name, row.from);
    TokenPatch patch;
    patch.quota = row.change;
    const auto edited = edit(name, patch);
    EXPECT_EQ(edited.has_value(), row.to.has_value()) << name;
    if (!edited) {
      EXPECT_EQ(edited.error().code, ErrorCode::invalid);
    }
    EXPECT_EQ(find(name)->quota, row.to ? *row.to : row.from) << name;
  }
}

TEST_F(StoreTokens, quota_below_what_is_used_leaves_nothing_and_breaks_nothing) {
  const IssuedKey token = create_token("ci", dollars(20));
  ReserveOp op = reservation(token, dollars(10));
  reserve(op);
  TokenPatch patch;
  patch.quota = QuotaChange{QuotaChange::Kind::set, dollars(5)};
  ASSERT_TRUE(edit("ci", patch));
  EXPECT_EQ(balance(token.token->id).token_balance.available(), Credits());
  ledger_->settle(settlement(op, dollars(9)));
  EXPECT_EQ(balance(token.token->id).token_balance.posted, dollars(9));
  patch.quota = QuotaChange{QuotaChange::Kind::set, dollars(10)};
  ASSERT_TRUE(edit("ci", patch));
  EXPECT_EQ(balance(token.token->id).token_balance.available(), dollars(1));
  expect_sound();
}

TEST_F(StoreTokens, toggling_a_busy_token_loses_no_debit) {
  const IssuedKey token = create_token("ci", dollars(20));
  for (int i = 0; i < 10; ++i) {
    ReserveOp op = reservation(token, dollars(1));
    reserve(op);
    ASSERT_EQ(op.outcome, ReserveOutcome::reserved);
    TokenPatch off;
    off.enabled = Switch::off;
    TokenPatch on;
    on.enabled = Switch::on;
    ASSERT_TRUE(edit("ci", off));
    ledger_->settle(settlement(op, dollars(1)));
    ASSERT_TRUE(edit("ci", on));
  }
  EXPECT_EQ(balance(token.token->id).token_balance.posted, dollars(10));
  expect_sound();
}

TEST_F(StoreTokens, bad_edits_are_refused_whole) {
  create_token("ci", dollars(20));
  create_token("other", dollars(20));
  TokenPatch rename;
  rename.name = "OTHER";
  EXPECT_EQ(edit("ci", rename).error().code, ErrorCode::conflict);
  TokenPatch expiry;
  expiry.note = "kept out";
  expiry.expires = std::optional(base::wall_now() - hours(1));
  EXPECT_EQ(edit("ci", expiry).error().code, ErrorCode::invalid);
  TokenPatch addresses;
  addresses.note = "kept out";
  addresses.allow_ip = [](const auto&) -> Result<std::vector<std::string>> {
    return std::vector<std::string>{"10.0.0.0/8", "x"};
  };
  EXPECT_EQ(edit("ci", addresses).error().code, ErrorCode::invalid);
  TokenPatch failing;
  failing.models = [](const auto&) -> Result<std::vector<std::string>> {
    return base::fail(ErrorCode::invalid, "models: 'x' is not in the list");
  };
  EXPECT_EQ(edit("ci", failing).error().message, "models: 'x' is not in the list");
  EXPECT_EQ(find("ci")->settings->note, "");
  EXPECT_EQ(find("ci")->rev, 1);
}

TEST_F(StoreTokens, rename_moves_the_name_and_case_may_change) {
  const IssuedKey issued = create_token("ci", dollars(20));
  TokenPatch rename;
  rename.name = "CI";
  ASSERT_TRUE(edit("ci", rename));
  EXPECT_EQ(find("ci"), nullptr);
  ASSERT_NE(find("CI"), nullptr);
  EXPECT_EQ(find("CI")->id, issued.token->id);
  EXPECT_EQ(directory().find_key(ledger_->digest(issued.key.reveal()))->token->name, "CI");
  create_token("fresh", {});
}

TEST_F(StoreTokens, dry_run_answers_and_changes_nothing) {
  const IssuedKey issued = create_token("ci", dollars(20));
  std::shared_ptr<const TokenRecord> would_be;
  const auto done = ledger_->write(
      [&](Store& store) -> Result<void> {
        TokenPatch patch;
        patch.quota = QuotaChange{QuotaChange::Kind::set, dollars(1)};
        auto edited = store.edit_token("ci", patch, {}, actor_);
        if (!edited) return tl::unexpected(edited.error());
        would_be = *edited;
        EXPECT_EQ(store.find_balance(would_be->id)->quota, dollars(1));
        auto created = store.create_token({.name = "ghost"}, actor_);
        return created ? Result<void>() : tl::unexpected(created.error());
      },
      Ledger::DryRun::yes);
  ASSERT_TRUE(done);
  EXPECT_EQ(would_be->quota, dollars(1));
  EXPECT_EQ(find("ci")->quota, dollars(20));
  EXPECT_EQ(find("ghost"), nullptr);
  EXPECT_EQ(balance(issued.token->id).token_balance.quota, dollars(20));
  EXPECT_EQ(audit().size(), 1U);
  ASSERT_TRUE(create(named("ghost")));
}

TEST_F(StoreTokens, change_that_fails_half_way_takes_back_what_it_did_alone) {
  const IssuedKey issued = create_token("ci", dollars(20));
  const auto done = ledger_->write([&](Store& store) -> Result<void> {
    TokenPatch patch;
    patch.quota = QuotaChange{QuotaChange::Kind::unlimited, {}};
    if (auto edited = store.edit_token("ci", patch, {}, actor_); !edited) return tl::unexpected(edited.error());
    if (auto created = store.create_token({.name = "two"}, actor_); !created) return tl::unexpected(created.error());
    if (auto deleted = store.delete_token("ci", {}, actor_); !deleted) return deleted;
    return base::fail(ErrorCode::refused, "on second thoughts");
  });
  EXPECT_EQ(done.error().message, "on second thoughts");
  EXPECT_EQ(find("two"), nullptr);
  ASSERT_NE(find("ci"), nullptr);
  EXPECT_EQ(balance(issued.token->id).token_balance.quota, dollars(20));
  ReserveOp op = reservation(issued, dollars(21));
  reserve(op);
  EXPECT_EQ(op.outcome, ReserveOutcome::no_token_credit);
  EXPECT_TRUE(directory().find_key(ledger_->digest(issued.key.reveal())));
  expect_sound();
}

TEST_F(StoreTokens, change_that_throws_is_an_error_and_not_the_end) {
  const auto done = ledger_->write([](Store&) -> Result<void> { throw std::runtime_error("secret words"); });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::internal);
  EXPECT_THAT(done.error().message, Not(HasSubstr("secret")));
  create_token("ci", dollars(20));
}

TEST_F(StoreTokens, deleted_one_is_gone_at_once_and_can_come_back_without_keys) {
  const IssuedKey issued = create_token("ci", dollars(20));
  ReserveOp op = reservation(issued, dollars(3));
  reserve(op);
  ASSERT_TRUE(write([&](Store& store) { return store.delete_token("ci", {}, actor_); }));
  EXPECT_EQ(find("ci"), nullptr);
  EXPECT_FALSE(directory().find_key(ledger_->digest(issued.key.reveal())));
  EXPECT_FALSE(read([](Reports& reports) { return reports.token("ci"); }));
  ledger_->settle(settlement(op, dollars(2)));
  open();
  EXPECT_EQ(find("ci"), nullptr);
  TokenQuery deleted;
  deleted.deleted = true;
  const auto rows = read([&](Reports& reports) { return reports.tokens(deleted); });
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ(rows->front().posted, dollars(2));
  EXPECT_TRUE(rows->front().keys.empty());

  const auto restored = write([&](Store& store) { return store.restore_token("ci", actor_); });
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(find("ci")->id, issued.token->id);
  EXPECT_FALSE(find("ci")->deleted_at);
  EXPECT_FALSE(directory().find_key(ledger_->digest(issued.key.reveal())));
  EXPECT_EQ(balance(issued.token->id).token_balance.posted, dollars(2));
  ASSERT_TRUE(write([&](Store& store) { return store.rotate_token("ci", {}, actor_); }));
  expect_sound();
}

TEST_F(StoreTokens, restore_needs_the_name_its_account_and_a_deletion) {
  create_account("team", {});
  create_token("ci", dollars(20), "team");
  EXPECT_EQ(write([&](Store& store) { return store.restore_token("ci", actor_); }).error().code, ErrorCode::not_found);
  ASSERT_TRUE(write([&](Store& store) { return store.delete_token("ci", {}, actor_); }));
  create_token("CI", dollars(1));
  EXPECT_EQ(write([&](Store& store) { return store.restore_token("ci", actor_); }).error().code, ErrorCode::conflict);
  ASSERT_TRUE(write([&](Store& store) { return store.delete_token("CI", {}, actor_); }));
  ASSERT_TRUE(write([&](Store& store) { return store.delete_account("team", {}, actor_); }));
  const auto restored = write([&](Store& store) { return store.restore_token("ci", actor_); });
  EXPECT_EQ(restored.error().code, ErrorCode::conflict);
  EXPECT_THAT(restored.error().message, HasSubstr("account"));
}

TEST_F(StoreTokens, no_secret_is_in_the_audit_or_in_the_clear_in_the_file) {
  NewToken wanted = named("ci");
  wanted.retrievable = true;
  const auto issued = create(wanted);
  const std::string key(issued->key.reveal());
  ledger_.reset();
  std::FILE* file = std::fopen(options_.path.c_str(), "rb");
  std::string bytes(std::filesystem::file_size(options_.path), '\0');
  ASSERT_EQ(std::fread(bytes.data(), 1, bytes.size(), file), bytes.size());
  std::fclose(file);
  EXPECT_EQ(bytes.find(key), std::string::npos);
  EXPECT_EQ(bytes.find(key.substr(10, 20)), std::string::npos);
}

}  // namespace
}  // namespace cr::ledger
