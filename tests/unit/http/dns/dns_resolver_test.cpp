// SPDX-License-Identifier: MIT
#include "http/dns/dns_resolver.h"

#include <gtest/gtest.h>

#include <future>

#include "support/dns_server.h"

namespace cr::http::dns {
namespace {

class DnsResolverTest : public testing::Test {
 protected:
  void SetUp() override {
    auto started = DnsResolver::start({dns_.address()});
    ASSERT_TRUE(started) << started.error().message;
    names_ = std::move(*started);
  }

  std::future<base::Result<Addresses>> ask(const std::string& name) {
    auto promise = std::make_shared<std::promise<base::Result<Addresses>>>();
    names_->look_up(name, [promise](const base::Result<Addresses>& answer) { promise->set_value(answer); });
    return promise->get_future();
  }

  test::DnsServer dns_;
  std::unique_ptr<DnsResolver> names_;
};

TEST_F(DnsResolverTest, GiveBothFamilies) {
  dns_.set("both.test", {{"192.0.2.7", "2001:db8::7"}, 60, false});
  const auto answer = ask("Both.Test").get();
  ASSERT_TRUE(answer) << answer.error().message;
  auto addresses = *answer;
  std::sort(addresses.begin(), addresses.end());
  EXPECT_EQ(addresses, (Addresses{asio::ip::make_address("192.0.2.7"), asio::ip::make_address("2001:db8::7")}));
}

TEST_F(DnsResolverTest, AreAskedForOnceByManyAndRemembered) {
  dns_.set("one.test", {{"192.0.2.7"}, 60, false});
  std::vector<std::future<base::Result<Addresses>>> asked;
  for (int i = 0; i < 20; ++i) asked.push_back(ask("one.test"));
  for (auto& answer : asked) EXPECT_TRUE(answer.get());
  EXPECT_TRUE(ask("one.test").get());
  EXPECT_EQ(dns_.asked("one.test"), 1);
}

TEST_F(DnsResolverTest, ATtlOfNothingIsASecond) {
  dns_.set("brief.test", {{"192.0.2.7"}, 0, false});
  EXPECT_TRUE(ask("brief.test").get());
  EXPECT_TRUE(ask("brief.test").get());
  EXPECT_EQ(dns_.asked("brief.test"), 1);
  // Until it has gone: a second, give or take what the machine is busy with.
  dns_.set("brief.test", {{"192.0.2.8"}, 0, false});
  while (ask("brief.test").get()->front().to_string() != "192.0.2.8") std::this_thread::yield();
  EXPECT_EQ(dns_.asked("brief.test"), 2);
}

TEST_F(DnsResolverTest, FailuresAreToldApartAndRemembered) {
  const auto unknown = ask("nowhere.test").get();
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, base::ErrorCode::upstream);
  const int asked = dns_.asked("nowhere.test");
  EXPECT_FALSE(ask("nowhere.test").get());
  EXPECT_EQ(dns_.asked("nowhere.test"), asked);
  dns_.set("empty.test", {{}, 60, false});
  EXPECT_EQ(ask("empty.test").get().error().code, base::ErrorCode::upstream);
}

TEST_F(DnsResolverTest, HostsFileGoesFirst) {
  const auto answer = ask("localhost").get();
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_TRUE(answer->front().is_loopback());
  EXPECT_EQ(dns_.asked("localhost"), 0);
}

TEST_F(DnsResolverTest, OneThatHangsHoldsUpNoOtherAndNobodyAtTheEnd) {
  dns_.set("slow.test", {{}, 60, true});
  dns_.set("fast.test", {{"192.0.2.7"}, 60, false});
  auto slow = ask("slow.test");
  EXPECT_TRUE(ask("fast.test").get());
  names_.reset();
}

TEST(NamesStart, BadServersAreRefused) {
  EXPECT_FALSE(DnsResolver::start({"not an address"}));
}

}  // namespace
}  // namespace cr::http::dns
