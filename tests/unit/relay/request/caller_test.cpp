// SPDX-License-Identifier: MIT
#include "relay/request/caller.h"

#include <gtest/gtest.h>

namespace cr::relay::request {
namespace {

token::IpAddress address(const std::string& text) {
  return token::IpAddress::parse(text).value();
}

class SourceAddress : public testing::Test {
 protected:
  std::string source(const std::string& peer, const std::vector<std::string>& forwarded) {
    http::message::RequestHead head;
    for (const auto& value : forwarded) head.fields.push_back({"X-Forwarded-For", value});
    head.fields.push_back({"X-Real-IP", "203.0.113.9"});
    head.fields.push_back({"Forwarded", "for=203.0.113.9"});
    const auto source = source_address(head, address(peer), settings_);
    return source ? source->to_string() : "unknown";
  }
  void trust(const std::vector<std::string>& proxies) {
    settings_.trust_proxies = true;
    settings_.trusted_proxies = token::IpSet::parse(proxies).value();
  }
  policy::Settings settings_;
};

TEST_F(SourceAddress, E1_AnUntrustedPeerIsTheSource) {
  EXPECT_EQ(source("198.51.100.1", {"192.0.2.1"}), "198.51.100.1");
  trust({"10.0.0.0/8"});
  EXPECT_EQ(source("198.51.100.1", {"192.0.2.1"}), "198.51.100.1");
}

TEST_F(SourceAddress, E2_FromTheRightToTheFirstUntrustedHop) {
  trust({"10.0.0.0/8"});
  EXPECT_EQ(source("10.0.0.1", {"192.0.2.1"}), "192.0.2.1");
  EXPECT_EQ(source("10.0.0.1", {"203.0.113.66, 192.0.2.1, 10.0.0.2"}), "192.0.2.1");
  EXPECT_EQ(source("10.0.0.1", {"203.0.113.66", "192.0.2.1", "10.0.0.2"}), "192.0.2.1")
      << "several fields are one list";
  EXPECT_EQ(source("10.0.0.1", {"10.0.0.3, 10.0.0.2"}), "10.0.0.3") << "all trusted: the farthest";
  EXPECT_EQ(source("10.0.0.1", {}), "10.0.0.1");
}

TEST_F(SourceAddress, AHopThatIsNoAddressLeavesNone) {
  trust({"10.0.0.0/8"});
  for (const std::string hop :
       {"unknown", "_hidden", "garbage", "010.0.0.9", "10.0.0.2%eth0", "\"192.0.2.1\"", "192.0.2.1 10.0.0.5",
        "192.0.2.1:", "192.0.2.1:x", "192.0.2.1:123456", "[192.0.2.1", "[]", "[2001:db8::1]80",
        "[2001:db8::1]:", "2001:db8::1:x", ":80", "[2001:db8::1%eth0]:80"}) {
    EXPECT_EQ(source("10.0.0.1", {hop}), "unknown") << hop;
    EXPECT_EQ(source("10.0.0.1", {"192.0.2.1, " + hop}), "unknown") << hop;
    EXPECT_EQ(source("10.0.0.1", {hop + ", 10.0.0.3"}), "unknown") << hop;
    EXPECT_EQ(source("10.0.0.1", {hop + ", 192.0.2.1, 10.0.0.3"}), "192.0.2.1") << "what its client wrote: " << hop;
    EXPECT_EQ(source("198.51.100.1", {hop}), "198.51.100.1") << hop;
  }
}

TEST_F(SourceAddress, APortBehindAnAddressIsNotOfIt) {
  trust({"10.0.0.0/8"});
  for (const std::string hop : {"192.0.2.1:4711", "[::ffff:192.0.2.1]:80", "[::ffff:192.0.2.1]"})
    EXPECT_EQ(source("10.0.0.1", {hop}), "192.0.2.1") << hop;
  EXPECT_EQ(source("10.0.0.1", {"[2001:db8::1]:443, 10.0.0.2:80"}), "2001:db8::1");
  EXPECT_EQ(source("10.0.0.1", {"", " , "}), "10.0.0.1") << "no hop at all";
}

TEST_F(SourceAddress, E4_MappedAddressesAreIpv4) {
  trust({"10.0.0.0/8"});
  EXPECT_EQ(source("::ffff:10.0.0.1", {"::ffff:192.0.2.1"}), "192.0.2.1");
}

class Admit : public testing::Test {
 protected:
  token::Verdict verdict(base::Time now = base::from_unix_ms(1000), const std::string& from = "192.0.2.1") {
    return admit(token_, account_, now, address(from));
  }
  ledger::TokenRecord token_;
  ledger::AccountRecord account_;
};

TEST_F(Admit, TheFirstRuleThatRefusesIsNamed) {
  EXPECT_EQ(verdict(), token::Verdict::allowed);
  token_.settings.edit().ip_set = token::IpSet::parse({"198.51.100.0/24"}).value();
  EXPECT_EQ(verdict(), token::Verdict::ip_not_allowed);
  EXPECT_EQ(verdict(base::from_unix_ms(1000), "198.51.100.9"), token::Verdict::allowed);
  account_.enabled = ledger::Switch::off;
  EXPECT_EQ(verdict(), token::Verdict::account_disabled);
  token_.settings.edit().not_before = base::from_unix_ms(1001);
  EXPECT_EQ(verdict(), token::Verdict::token_not_yet_valid);
  token_.expires = base::from_unix_ms(1000);
  EXPECT_EQ(verdict(), token::Verdict::token_expired);
  token_.enabled = ledger::Switch::off;
  EXPECT_EQ(verdict(), token::Verdict::token_disabled);
}

TEST_F(Admit, RefusalsNameTheTokenAndTheSettingAndNoKey) {
  token_.name = "ci";
  for (const auto verdict :
       {token::Verdict::token_disabled, token::Verdict::token_expired, token::Verdict::token_not_yet_valid,
        token::Verdict::account_disabled, token::Verdict::ip_not_allowed, token::Verdict::model_not_allowed}) {
    const auto refusal = refusal_of(verdict, token_);
    EXPECT_NE(refusal.message.find("'ci'"), std::string::npos) << refusal.message;
    EXPECT_NE(refusal.code, dialect::RefusalCode::internal_error);
  }
}

// What the holder can tell the administrator; the command itself is not his to run.
TEST_F(Admit, RefusalsSayWhatToAskFor) {
  token_.name = "ci";
  token_.settings.edit().rates = {3, 2000, 2};
  const std::vector<std::pair<dialect::Refusal, std::string>> table = {
      {refusal_of(token::Verdict::token_expired, token_), "('--expires')"},
      {refusal_of(token::Verdict::token_not_yet_valid, token_), "('--not-before')"},
      {refusal_of(token::Verdict::ip_not_allowed, token_), "('--allow-ip')"},
      {refusal_of(token::Verdict::model_not_allowed, token_), "('--models')"},
      {refusal_of(routing::RateRefusal{routing::RateRefusal::Limit::requests, {}}, token_), "('--rpm')"},
      {refusal_of(routing::RateRefusal{routing::RateRefusal::Limit::tokens, {}}, token_), "('--tpm')"},
      {refusal_of(routing::RateRefusal{routing::RateRefusal::Limit::at_once, {}}, token_), "('--concurrency')"},
  };
  for (const auto& [refusal, setting] : table) {
    EXPECT_NE(refusal.message.find(setting), std::string::npos) << refusal.message;
    EXPECT_NE(refusal.message.find("administrator"), std::string::npos) << refusal.message;
    EXPECT_EQ(refusal.message.find("crctl"), std::string::npos) << refusal.message;
  }
}

}  // namespace
}  // namespace cr::relay::request
