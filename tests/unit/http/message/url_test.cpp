// SPDX-License-Identifier: MIT
#include "http/message/url.h"

#include <gtest/gtest.h>

namespace cr::http::message {
namespace {

struct Good {
  std::string text, host;
  std::uint16_t port;
  std::string path, authority;
};

TEST(Url, takes_a_host_a_port_and_a_path) {
  const Good table[] = {
      {"https://api.openai.com/v1", "api.openai.com", 443, "/v1", "api.openai.com"},
      {"http://a.test", "a.test", 80, "", "a.test"},
      {"http://a.test:443///", "a.test", 443, "", "a.test:443"},
      {"https://10.0.0.1:8443/a//b/", "10.0.0.1", 8443, "/a//b", "10.0.0.1:8443"},
      {"http://[::1]:8080/v1/", "::1", 8080, "/v1", "[::1]:8080"},
      {"https://[::ffff:192.0.2.7]", "::ffff:192.0.2.7", 443, "", "[::ffff:192.0.2.7]"},
  };
  for (const auto& row : table) {
    const auto url = Url::parse(row.text);
    ASSERT_TRUE(url) << row.text << ": " << url.error().message;
    EXPECT_EQ(url->host, row.host) << row.text;
    EXPECT_EQ(url->port, row.port) << row.text;
    EXPECT_EQ(url->path, row.path) << row.text;
    EXPECT_EQ(url->authority(), row.authority) << row.text;
  }
}

TEST(Url, refuses_what_is_no_address) {
  for (const std::string text : {"",
                                 "a.test",
                                 "ftp://a.test",
                                 "HTTPS://a.test",
                                 "https://",
                                 "https:///v1",
                                 "https://a.test:",
                                 "https://a.test:0",
                                 "https://a.test:65536",
                                 "https://a.test:+1",
                                 "https://a.test:1:2",
                                 "https://a test",
                                 "https://u@a.test",
                                 "https://a.test/?q",
                                 "https://a.test/#f",
                                 "https://a.test\\b",
                                 "https://\xc3\xa9.test",
                                 "https://[::1",
                                 "https://[::1]x",
                                 "https://[::1]:",
                                 "https://[]",
                                 "https://[abc]",
                                 "https://[10.0.0.1]",
                                 "https://[:::]",
                                 "https://[1::2::3]",
                                 "https://[::1%25eth0]",
                                 "https://[12345::]"}) {
    const auto url = Url::parse(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().code, base::ErrorCode::invalid) << text;
    EXPECT_FALSE(url.error().hint.empty()) << text;
  }
}

}  // namespace
}  // namespace cr::http::message
