// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include "admin/client.h"
#include "unit/admin/samples.h"

namespace cr::admin {
namespace {

using testing::HasSubstr;
using Query = std::multimap<std::string, std::string>;

// "?a=1&b=%2A" as a server would read it.
Query parse(std::string_view text) {
  Query query;
  if (!text.empty()) text.remove_prefix(1);
  while (!text.empty()) {
    const auto pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    const auto equals = pair.find('=');
    std::string value;
    for (auto rest = pair.substr(equals + 1); !rest.empty();) {
      const bool escaped = rest.front() == '%';
      value += escaped ? static_cast<char>(std::stoi(std::string(rest.substr(1, 2)), nullptr, 16)) : rest.front();
      rest.remove_prefix(escaped ? 3 : 1);
    }
    query.emplace(pair.substr(0, equals), value);
  }
  return query;
}

TEST(Queries, segments_are_encoded) {
  EXPECT_EQ(encode_segment("abc-._~09Z"), "abc-._~09Z");
  EXPECT_EQ(encode_segment("meta/llama 3%?&=+#"), "meta%2Fllama%203%25%3F%26%3D%2B%23");
  EXPECT_EQ(encode_segment("ü\n"), "%C3%BC%0A");
}

TEST(Queries, filters_go_round) {
  EXPECT_EQ(query_of(TokenFilter{}), "");
  const TokenFilter tokens{"exhausted", "fast",  "team", "k=v w", "ci-*", 604'800'000, 1500,
                           80,          "-used", true,   "o200",  50,     true};
  const auto text = query_of(tokens);
  const auto again = token_filter_from(parse(text));
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(query_of(*again), text);
  EXPECT_EQ(again->expiring_ms, 604'800'000);
  EXPECT_EQ(again->tag, "k=v w");

  EXPECT_EQ(query_of(RequestFilter{}), "");
  const RequestFilter requests{"ci",           "gpt-4o",       "openai", "team",       "*",
                               sample_time(1), sample_time(2), "req_1",  std::nullopt, 7};
  const auto request_text = query_of(requests);
  const auto requests_again = request_filter_from(parse(request_text));
  ASSERT_TRUE(requests_again.has_value()) << requests_again.error().message;
  EXPECT_EQ(query_of(*requests_again), request_text);
  EXPECT_EQ(requests_again->since, sample_time(1));

  const UsageQuery usage{{"day", "model"}, sample_time(1), sample_time(2), "Asia/Tokyo", "ci", "m", "c", "g", "a"};
  const auto usage_text = query_of(usage);
  const auto usage_again = usage_query_from(parse(usage_text));
  ASSERT_TRUE(usage_again.has_value()) << usage_again.error().message;
  EXPECT_EQ(query_of(*usage_again), usage_text);

  const auto cost_text = query_of(CostQuery{"openai", sample_time(1), sample_time(2)});
  const auto cost_again = cost_query_from(parse(cost_text));
  ASSERT_TRUE(cost_again.has_value()) << cost_again.error().message;
  EXPECT_EQ(query_of(*cost_again), cost_text);
}

TEST(Queries, are_easy_to_type) {
  const auto tokens = token_filter_from({{"expiring", "7d"}, {"unused", "30d"}, {"over", "80"}});
  ASSERT_TRUE(tokens.has_value());
  EXPECT_EQ(tokens->expiring_ms, 7LL * 24 * 3600 * 1000);
  EXPECT_EQ(tokens->unused_ms, 30LL * 24 * 3600 * 1000);
  const auto usage = usage_query_from({{"by", "day,model"}, {"since", "2026-01-31"}});
  ASSERT_TRUE(usage.has_value());
  EXPECT_EQ(usage->by, (std::vector<std::string>{"day", "model"}));
}

struct RefusalCase {
  Query query;
  std::string message, hint;
};

template <class Read>
void expect_refusals(Read read, const std::vector<RefusalCase>& table) {
  for (const auto& row : table) {
    const auto filter = read(row.query);
    ASSERT_FALSE(filter.has_value()) << row.message;
    EXPECT_EQ(filter.error().code, base::ErrorCode::invalid);
    EXPECT_THAT(filter.error().message, HasSubstr(row.message));
    EXPECT_THAT(filter.error().hint, HasSubstr(row.hint));
  }
}

TEST(Queries, are_refused_by_name) {
  expect_refusals(token_filter_from,
                  {
                      {{{"stauts", "enabled"}}, "unknown parameter 'stauts'", "did you mean 'status'?"},
                      {{{"status", "enabld"}}, "status: 'enabld' is not one of", "did you mean 'enabled'?"},
                      {{{"status", "enabled"}, {"status", "expired"}}, "status: given twice", ""},
                      {{{"limit", "0"}}, "limit: expected a whole number from 1 to 1000", ""},
                      {{{"limit", "1001"}}, "limit: expected", ""},
                      {{{"limit", "5x"}}, "limit: expected", ""},
                      {{{"limit", ""}}, "limit: expected", ""},
                      {{{"over", "101"}}, "over: expected", ""},
                      {{{"sort", "size"}}, "sort: 'size' is not one of", ""},
                      {{{"deleted", "1"}}, "deleted: expected true or false", ""},
                      {{{"expiring", "7"}}, "expiring: ", ""},
                      {{{"unused", "soon"}}, "unused: ", ""},
                  });
  expect_refusals(request_filter_from, {
                                           {{{"since", "yesterday"}}, "since: ", ""},
                                           {{{"cursor", "a"}, {"after", "b"}}, "after: ", ""},
                                           {{{"tokn", "ci"}}, "unknown parameter 'tokn'", "did you mean 'token'?"},
                                       });
  expect_refusals(cost_query_from, {
                                       {{{"since", "2026-01-31"}}, "channel: missing", ""},
                                       {{{"channel", "c"}}, "since: missing", "a date"},
                                   });
  expect_refusals(usage_query_from, {
                                        {{}, "by: missing", "by=day"},
                                        {{{"by", "colour"}}, "by: 'colour' is not one of", ""},
                                        {{{"by", "dya"}}, "by: 'dya' is not one of", "did you mean 'day'?"},
                                    });
}

}  // namespace
}  // namespace cr::admin
