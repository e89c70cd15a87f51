// SPDX-License-Identifier: MIT
#include "admin/page_reader.h"

#include <algorithm>
#include <utility>

#include "json/cursor.h"

namespace cr::admin {
namespace {

struct Outline {
  int items = 0;
  std::optional<std::string> next;
};

// Of a page's text, without a look into its records: the next page is asked for before they are read.
Outline outline_of(std::string_view page) {
  Outline outline;
  json::JsonCursor cursor(page);
  json::JsonString name;
  if (!cursor.begin_object()) return outline;
  while (cursor.next_member(name)) {
    if (equals(name, "items") && cursor.kind() == json::JsonKind::array) {
      for (cursor.begin_array(); cursor.next_element(); cursor.skip_value()) ++outline.items;
    } else if (equals(name, "next") && cursor.kind() == json::JsonKind::string) {
      json::JsonString text;
      if (cursor.read_string(text)) outline.next = unescape(text);
    } else {
      cursor.skip_value();
    }
  }
  return cursor.finish() ? outline : Outline{};
}

}  // namespace

PageReader::PageReader(Fetch fetch, PathOfPage path_of, std::optional<int> limit)
    : fetch_(std::move(fetch)), path_of_(std::move(path_of)), left_(limit) {
  ask(std::nullopt);
}

void PageReader::ask(const std::optional<std::string>& cursor) {
  wanted_ = std::min(left_.value_or(k_page_records), k_page_records);
  coming_ = std::async(std::launch::async, fetch_, path_of_(cursor, wanted_));
}

base::Result<std::optional<PageReader::Page>> PageReader::next() {
  if (!coming_.valid()) return std::nullopt;
  auto answer = coming_.get();
  if (!answer) return tl::unexpected(answer.error());
  Page page{std::move(*answer), wanted_};
  const auto outline = outline_of(page.json);
  if (left_) *left_ -= std::min(outline.items, wanted_);
  if (outline.items > 0 && outline.next && left_ != 0) ask(outline.next);
  return page;
}

}  // namespace cr::admin
