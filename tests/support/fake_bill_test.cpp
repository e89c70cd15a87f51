// SPDX-License-Identifier: MIT
#include "support/fake_bill.h"

#include <gmock/gmock.h>

#include "support/client.h"
#include "support/upstream.h"

namespace cr::test {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t k_usual = 10 * 1000 + 20 * 2000;  // of fake-a
constexpr std::int64_t k_search = 10'000'000;

FakeUsage tokens(std::int64_t input, std::int64_t output) {
  FakeUsage usage;
  usage.input = input;
  usage.output = output;
  usage.requests = 1;
  return usage;
}

struct Row {
  const char* name;
  FakeSale sale;
  FakeUsage used;
  std::int64_t bill;
};
void PrintTo(const Row& row, std::ostream* out) {
  *out << row.name;
}

std::vector<Row> rows() {
  auto cached = tokens(1000, 1);
  cached.cached = 500;
  cached.cache_write = 300;
  cached.long_cache_write = 100;
  auto searched = tokens(1, 1);
  searched.searches = 3;
  return {
      {"usual", {"fake-a"}, tokens(10, 20), k_usual},
      {"priority", {"fake-a", "priority"}, tokens(10, 20), 2 * k_usual},
      {"flex", {"fake-a", "flex"}, tokens(10, 20), k_usual / 2},
      {"default", {"fake-a", "default"}, tokens(10, 20), k_usual},
      {"fast", {"fake-a", {}, true}, tokens(10, 20), 3 * k_usual},
      {"cached", {"fake-cached"}, cached, 200 * 3000 + 500 * 300 + 200 * 3750 + 100 * 6000 + 15'000},
      {"short", {"fake-long"}, tokens(1000, 10), 1000 * 1000 + 10 * 2000},
      {"long", {"fake-full-long"}, tokens(1001, 10), 1001 * 2000 + 10 * 3000},
      {"long_flex", {"fake-long", "flex"}, tokens(1001, 10), 1001 * 1000 + 10 * 1500},
      {"searches_have_no_tier", {"fake-a", "priority"}, searched, 2 * 3000 + 3 * k_search},
      {"dear", {"fake-dear"}, tokens(1, 1), 30'000},
      {"cheap", {"fake-cheap"}, tokens(1, 1), 1500},
      {"not_on_the_card", {"nobody"}, tokens(10, 20), k_usual},
      {"nothing", {}, {}, 0},
  };
}

class FakeBillTest : public testing::TestWithParam<Row> {};
TEST_P(FakeBillTest, IsTheCardTimesTheUsage) {
  EXPECT_EQ(FakeBill().of(GetParam().sale, GetParam().used), GetParam().bill);
}
INSTANTIATE_TEST_SUITE_P(All, FakeBillTest, testing::ValuesIn(rows()), [](const auto& row) { return row.param.name; });

TEST(FakeBillChange, NamesTheRatesThatChange) {
  FakeBill bill;
  bill.change("fake-dear", {{"--output", "0.000001"}});
  EXPECT_EQ(bill.of({"fake-dear"}, tokens(1, 999'999)), 10'000 + 1000) << "rounded up, once";
  bill.change("pictures", {{"--per-image", "0.04"}, {"--per-request", "0.002"}});
  auto used = tokens(10, 20);
  used.images = 3;
  used.search_units = 2;
  EXPECT_EQ(bill.of({"pictures"}, used), 3 * 40'000'000 + 2 * 2'000'000) << "nothing else is charged";
  bill.change("fake-a", {{"--input", "3"}, {"--cache-write", "3.75"}});
  used = tokens(0, 0);
  used.input = used.cache_write = used.long_cache_write = 1;
  EXPECT_EQ(bill.of({"fake-a"}, used), 6000);
  EXPECT_THROW(bill.change("fake-a", {{"--inptu", "3"}}), std::invalid_argument);
}

// What the provider writes down of its requests.
class BilledRequests : public testing::Test {
 protected:
  static Json chat(const Json& more = Json::object()) {
    Json body = {{"model", "fake-a"}, {"messages", Json::array({{{"role", "user"}, {"content", "hello"}}})}};
    body.update(more);
    return body;
  }
  Json post(const std::string& path, const Json& body) {
    HttpClient client(upstream_.port(), "sk-provider-1234");
    return Json::parse(
        client
            .post("/v1/" + path, body.dump(), {{"x-api-key", "sk-provider-1234"}, {"anthropic-version", "2023-06-01"}})
            .body);
  }
  // Of a stream: as much of it as comes.
  std::size_t read_stream(const std::string& path, const Json& body) {
    RawClient client(upstream_.port());
    client.send(raw_request("POST", "/v1/" + path, "sk-provider-1234", body.dump(),
                            "x-api-key: sk-provider-1234\r\nanthropic-version: 2023-06-01\r\n"));
    const auto head = client.read_head();
    std::size_t count = 0;
    while (client.read_event(*head)) ++count;
    return count;
  }
  std::int64_t last_bill() { return upstream_.requests().back()["bill"]; }

  FakeUpstream upstream_;
};

TEST_F(BilledRequests, ByTheTierThatAnswers) {
  EXPECT_EQ(post("chat/completions", chat()).contains("service_tier"), false);
  EXPECT_EQ(last_bill(), k_usual);
  EXPECT_EQ(post("chat/completions", chat({{"service_tier", "priority"}}))["service_tier"], "priority");
  EXPECT_EQ(last_bill(), 2 * k_usual);
  EXPECT_EQ(post("chat/completions", chat({{"service_tier", "auto"}}))["service_tier"], "default");
  EXPECT_EQ(last_bill(), k_usual);
  upstream_.behave({{"tier", "default"}});
  EXPECT_EQ(post("responses", {{"model", "fake-a"}, {"input", "x"}, {"service_tier", "priority"}})["service_tier"],
            "default");
  EXPECT_EQ(last_bill(), k_usual);
  const Json fast = post("messages", chat({{"max_tokens", 50}, {"speed", "fast"}}));
  EXPECT_EQ(fast["usage"]["speed"], "fast");
  EXPECT_EQ(last_bill(), 3 * k_usual);
}

TEST_F(BilledRequests, ByTheModelThatAnswers) {
  upstream_.behave({{"answers_as", "fake-dear"}});
  EXPECT_EQ(post("chat/completions", chat())["model"], "fake-dear");
  EXPECT_EQ(last_bill(), 10 * k_usual);
  EXPECT_EQ(upstream_.requests().back()["model"], "fake-a");
}

TEST_F(BilledRequests, ForEachSearch) {
  Json tool = {{"type", "web_search_20250305"}, {"name", "web_search"}, {"max_uses", 2}};
  Json body = chat({{"max_tokens", 50}, {"tools", Json::array({tool})}});
  EXPECT_EQ(post("messages", body)["usage"]["server_tool_use"]["web_search_requests"], 1);
  EXPECT_EQ(last_bill(), k_usual + k_found * 1000 + k_search);
  body["messages"][0]["content"] = "[[searches=9]]";
  EXPECT_EQ(post("messages", body)["usage"]["input_tokens"], 10 + 2 * k_found) << "what it found is in the input";
  EXPECT_EQ(last_bill(), k_usual + 2 * k_found * 1000 + 2 * k_search);
  const Json output = post(
      "responses",
      {{"model", "fake-a"}, {"input", "[[searches=9]]"}, {"tools", Json::array({{{"type", "web_search"}}})}})["output"];
  ASSERT_EQ(output.size(), 6U);
  EXPECT_EQ(output[4]["type"], "web_search_call");
  EXPECT_EQ(output[5]["type"], "message");
  EXPECT_EQ(last_bill(), k_usual + 5 * k_found * 1000 + 5 * k_search);
}

// A stream that ends early is billed for what there was: a search once it is made, a word once it is said.
TEST_F(BilledRequests, AsFarAsTheyCame) {
  const Json tool = {{"type", "web_search_20250305"}, {"name", "web_search"}};
  Json body = chat({{"max_tokens", 50}, {"stream", true}, {"tools", Json::array({tool})}});
  body["messages"][0]["content"] = "[[searches=2]]";
  // message_start; a search, which is two blocks of a start and a stop each; another; the text's start, a ping; words.
  for (const auto& [events, searches, words] : {std::tuple{1, 0, 0}, {2, 1, 0}, {5, 1, 0}, {6, 2, 0}, {14, 2, 3}}) {
    upstream_.behave({{"cut_after", events}});
    EXPECT_EQ(read_stream("messages", body), static_cast<std::size_t>(events));
    EXPECT_EQ(last_bill(), 10'000 + searches * (k_found * 1000 + k_search) + words * 2000) << events;
  }
  upstream_.behave({{"cut_after", 2}, {"works_on", true}});
  read_stream("messages", body);
  EXPECT_EQ(last_bill(), k_usual + 2 * (k_found * 1000 + k_search)) << "who left does not matter";
  upstream_.behave({{"status", 500}});
  post("messages", chat({{"max_tokens", 50}}));
  EXPECT_EQ(last_bill(), 0);
}

TEST_F(BilledRequests, OfCrdItselfApart) {
  post("chat/completions", chat());
  post("chat/completions", chat({{"messages", Json::array({{{"role", "user"}, {"content", "ping"}}})}}));
  HttpClient client(upstream_.port(), "sk-provider-1234");
  client.post("/v1/chat/completions", chat().dump(), {{"user-agent", "code-router/1 (probe)"}});
  const Json bill = upstream_.bill();
  EXPECT_EQ(bill["requests"], k_usual);
  EXPECT_EQ(bill["own"], 2 * k_usual);
  EXPECT_EQ(bill["running"], 0);
  ASSERT_EQ(bill["answers"].size(), 1U);
  EXPECT_EQ(bill["answers"][0]["bill"], k_usual);
  EXPECT_EQ(bill["answers"][0]["whole"], true);
  upstream_.reset();
  EXPECT_EQ(upstream_.requests(), Json::array());
  EXPECT_EQ(upstream_.bill(), bill) << "no debt is forgotten";
  upstream_.change_price({{"model", "fake-a"}, {"--input", "2"}});
  EXPECT_EQ(upstream_.bill(), bill) << "of what comes later";
  post("chat/completions", chat());
  EXPECT_EQ(last_bill(), 10 * 2000 + 20 * 2000);
}

}  // namespace
}  // namespace cr::test
