// SPDX-License-Identifier: MIT
// PageReader: a list of the admin API page by page. While one page is worked on, the next is on its way in a thread of
// its own, one at a time. One thread's; its end waits for what is on its way.
#pragma once

#include <functional>
#include <future>
#include <optional>
#include <string>

#include "base/result.h"

namespace cr::admin {

// The path of a page: of the first one without a cursor, of at most `limit` records if given.
using PathOfPage = std::function<std::string(const std::optional<std::string>& cursor, std::optional<int> limit)>;

inline constexpr int k_page_records = 1000;

class PageReader {
 public:
  // The body of an answer to GET; called in another thread.
  using Fetch = std::function<base::Result<std::string>(const std::string& path)>;
  PageReader(Fetch fetch, PathOfPage path_of, std::optional<int> limit);

  struct Page {
    std::string json;
    int wanted = 0;  // of its records, from the front
  };
  // None: that was all. A page that brings nothing ends it too: a cursor must never make a loop. So does a text that is
  // no page; it is given as it is, once.
  base::Result<std::optional<Page>> next();

 private:
  void ask(const std::optional<std::string>& cursor);
  Fetch fetch_;
  PathOfPage path_of_;
  std::optional<int> left_;  // of the limit
  int wanted_ = 0;           // of the page that comes
  std::future<base::Result<std::string>> coming_;
};

}  // namespace cr::admin
