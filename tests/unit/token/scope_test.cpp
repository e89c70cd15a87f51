// SPDX-License-Identifier: MIT
#include "token/scope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cr::token {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct ModelCase {
  std::vector<std::string> entries;
  std::string_view model;
  bool allowed;
};

TEST(ModelSet, allows) {
  const ModelCase table[] = {
      {{}, "anything", true},          {{}, "", true},
      {{"gpt-4o"}, "gpt-4o", true},    {{"gpt-4o"}, "gpt-4o-mini", false},
      {{"gpt-4o"}, "GPT-4o", false},   {{"gpt-*"}, "gpt-4o", true},
      {{"gpt-*"}, "my-gpt-4o", false}, {{"a", "b"}, "b", true},
      {{"a", "b"}, "c", false},        {{"*"}, "x", true},
      {{"m?"}, "m1", false},           {{"m?"}, "m?", true},
      {{"[ab]"}, "a", false},          {{"gpt-4o"}, "", false},
      {{"gpt-4o"}, "gpt-4o\n", false}, {{"org/*"}, "org/a/b", true},
  };
  for (const auto& row : table) {
    const auto set = ModelSet::parse(row.entries);
    ASSERT_TRUE(set);
    EXPECT_EQ(set->unrestricted(), row.entries.empty());
    EXPECT_EQ(set->allows(row.model), row.allowed) << row.model;
  }
}

TEST(ModelSet, parse_refuses) {
  const std::string table[] = {"", "a\nb", std::string("a\0", 2), "a\x7f", "\x1b[2J", std::string(257, 'm')};
  for (const std::string& entry : table) {
    const auto set = ModelSet::parse({"gpt-4o", entry});
    ASSERT_FALSE(set) << entry;
    EXPECT_EQ(set.error().code, base::ErrorCode::invalid);
    EXPECT_THAT(set.error().message, HasSubstr("model"));
    EXPECT_EQ(set.error().message.find('\x1b'), std::string::npos);
  }
  EXPECT_TRUE(ModelSet::parse({std::string(256, 'm')}));
}

TEST(ModelSet, keeps_the_order_and_one_of_equals) {
  const std::vector<std::string> patterns = ModelSet::parse({"b", "a", "b"}).value().patterns();
  EXPECT_THAT(patterns, ElementsAre("b", "a"));
}

const base::Time k_now = base::from_unix_ms(1'000'000);
constexpr std::chrono::milliseconds k_ms{1};

Scope everything_wrong() {
  Scope scope;
  scope.token = Switch::off;
  scope.expires = k_now;
  scope.not_before = k_now + k_ms;
  scope.account = Switch::off;
  scope.allow_ip = IpSet::parse({"10.0.0.0/8"}).value();
  return scope;
}

TEST(Admit, refusals_come_in_the_order_of_the_table) {
  const IpAddress source = IpAddress::parse("192.0.2.1").value();
  Scope scope = everything_wrong();
  EXPECT_EQ(admit(scope, k_now, source), Verdict::token_disabled);
  scope.token = Switch::on;
  EXPECT_EQ(admit(scope, k_now, source), Verdict::token_expired);
  scope.expires.reset();
  EXPECT_EQ(admit(scope, k_now, source), Verdict::token_not_yet_valid);
  scope.not_before.reset();
  EXPECT_EQ(admit(scope, k_now, source), Verdict::account_disabled);
  scope.account = Switch::on;
  EXPECT_EQ(admit(scope, k_now, source), Verdict::ip_not_allowed);
  scope.allow_ip = IpSet();
  EXPECT_EQ(admit(scope, k_now, source), Verdict::allowed);
}

TEST(Admit, each_fault_alone) {
  const IpAddress source = IpAddress::parse("192.0.2.1").value();
  const auto verdict = [&](auto change) {
    Scope scope;
    change(scope);
    return admit(scope, k_now, source);
  };
  EXPECT_EQ(verdict([](Scope&) {}), Verdict::allowed);
  EXPECT_EQ(verdict([](Scope& s) { s.token = Switch::off; }), Verdict::token_disabled);
  EXPECT_EQ(verdict([](Scope& s) { s.account = Switch::off; }), Verdict::account_disabled);
  EXPECT_EQ(verdict([](Scope& s) { s.allow_ip = IpSet::parse({"192.0.2.2"}).value(); }), Verdict::ip_not_allowed);
  EXPECT_EQ(verdict([](Scope& s) { s.allow_ip = IpSet::parse({"192.0.2.0/24"}).value(); }), Verdict::allowed);
  // Valid from not_before on, and while now < expires.
  EXPECT_EQ(verdict([](Scope& s) { s.expires = k_now; }), Verdict::token_expired);
  EXPECT_EQ(verdict([](Scope& s) { s.expires = k_now - k_ms; }), Verdict::token_expired);
  EXPECT_EQ(verdict([](Scope& s) { s.expires = k_now + k_ms; }), Verdict::allowed);
  EXPECT_EQ(verdict([](Scope& s) { s.not_before = k_now; }), Verdict::allowed);
  EXPECT_EQ(verdict([](Scope& s) { s.not_before = k_now + k_ms; }), Verdict::token_not_yet_valid);
}

TEST(Admit, the_model_is_asked_for_later) {
  Scope scope;
  EXPECT_EQ(admit_model(scope, "gpt-4o"), Verdict::allowed);
  scope.models = ModelSet::parse({"gpt-*"}).value();
  EXPECT_EQ(admit_model(scope, "gpt-4o"), Verdict::allowed);
  EXPECT_EQ(admit_model(scope, "o3"), Verdict::model_not_allowed);
}

}  // namespace
}  // namespace cr::token
