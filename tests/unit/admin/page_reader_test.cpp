// SPDX-License-Identifier: MIT
#include "admin/page_reader.h"

#include <gmock/gmock.h>

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

namespace cr::admin {
namespace {

using testing::ElementsAre;

// A daemon's pages by the paths they are asked for with, and what was asked.
class Pages {
 public:
  std::map<std::string, base::Result<std::string>> by_path;
  PageReader reader(std::optional<int> limit = std::nullopt) {
    return {[this](const std::string& path) -> base::Result<std::string> {
              const std::scoped_lock lock(mutex_);
              asked_.push_back(path);
              const auto found = by_path.find(path);
              if (found != by_path.end()) return found->second;
              return base::fail(base::ErrorCode::not_found, "no page at " + path);
            },
            [](const std::optional<std::string>& cursor, std::optional<int> wanted) {
              return cursor.value_or("first") + ":" + std::to_string(wanted.value_or(-1));
            },
            limit};
  }
  std::vector<std::string> asked() {
    const std::scoped_lock lock(mutex_);
    return asked_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> asked_;
};

std::string page_of(int items, const char* next) {
  auto page = nlohmann::json{{"items", nlohmann::json::array()}, {"next", nullptr}};
  for (int i = 0; i < items; ++i) page["items"].push_back({{"next", "not this one"}, {"items", {1, 2}}, {"n", i}});
  if (next != nullptr) page["next"] = next;
  return page.dump();
}

TEST(PageReader, FollowsCursorsToTheEnd) {
  Pages pages;
  pages.by_path = {{"first:1000", page_of(1000, "a \"b\" \u00fc")},
                   {"a \"b\" \u00fc:1000", page_of(3, "c")},
                   {"c:1000", page_of(2, nullptr)}};
  auto reader = pages.reader();
  for (const auto& path : {"first:1000", "a \"b\" \u00fc:1000", "c:1000"}) {
    const auto page = reader.next();
    ASSERT_TRUE(page && *page);
    EXPECT_EQ((*page)->json, pages.by_path.at(path).value());
    EXPECT_EQ((*page)->wanted, 1000);
  }
  EXPECT_EQ(reader.next().value(), std::nullopt);
  EXPECT_EQ(reader.next().value(), std::nullopt);
  EXPECT_THAT(pages.asked(), ElementsAre("first:1000", "a \"b\" \u00fc:1000", "c:1000"));
}

TEST(PageReader, ALimitIsCountedInWhatCame) {
  Pages pages;
  // A page may have fewer than were asked for, or more.
  pages.by_path = {{"first:1000", page_of(400, "b")}, {"b:1000", page_of(1000, "c")}, {"c:100", page_of(150, "d")}};
  auto reader = pages.reader(1500);
  for (const int wanted : {1000, 1000, 100}) {
    const auto page = reader.next();
    ASSERT_TRUE(page && *page);
    EXPECT_EQ((*page)->wanted, wanted);
  }
  EXPECT_EQ(reader.next().value(), std::nullopt) << "nothing is asked for beyond the limit";
  EXPECT_EQ(pages.asked().size(), 3U);
}

TEST(PageReader, APageWithoutRecordsIsTheLast) {
  Pages pages;
  pages.by_path = {{"first:1000", page_of(0, "again")}};
  auto reader = pages.reader();
  EXPECT_TRUE(reader.next().value().has_value());
  EXPECT_EQ(reader.next().value(), std::nullopt);
}

TEST(PageReader, WhatIsNoPageIsGivenOnce) {
  for (const std::string text : {"", "[]", "{", "null", R"({"items":[1],"next":"a")", R"({"items":[1],"next":"a"} x)",
                                 R"({"items":7,"next":"a"})", R"({"items":[1],"next":7})"}) {
    Pages pages;
    pages.by_path = {{"first:1000", text}};
    auto reader = pages.reader();
    const auto page = reader.next();
    ASSERT_TRUE(page && *page) << text;
    EXPECT_EQ((*page)->json, text);
    EXPECT_EQ(reader.next().value(), std::nullopt) << text;
  }
}

TEST(PageReader, AnErrorEndsIt) {
  Pages pages;
  pages.by_path = {{"first:1000", page_of(1, "lost")}};
  auto reader = pages.reader();
  EXPECT_TRUE(reader.next().value().has_value());
  const auto failed = reader.next();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "no page at lost:1000");
  EXPECT_EQ(reader.next().value(), std::nullopt);
}

}  // namespace
}  // namespace cr::admin
