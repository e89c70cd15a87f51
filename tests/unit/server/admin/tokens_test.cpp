// SPDX-License-Identifier: MIT
// Routes of tokens over the socket.
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "base/text.h"
#include "unit/server/admin/fixture.h"

namespace cr::server::admin {
namespace {

using cr::admin::Page;
using cr::admin::Token;
using cr::admin::TokenEdited;
using cr::admin::TokenWithKey;
using ledger::dollars;

class AdminTokens : public AdminFixture {};

TEST_F(AdminTokens, create_gives_the_key_once) {
  const auto created =
      send_text<TokenWithKey>("POST", "/tokens", R"({"name":"ci","quota":"20","models":["gpt-4o"],"tags":{"a":"b"}})");
  EXPECT_EQ(created.token.name, "ci");
  EXPECT_EQ(created.token.status, "enabled");
  EXPECT_EQ(created.token.quota, dollars(20));
  EXPECT_EQ(created.token.left, dollars(20));
  EXPECT_THAT(created.token.groups, ElementsAre("default"));
  EXPECT_EQ(created.token.account, "default");
  ASSERT_THAT(created.token.keys, SizeIs(1));
  EXPECT_THAT(created.key, testing::StartsWith("sk-cr-"));
  EXPECT_EQ(token::shape_of(created.key), token::KeyShape::ours);
  EXPECT_TRUE(created.key.starts_with(created.token.keys[0].first));
  const auto shown = call("GET", "/tokens/ci");
  ASSERT_TRUE(shown.has_value());
  EXPECT_THAT(shown->body, Not(HasSubstr(created.key)));
  EXPECT_EQ(shown->headers.at("etag"), "\"1\"");
  EXPECT_EQ(shown->headers.at("content-type"), "application/json");
  EXPECT_THAT(shown->headers.at("x-request-id"), testing::StartsWith("req_"));
  EXPECT_EQ(shown->headers.at("x-crd-version"), CR_VERSION);
  EXPECT_EQ(call("POST", "/tokens", R"({"name":"two"})")->status, 201);
}

TEST_F(AdminTokens, create_is_refused_in_words) {
  create("ci");
  const auto rows = audit_rows();
  EXPECT_EQ(refused("POST", "/tokens", R"({"name":"ci"})").code, ErrorCode::conflict);
  EXPECT_EQ(refused("POST", "/tokens", R"({"name":"-x"})").code, ErrorCode::invalid);
  EXPECT_EQ(refused("POST", "/tokens", R"({"nmae":"x"})").message, "unknown member 'nmae'");
  EXPECT_EQ(refused("POST", "/tokens", R"({"name":"x","expires_at":"2001-01-01"})").code, ErrorCode::invalid);
  EXPECT_EQ(refused("POST", "/tokens", R"({"name":"x","allow_ip":["10.0.0.300"]})").code, ErrorCode::invalid);
  EXPECT_EQ(refused("POST", "/tokens", R"({"name":"x","groups":["defualt"]})").hint, "did you mean 'default'?");
  EXPECT_EQ(refused("POST", "/tokens", R"({"name":"x","when_low":"maybe"})").message,
            "when_low: expected \"clamp\" or \"refuse\"");
  EXPECT_EQ(refused("POST", "/tokens", R"({"name":"x","like":"cii"})").hint, "did you mean 'ci'?");
  EXPECT_EQ(refused("POST", "/tokens", "{").code, ErrorCode::invalid);
  EXPECT_EQ(refused("POST", "/tokens").message, "name: missing");
  EXPECT_EQ(audit_rows(), rows);
  EXPECT_THAT(get<Page<Token>>("/tokens").items, SizeIs(1));
}

TEST_F(AdminTokens, create_like_another) {
  send_text<TokenWithKey>("POST", "/tokens",
                          R"({"name":"a","quota":"20","models":["gpt-4o"],"note":"x","retrievable":true})");
  const auto made =
      send_text<TokenWithKey>("POST", "/tokens", R"({"name":"b","like":"a","note":"y","given":["note"]})");
  EXPECT_EQ(made.token.quota, dollars(20));
  EXPECT_THAT(made.token.models, ElementsAre("gpt-4o"));
  EXPECT_EQ(made.token.note, "y");
  EXPECT_TRUE(made.token.retrievable);
}

TEST_F(AdminTokens, an_imported_key_is_taken) {
  const auto made =
      send_text<TokenWithKey>("POST", "/tokens", R"({"name":"a","key":"my-own-imported-key-0123456789"})");
  EXPECT_EQ(made.key, "my-own-imported-key-0123456789");
  const auto verdict = send<cr::admin::KeyVerdict>("POST", "/tokens/verify", cr::admin::VerifyKey{made.key});
  EXPECT_TRUE(verdict.known);
  EXPECT_EQ(verdict.token, "a");
  EXPECT_EQ(verdict.shape, "foreign");
}

TEST_F(AdminTokens, list_filters_sorts_and_pages) {
  for (int number = 0; number < 25; ++number) create("t" + std::to_string(100 + number), dollars(number));
  send_text<TokenEdited>("PATCH", "/tokens/t105", R"({"enabled":false,"tags":{"team":"x"}})");
  EXPECT_THAT(get<Page<Token>>("/tokens?status=disabled").items, SizeIs(1));
  EXPECT_THAT(get<Page<Token>>("/tokens?status=exhausted").items, SizeIs(1));  // quota 0
  EXPECT_THAT(get<Page<Token>>("/tokens?tag=team").items, SizeIs(1));
  EXPECT_THAT(get<Page<Token>>("/tokens?tag=team%3Dx").items, SizeIs(1));
  EXPECT_THAT(get<Page<Token>>("/tokens?tag=team%3Dy").items, IsEmpty());
  EXPECT_THAT(get<Page<Token>>("/tokens?name=t11*").items, SizeIs(10));
  EXPECT_EQ(get<Page<Token>>("/tokens?sort=-name&limit=1").items.at(0).name, "t124");
  // Pages, with a filter that the store does not know too: each token once, in order.
  for (const std::string filter : {"", "&status=enabled"}) {
    std::vector<std::string> names;
    std::optional<std::string> cursor;
    do {
      const auto page = get<Page<Token>>("/tokens?limit=7" + filter + (cursor ? "&cursor=" + *cursor : ""));
      EXPECT_LE(page.items.size(), 7U);
      for (const auto& token : page.items) names.push_back(token.name);
      cursor = page.next;
    } while (cursor && names.size() < 100);
    EXPECT_EQ(names.size(), filter.empty() ? 25U : 23U);
    EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
    EXPECT_EQ(std::set(names.begin(), names.end()).size(), names.size());
  }
  EXPECT_EQ(refused("GET", "/tokens?limit=0").code, ErrorCode::invalid);
  EXPECT_EQ(refused("GET", "/tokens?cursor=x").message, "cursor: not one this daemon gave out");
  EXPECT_EQ(refused("GET", "/tokens?stauts=enabled").hint, "did you mean 'status'?");
}

TEST_F(AdminTokens, edit_changes_only_what_is_named) {
  const auto before = send_text<TokenWithKey>(
      "POST", "/tokens",
      R"({"name":"ci","quota":"20","models":["a","b"],"allow_ip":["10.0.0.0/8"],"tags":{"x":"1","y":"2"},"note":"n","expires_at":"2099-01-01"})");
  const auto edited = send_text<TokenEdited>(
      "PATCH", "/tokens/ci",
      R"({"quota":{"delta":"5"},"models":{"add":["c"],"remove":["a"]},"tags":{"x":null,"z":"3"}})");
  EXPECT_EQ(edited.token.quota, dollars(25));
  EXPECT_THAT(edited.token.models, ElementsAre("b", "c"));
  EXPECT_EQ(edited.token.tags, (cr::admin::Tags{{"y", "2"}, {"z", "3"}}));
  EXPECT_EQ(edited.token.note, "n");
  EXPECT_EQ(edited.token.allow_ip, before.token.allow_ip);
  EXPECT_EQ(edited.token.expires_at, before.token.expires_at);
  EXPECT_EQ(edited.token.rev, 2);
  EXPECT_THAT(edited.token.keys, SizeIs(1));
  ASSERT_THAT(edited.changes, SizeIs(3));
  EXPECT_EQ(edited.changes[0].field + " " + edited.changes[0].before + " -> " + edited.changes[0].after,
            "quota $20.00 -> $25.00");
  const auto never = send_text<TokenEdited>("PATCH", "/tokens/ci", R"({"expires_at":null,"quota":null})");
  EXPECT_FALSE(never.token.expires_at.has_value());
  EXPECT_FALSE(never.token.quota.has_value());
  EXPECT_EQ(get<Token>("/tokens/ci").rev, 3);
}

TEST_F(AdminTokens, an_edit_that_changes_nothing_is_none) {
  create("ci", dollars(5));
  const auto rows = audit_rows();
  const auto edited = send_text<TokenEdited>("PATCH", "/tokens/ci", R"({"quota":"5"})");
  EXPECT_THAT(edited.changes, IsEmpty());
  EXPECT_EQ(edited.token.rev, 1);
  EXPECT_EQ(audit_rows(), rows);
}

TEST_F(AdminTokens, edit_obeys_if_match) {
  create("ci", dollars(5));
  send_text<TokenEdited>("PATCH", "/tokens/ci", R"({"note":"a"})", if_rev(1));
  const auto stale = refused("PATCH", "/tokens/ci", R"({"note":"b"})", if_rev(1));
  EXPECT_EQ(stale.code, ErrorCode::conflict);
  EXPECT_EQ(get<Token>("/tokens/ci").note, "a");
  EXPECT_EQ(refused("DELETE", "/tokens/ci", {}, if_rev(1)).code, ErrorCode::conflict);
  EXPECT_EQ(refused("PATCH", "/tokens/no", R"({"note":"b"})").code, ErrorCode::not_found);
  EXPECT_EQ(refused("PATCH", "/tokens/ci", R"({"models":{"remove":["x"]}})").message, "models: 'x' is not in the list");
}

TEST_F(AdminTokens, rename_and_move) {
  create("ci");
  create("other");
  send_text<cr::admin::Account>("POST", "/accounts", R"({"name":"team"})");
  const auto edited = send_text<TokenEdited>("PATCH", "/tokens/ci", R"({"name":"ci2","account":"team"})");
  EXPECT_EQ(edited.token.name, "ci2");
  EXPECT_EQ(edited.token.account, "team");
  EXPECT_EQ(refused("GET", "/tokens/ci").hint, "did you mean 'ci2'?");
  EXPECT_EQ(refused("PATCH", "/tokens/ci2", R"({"name":"other"})").code, ErrorCode::conflict);
}

TEST_F(AdminTokens, a_dry_run_leaves_nothing) {
  create("ci", dollars(5));
  const auto rows = audit_rows();
  const auto made = send_text<TokenWithKey>("POST", "/tokens", R"({"name":"new","quota":"7"})", dry_run());
  EXPECT_EQ(made.token.name, "new");
  EXPECT_EQ(made.token.quota, dollars(7));
  EXPECT_EQ(made.key, "");
  const auto edited = send_text<TokenEdited>("PATCH", "/tokens/ci", R"({"quota":"9"})", dry_run());
  EXPECT_EQ(edited.token.quota, dollars(9));
  EXPECT_THAT(edited.changes, SizeIs(1));
  EXPECT_EQ(send_text<Token>("DELETE", "/tokens/ci", "", dry_run()).status, "deleted");
  EXPECT_EQ(send_text<TokenWithKey>("POST", "/tokens/ci/rotate", "{}", dry_run()).key, "");
  EXPECT_EQ(refused("POST", "/tokens", R"({"name":"ci"})", dry_run()).code, ErrorCode::conflict);
  EXPECT_EQ(audit_rows(), rows);
  EXPECT_EQ(get<Token>("/tokens/ci").quota, dollars(5));
  EXPECT_EQ(get<Token>("/tokens/ci").rev, 1);
  EXPECT_THAT(get<Token>("/tokens/ci").keys, SizeIs(1));
  EXPECT_THAT(get<Page<Token>>("/tokens").items, SizeIs(1));
  EXPECT_EQ(refused("POST", "/tokens?dry_run=maybe", R"({"name":"x"})").message, "dry_run: expected true or false");
  EXPECT_EQ(refused("GET", "/tokens?dry_run=true").code, ErrorCode::invalid);
}

TEST_F(AdminTokens, delete_and_restore) {
  const auto made = create("ci", dollars(5));
  const auto deleted = send_text<Token>("DELETE", "/tokens/ci", "");
  EXPECT_EQ(deleted.status, "deleted");
  EXPECT_THAT(deleted.keys, IsEmpty());
  EXPECT_EQ(refused("GET", "/tokens/ci").code, ErrorCode::not_found);
  EXPECT_EQ(refused("DELETE", "/tokens/ci").code, ErrorCode::not_found);
  EXPECT_FALSE(send<cr::admin::KeyVerdict>("POST", "/tokens/verify", cr::admin::VerifyKey{made.key}).known);
  const auto gone = get<Page<Token>>("/tokens?deleted=true");
  ASSERT_THAT(gone.items, SizeIs(1));
  EXPECT_EQ(gone.items[0].status, "deleted");
  EXPECT_TRUE(gone.items[0].deleted_at.has_value());
  const auto restored = send_text<Token>("POST", "/tokens/ci/restore", "{}");
  EXPECT_EQ(restored.quota, dollars(5));
  EXPECT_THAT(restored.keys, IsEmpty());
  EXPECT_EQ(get<Token>("/tokens/ci").name, "ci");
  EXPECT_EQ(refused("POST", "/tokens/ci/restore", "{}").code, refused("POST", "/tokens/no/restore", "{}").code);
}

TEST_F(AdminTokens, rotate_finish_undo) {
  const auto made = create("ci");
  const auto rotated = send_text<TokenWithKey>("POST", "/tokens/ci/rotate", "{}");
  EXPECT_NE(rotated.key, made.key);
  EXPECT_EQ(rotated.token.status, "rotating");
  ASSERT_THAT(rotated.token.keys, SizeIs(2));
  EXPECT_EQ(rotated.token.keys[0].state, "current");
  EXPECT_EQ(rotated.token.keys[1].state, "old");
  EXPECT_EQ(send<cr::admin::KeyVerdict>("POST", "/tokens/verify", cr::admin::VerifyKey{made.key}).state, "old");
  EXPECT_EQ(send<cr::admin::KeyVerdict>("POST", "/tokens/verify", cr::admin::VerifyKey{rotated.key}).state, "current");
  EXPECT_EQ(refused("POST", "/tokens/ci/rotate", "{}").code, ErrorCode::conflict);
  const auto undone = send_text<TokenWithKey>("POST", "/tokens/ci/rotate", R"({"action":"undo"})");
  EXPECT_EQ(undone.key, "");
  EXPECT_THAT(undone.token.keys, SizeIs(1));
  EXPECT_FALSE(send<cr::admin::KeyVerdict>("POST", "/tokens/verify", cr::admin::VerifyKey{rotated.key}).known);
  const auto again = send_text<TokenWithKey>("POST", "/tokens/ci/rotate", R"({"grace_ms":3600000})");
  const auto finished = send_text<TokenWithKey>("POST", "/tokens/ci/rotate", R"({"action":"finish"})");
  EXPECT_EQ(finished.token.status, "enabled");
  EXPECT_FALSE(send<cr::admin::KeyVerdict>("POST", "/tokens/verify", cr::admin::VerifyKey{made.key}).known);
  EXPECT_TRUE(send<cr::admin::KeyVerdict>("POST", "/tokens/verify", cr::admin::VerifyKey{again.key}).known);
  const auto now = send_text<TokenWithKey>("POST", "/tokens/ci/rotate", R"({"grace_ms":0})");
  EXPECT_THAT(now.token.keys, SizeIs(1));
  EXPECT_EQ(refused("POST", "/tokens/ci/rotate", R"({"action":"stop"})").code, ErrorCode::invalid);
  EXPECT_EQ(refused("POST", "/tokens/ci/rotate", R"({"grace_ms":-1})").code, ErrorCode::invalid);
  EXPECT_EQ(refused("POST", "/tokens/no/rotate", "{}").code, ErrorCode::not_found);
}

TEST_F(AdminTokens, revoke_new_takes_back_a_key) {
  create("ci");
  const auto rotated = send_text<TokenWithKey>("POST", "/tokens/ci/rotate", "{}");
  const auto id = rotated.token.keys.at(0).id;
  send<Token>("POST", "/tokens/ci/revoke-new", cr::admin::RevokeKey{id});
  EXPECT_FALSE(send<cr::admin::KeyVerdict>("POST", "/tokens/verify", cr::admin::VerifyKey{rotated.key}).known);
  EXPECT_NE(refused("POST", "/tokens/ci/revoke-new", R"({"key_id":999})").message, "");
}

TEST_F(AdminTokens, copy_only_what_is_kept) {
  create("plain");
  EXPECT_EQ(refused("POST", "/tokens/plain/copy", "{}").code, ErrorCode::not_retrievable);
  const auto kept = send_text<TokenWithKey>("POST", "/tokens", R"({"name":"kept","retrievable":true})");
  const auto rows = audit_rows();
  EXPECT_EQ(send_text<TokenWithKey>("POST", "/tokens/kept/copy", "{}").key, kept.key);
  EXPECT_EQ(audit_rows(), rows + 1);
  EXPECT_EQ(send_text<TokenWithKey>("POST", "/tokens/kept/copy", "{}", dry_run()).key, "");
  EXPECT_EQ(audit_rows(), rows + 1);
}

TEST_F(AdminTokens, copies_are_rationed) {
  send_text<TokenWithKey>("POST", "/tokens", R"({"name":"kept","retrievable":true})");
  for (int count = 0; count < 10; ++count) send_text<TokenWithKey>("POST", "/tokens/kept/copy", "{}");
  const auto refusal = refused("POST", "/tokens/kept/copy", "{}");
  EXPECT_EQ(refusal.code, ErrorCode::exhausted);
  EXPECT_EQ(refusal.message, "keys may be copied 10 times a minute");
}

TEST_F(AdminTokens, verify_tells_shapes_apart) {
  const auto made = create("ci");
  auto mistyped = made.key;
  mistyped.back() = mistyped.back() == 'a' ? 'b' : 'a';
  EXPECT_EQ(send<cr::admin::KeyVerdict>("POST", "/tokens/verify", cr::admin::VerifyKey{mistyped}).shape, "mistyped");
  EXPECT_EQ(send<cr::admin::KeyVerdict>("POST", "/tokens/verify", cr::admin::VerifyKey{"some-other-key"}).shape,
            "foreign");
  const auto unknown = std::string(token::mint_key().reveal());
  const auto verdict = send<cr::admin::KeyVerdict>("POST", "/tokens/verify", cr::admin::VerifyKey{unknown});
  EXPECT_FALSE(verdict.known);
  EXPECT_EQ(verdict.shape, "ours");
  const auto malformed = refused("POST", "/tokens/verify", R"({"key":"a secret"})");
  EXPECT_EQ(malformed.code, ErrorCode::invalid);
  EXPECT_THAT(malformed.message, Not(HasSubstr("secret")));
}

TEST_F(AdminTokens, an_idempotency_key_does_it_once) {
  const std::string body = R"({"name":"ci"})";
  const auto first = call("POST", "/tokens", body, once("k1"));
  ASSERT_TRUE(first.has_value()) << first.error().message;
  const auto rows = audit_rows();
  const auto again = call("POST", "/tokens", body, once("k1"));
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(again->body, first->body);
  EXPECT_EQ(again->status, 201);
  EXPECT_EQ(audit_rows(), rows);
  EXPECT_EQ(refused("POST", "/tokens", R"({"name":"ci2"})", once("k1")).code, ErrorCode::conflict);
  EXPECT_EQ(refused("POST", "/tokens", body, once("k2")).code, ErrorCode::conflict);  // another key: it exists
  // A failure does not use the key up.
  EXPECT_EQ(refused("POST", "/tokens", R"({"name":"ci"})", once("k3")).code, ErrorCode::conflict);
  EXPECT_TRUE(call("POST", "/tokens", R"({"name":"ci3"})", once("k3")).has_value());
  // Nor does a dry run.
  EXPECT_TRUE(call("POST", "/tokens?dry_run=true", R"({"name":"ci4"})", once("k4")).has_value());
  EXPECT_TRUE(call("POST", "/tokens?dry_run=false", R"({"name":"ci4"})", once("k4")).has_value());
  EXPECT_EQ(refused("POST", "/tokens", body, once(std::string(129, 'k'))).code, ErrorCode::invalid);
}

TEST_F(AdminTokens, the_audit_says_who_and_why) {
  CallOptions options;
  options.reason = "quarterly review: 100% ü";
  send_text<TokenWithKey>("POST", "/tokens", R"({"name":"ci"})", options);
  const auto row = get<Page<cr::admin::AuditEntry>>("/audit?limit=1000").items.back();
  EXPECT_EQ(row.uid, ::getuid());
  EXPECT_EQ(row.gid, ::getgid());
  EXPECT_EQ(row.pid, ::getpid());
  EXPECT_EQ(row.reason, options.reason);
  options.reason = "two\nlines";
  EXPECT_EQ(refused("POST", "/tokens", R"({"name":"x"})", options).code, ErrorCode::invalid);
}

TEST_F(AdminTokens, parallel_edits_while_settling_lose_nothing) {
  const auto issued = create_token("busy", dollars(1000));
  constexpr int k_threads = 4, k_edits = 30, k_requests = 200;  // a token has at most 64 tags
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < k_threads; ++thread) {
    threads.emplace_back([&, thread] {
      auto own = client();
      for (int count = 0; count < k_edits; ++count) {
        const bool quota = (thread + count) % 2 == 0;
        const auto tag = "t" + std::to_string((thread * k_edits + count) / 4);  // as many as a token may have
        const auto body = quota
                              ? std::string(R"({"quota":{"delta":"1"}})")
                              : R"({"tags":{")" + tag + R"(":")" + std::to_string(thread * k_edits + count) + R"("}})";
        if (!own.call("PATCH", "/tokens/busy", body)) ++failures;
      }
    });
  }
  for (int count = 0; count < k_requests; ++count) {
    auto op = reservation(issued, dollars(1));
    reserve(op);
    ASSERT_EQ(op.outcome, ledger::ReserveOutcome::reserved);
    ledger_->settle(settlement(op, ledger::Credits::from_nano(10'000'000)));
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  const auto token = get<Token>("/tokens/busy");
  EXPECT_EQ(token.quota, dollars(1000 + k_threads * k_edits / 2));
  EXPECT_THAT(token.tags, SizeIs(k_threads * k_edits / 4));
  EXPECT_EQ(token.used, dollars(2));
  EXPECT_EQ(token.reserved, ledger::Credits());
  EXPECT_EQ(token.left, dollars(1000 + k_threads * k_edits / 2 - 2));
  EXPECT_EQ(token.rev, 1 + k_threads * k_edits);
  expect_sound();
}

// --- check ---
class AdminCheck : public AdminFixture {
 protected:
  void SetUp() override {
    AdminFixture::SetUp();
    send_text<cr::admin::Channel>("POST", "/channels", R"({"name":"echo","kind":"echo","models":["gpt-4o","free-*"]})");
  }
  cr::admin::TokenVerdict check(const std::string& body) {
    return send_text<cr::admin::TokenVerdict>("POST", "/tokens/ci/check", body);
  }
};

TEST_F(AdminCheck, says_the_first_rule_that_refuses) {
  send_text<TokenWithKey>(
      "POST", "/tokens",
      R"({"name":"ci","quota":"5","models":["gpt-4o","free-x","nowhere"],"allow_ip":["10.0.0.0/8"]})");
  const auto allowed = check(R"({"model":"gpt-4o","ip":"10.1.2.3","cost":"5"})");
  EXPECT_TRUE(allowed.allowed) << allowed.reason;
  EXPECT_THAT(allowed.channels, ElementsAre("echo"));
  EXPECT_TRUE(check(R"({"model":"gpt-4o"})").allowed) << "no address asked about";
  const auto commits = ledger_->counters().commits;
  EXPECT_TRUE(check(R"({"model":"gpt-4o"})").allowed);
  EXPECT_EQ(ledger_->counters().commits, commits) << "balances are read, and nothing is written";
  struct Row {
    std::string body, rule, setting;
  };
  const Row table[] = {
      {R"({"model":"gpt-4o","ip":"11.1.2.3"})", "ip_not_allowed", "crctl token edit ci --allow-ip +11.1.2.3"},
      {R"({"model":"o3"})", "model_not_allowed", "crctl token edit ci --models '+o3'"},
      {R"({"model":"nowhere"})", "model_not_found", "crctl channel edit CHANNEL --models '+nowhere'"},
      {R"({"model":"free-x"})", "model_not_priced", "crctl price set 'free-x' --input N --output N"},
      {R"({"model":"gpt-4o","cost":"5.000000001"})", "insufficient_quota", "crctl token edit ci --quota +5"},
  };
  for (const auto& row : table) {
    const auto verdict = check(row.body);
    EXPECT_FALSE(verdict.allowed) << row.body;
    EXPECT_EQ(verdict.rule, row.rule) << row.body;
    EXPECT_EQ(verdict.setting, row.setting) << row.body;
    EXPECT_NE(verdict.reason, "");
  }
  send_text<TokenEdited>("PATCH", "/tokens/ci", R"({"enabled":false})");
  EXPECT_EQ(check(R"({"model":"gpt-4o"})").rule, "token_disabled");
  send_text<TokenEdited>("PATCH", "/tokens/ci", R"({"enabled":true,"not_before":"2099-01-01"})");
  EXPECT_EQ(check(R"({"model":"gpt-4o"})").rule, "token_not_yet_valid");
  send_text<TokenEdited>("PATCH", "/tokens/ci", R"({"not_before":null})");
  send_text<cr::admin::Account>("PATCH", "/accounts/default", R"({"quota":"0"})");
  EXPECT_EQ(check(R"({"model":"gpt-4o"})").setting, "crctl account credit default 5");
  send_text<cr::admin::Account>("PATCH", "/accounts/default", R"({"enabled":false})");
  EXPECT_EQ(check(R"({"model":"gpt-4o"})").rule, "account_disabled");
  send_text<cr::admin::Account>("PATCH", "/accounts/default", R"({"enabled":true,"quota":null})");
  // Shut out for the rest of a second: one that may end just then.
  cr::admin::TokenVerdict verdict;
  for (int i = 0; i < 100 && verdict.rule != "too_many_refusals"; ++i) {
    const auto now = base::steady_now();
    const auto directory = ledger_->directory().get();
    const auto ci = directory->find_token("ci")->id;
    for (int n = 0; n < 2; ++n) rates_.refusals().refused(ci, 2, now);
    verdict = check(R"({"model":"gpt-4o"})");
  }
  EXPECT_EQ(verdict.rule, "too_many_refusals") << verdict.reason;
  EXPECT_EQ(verdict.setting, "crctl token show ci --fields refused");
  EXPECT_EQ(refused("POST", "/tokens/no/check", R"({"model":"m"})").code, ErrorCode::not_found);
  EXPECT_EQ(refused("POST", "/tokens/ci/check", R"({"model":"m","ip":"10.0.0"})").code, ErrorCode::invalid);
  EXPECT_EQ(refused("POST", "/tokens/ci/check", R"({"model":"m","cost":"-1"})").code, ErrorCode::invalid);
  EXPECT_EQ(refused("POST", "/tokens/ci/check", "{}").message, "model: missing");
}

}  // namespace
}  // namespace cr::server::admin
