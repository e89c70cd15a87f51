// SPDX-License-Identifier: MIT
#include "relay/policy/cors.h"

#include <gmock/gmock.h>

namespace cr::relay::policy {
namespace {

using testing::HasSubstr;

http::message::RequestHead asking(http::message::Method method, std::vector<http::message::Field> fields) {
  http::message::RequestHead head;
  head.method = method;
  head.fields = std::move(fields);
  return head;
}

TEST(Cors, OriginsAreWrittenAsBrowsersWriteThem) {
  for (const auto* good :
       {"*", "https://app.example", "http://localhost:3000", "http://127.0.0.1:5173", "http://[::1]:8080",
        "chrome-extension://abcdefghijklmnop", "tauri://localhost", "https://app.example:8443"}) {
    EXPECT_TRUE(check_origin(good).has_value()) << good;
  }
  for (const auto* bad :
       {"", "null", "app.example", "https://", "https://app.example/", "https://app.example/a", "https://App.example",
        "HTTPS://app.example", "https://*.example", "https://app.example:443", "http://app.example:80",
        "https://app.example:", "https://a b", "https://user@app.example", "https://app.example?x", "//app.example"}) {
    const auto checked = check_origin(bad);
    ASSERT_FALSE(checked.has_value()) << bad;
    EXPECT_THAT(checked.error().hint, HasSubstr("http://localhost:3000"));
  }
}

TEST(Cors, OnlyWhoIsListedIsAllowed) {
  const std::vector<std::string> some{"https://a.example", "http://localhost:3000"};
  const auto allowed = [](const std::vector<std::string>& list, std::string_view origin) {
    const auto from = asking(http::message::Method::post, {{"Origin", origin}});
    return std::string(find_allowed_origin(list, from));
  };
  EXPECT_EQ(allowed(some, "https://a.example"), "https://a.example");
  EXPECT_EQ(allowed(some, "http://localhost:3000"), "http://localhost:3000");
  for (const auto* other : {"https://b.example", "http://a.example", "https://a.example:444", "null", "",
                            "https://a.example.evil", "https://evil/https://a.example"}) {
    EXPECT_EQ(allowed(some, other), "") << other;
    EXPECT_EQ(allowed({}, other), "");
  }
  EXPECT_EQ(allowed({"*"}, "https://b.example"), "*");
  EXPECT_EQ(find_allowed_origin({"*"}, asking(http::message::Method::get, {})), "") << "nobody asked";
}

TEST(Cors, APreflightAsksForAMethod) {
  const http::message::Field origin{"origin", "https://a.example"};
  const http::message::Field method{"access-control-request-method", "POST"};
  EXPECT_TRUE(is_preflight(asking(http::message::Method::options, {origin, method})));
  EXPECT_FALSE(is_preflight(asking(http::message::Method::options, {origin})));
  EXPECT_FALSE(is_preflight(asking(http::message::Method::options, {method})));
  EXPECT_FALSE(is_preflight(asking(http::message::Method::post, {origin, method})));
}

TEST(Cors, AuthorizationIsNamedAndWhatAPageAsksFor) {
  std::string text;
  http::message::HeadWriter writer(text);
  append_preflight_fields(
      writer, asking(http::message::Method::options,
                     {{"access-control-request-headers", "Authorization, X-Stainless-OS,x-odd, b\x01d, a b"}}));
  EXPECT_THAT(text, HasSubstr("access-control-allow-headers: authorization, content-type, x-api-key"));
  EXPECT_THAT(text, HasSubstr(", x-stainless-os, x-odd\r\n"));
  EXPECT_THAT(text, HasSubstr("access-control-allow-methods: GET, HEAD, POST, DELETE\r\n"));
  text.clear();
  append_origin_fields(writer, "https://a.example");
  EXPECT_THAT(text, HasSubstr("access-control-allow-origin: https://a.example\r\n"));
  for (const auto* name : {"x-request-id", "request-id", "retry-after", "retry-after-ms", "x-should-retry",
                           "x-crd-output-limit", "x-ratelimit-remaining-tokens", "x-upstream-request-id"})
    EXPECT_THAT(text, HasSubstr(name));
}

}  // namespace
}  // namespace cr::relay::policy
