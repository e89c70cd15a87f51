// SPDX-License-Identifier: MIT
// Where a channel's requests go, worked out once for each revision, and the room for heads that carry keys.
#include "relay/request/upstream_access.h"

#include <gtest/gtest.h>

#include "ledger/core/directory_builder.h"

namespace cr::relay::request {
namespace {

class UpstreamAccessTest : public testing::Test {
 protected:
  UpstreamAccessTest() {
    channel_.id = base::ChannelId{7};
    channel_.rev = 1;
    channel_.base_url = "http://192.0.2.1:8080/v1";
  }

  http::asio::io_context io_;
  http::Heartbeat heartbeat_{io_};
  base::Log log_{{.level = base::LogLevel::error}};
  std::unique_ptr<http::dns::DnsResolver> names_ = std::move(*http::dns::DnsResolver::start({"127.0.0.1:9"}));
  std::unique_ptr<http::tls::TlsContexts> tls_ = std::move(*http::tls::TlsContexts::make(""));
  http::client::DistrustedProviders distrusted_;
  LearntEdits learnt_;
  ledger::DirectoryFeed directory_{
      std::make_shared<const ledger::Directory>(std::make_shared<const ledger::Directory::Impl>())};
  UpstreamAccess upstreams_{io_, heartbeat_, {log_, *tls_, *names_, distrusted_, learnt_, directory_}, 4};
  ledger::ChannelRecord channel_;
};

TEST_F(UpstreamAccessTest, an_address_is_worked_out_once_for_each_revision) {
  const auto first = upstreams_.address_of(channel_);
  ASSERT_TRUE(first);
  EXPECT_EQ((*first)->authority, "192.0.2.1:8080");
  EXPECT_EQ((*first)->key.provider, 7U);
  EXPECT_FALSE((*first)->has_certificates);
  EXPECT_EQ(*upstreams_.address_of(channel_), *first);
  channel_.rev = 2;
  const auto second = upstreams_.address_of(channel_);
  ASSERT_TRUE(second);
  EXPECT_NE((*second)->key.address, (*first)->key.address) << "an edited channel starts afresh";
}

TEST_F(UpstreamAccessTest, what_is_not_usable_is_said_by_its_setting) {
  channel_.base_url = "ftp://example.com";
  const auto url = upstreams_.address_of(channel_);
  ASSERT_FALSE(url);
  EXPECT_TRUE(url.error().message.starts_with("base URL: ")) << url.error().message;
  channel_.base_url = "http://192.0.2.1/v1";
  channel_.proxy = "not a url";
  const auto proxy = upstreams_.address_of(channel_);
  ASSERT_FALSE(proxy);
  EXPECT_TRUE(proxy.error().message.starts_with("proxy: ")) << proxy.error().message;
}

TEST_F(UpstreamAccessTest, a_reload_forgets_what_names_certificate_files) {
  const auto plain = upstreams_.address_of(channel_);
  auto with_files = channel_;
  with_files.id = base::ChannelId{8};
  with_files.ca_file = "/ca.pem";
  tls_->put(tls_files(with_files), tls_->look_up({}));
  const auto before = upstreams_.address_of(with_files);
  ASSERT_TRUE(before);
  upstreams_.reload(4);
  EXPECT_EQ(*upstreams_.address_of(channel_), *plain);
  EXPECT_NE(*upstreams_.address_of(with_files), *before);
}

TEST_F(UpstreamAccessTest, a_text_that_comes_back_is_wiped_and_used_again) {
  auto text = upstreams_.take_text();
  text.assign(1000, 'k');
  const auto* const place = text.data();
  upstreams_.give_back(std::move(text));
  const auto again = upstreams_.take_text();
  EXPECT_EQ(again.data(), place);
  EXPECT_EQ(again, "");
  upstreams_.give_back(std::string(std::size_t{64} << 10, 'k'));
  EXPECT_LT(upstreams_.take_text().capacity(), std::size_t{64} << 10) << "a large one is not kept";
}

}  // namespace
}  // namespace cr::relay::request
