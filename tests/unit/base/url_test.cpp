// SPDX-License-Identifier: MIT
#include "base/url.h"

#include <gmock/gmock.h>

namespace cr::base {
namespace {

using testing::HasSubstr;
using testing::Not;

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
    EXPECT_EQ(url.error().code, ErrorCode::invalid) << text;
    EXPECT_FALSE(url.error().hint.empty()) << text;
  }
}

TEST(Url, a_path_may_have_what_a_path_has) {
  for (const std::string path : {"/@team/v1", "/v1/a:b", "/a%20b", "/a;b=c,d", "/!$&'()*+~"}) {
    const auto url = Url::parse("https://a.test" + path);
    ASSERT_TRUE(url) << path << ": " << url.error().message;
    EXPECT_EQ(url->host, "a.test");
    EXPECT_EQ(url->path, path);
  }
}

struct Bad {
  std::string text, message, hint;
};

TEST(Url, names_what_it_refuses_and_the_way_out) {
  const Bad table[] = {
      {"ftp://a.test", "it does not begin with https:// or http://", "write it like"},
      {"https://a.test/x\\y", "its path has '\\' in it", "write / instead, or %5C"},
      {"https://a.test\\x", "its host has '\\' in it", "write it like"},
      {"https://a,b.test", "its host has ',' in it", "write it like"},
      {"https://a b.test", "its host has a blank in it", "write it like"},
      {"https://\xc3\xa9.test", "its host has the byte 0xC3 in it", "ASCII form, xn--"},
      {"https://a.test/x y", "its path has a blank in it", "write %20"},
      {"https://a.test/\xc3\xa9", "its path has the byte 0xC3 in it", "write %C3"},
      {"https://a.test/\n", "its path has the byte 0x0A in it", "write %0A"},
      {"https://a.test/x?y", "it has a query", "leave out the '?'"},
      {"https://a.test/x#y", "it has a fragment", "leave out the '#'"},
      {"https://a.test?y", "it has a query", "leave out the '?'"},
      {"https://u:p@a.test", "it has a user name or password in it", "leave out what stands before the '@'"},
      {"https://[10.0.0.1]", "what stands in brackets is not an IPv6 address", "write an IPv6 address like"},
      {"https://a.test:", "its port is empty", "write it like"},
      {"https://a.test:0", "its port is not a number from 1 to 65535", "write it like"},
  };
  for (const auto& row : table) {
    const auto url = Url::parse(row.text);
    ASSERT_FALSE(url) << row.text;
    EXPECT_EQ(url.error().code, ErrorCode::invalid) << row.text;
    EXPECT_THAT(url.error().message, HasSubstr(row.message)) << row.text;
    EXPECT_THAT(url.error().hint, HasSubstr(row.hint)) << row.text;
  }
}

TEST(Url, a_password_is_never_shown) {
  for (const std::string text : {"https://u:hunter2@a.test", "ftp://u:hunter2@a.test", "u:hunter2@a.test",
                                 "https://a.test/?k=hunter2", "https://a.test/#hunter2"}) {
    EXPECT_THAT(shown_url(text), Not(HasSubstr("hunter2"))) << text;
    EXPECT_THAT(Url::parse(text).error().message, Not(HasSubstr("hunter2"))) << text;
  }
  EXPECT_TRUE(has_userinfo("https://u:hunter2@a.test/v1"));
  EXPECT_FALSE(has_userinfo("https://a.test/@team/v1"));
  EXPECT_EQ(shown_url("https://a.test/v1"), "https://a.test/v1");
}

}  // namespace
}  // namespace cr::base
