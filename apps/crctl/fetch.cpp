// SPDX-License-Identifier: MIT
#include "crctl/fetch.h"

#include <fmt/format.h>

#include "crctl/prompt.h"
#include "json/cursor.h"

namespace cr::crctl {

using base::Result;

PathOfPage plain_pages(std::string path) {
  return [path = std::move(path)](const std::optional<std::string>& cursor, std::optional<int> limit) {
    std::string page = path + (path.find('?') == std::string::npos ? '?' : '&') +
                       fmt::format("limit={}", limit.value_or(k_page_records));
    if (cursor) page += "&cursor=" + admin::encode_segment(*cursor);
    return page;
  };
}

namespace {

struct Outline {
  int items = 0;
  std::optional<std::string> next;
};

// Of a page's text, without a look at its records: the next one is asked for before they are read. A text that is no
// page has none: whoever reads the records says so.
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
  return cursor.finish() ? outline : Outline{outline.items, std::nullopt};
}

}  // namespace

PageReader::PageReader(admin::Client& client, PathOfPage path_of, std::optional<int> limit)
    : client_(client), path_of_(std::move(path_of)), left_(limit) {
  fetch(std::nullopt);
}

void PageReader::fetch(const std::optional<std::string>& cursor) {
  wanted_ = std::min(left_.value_or(k_page_records), k_page_records);
  coming_ = std::async(std::launch::async,
                       [&client = client_, path = path_of_(cursor, wanted_)] { return client.call("GET", path); });
}

Result<std::optional<PageReader::Page>> PageReader::next() {
  if (!coming_.valid()) return std::nullopt;
  auto answer = coming_.get();
  if (!answer) return tl::unexpected(answer.error());
  Page page{std::move(answer->body), wanted_};
  const auto outline = outline_of(page.json);
  if (left_) *left_ -= std::min(outline.items, wanted_);
  if (outline.items > 0 && outline.next && left_ != 0) fetch(outline.next);
  return page;
}

Result<Exit> print_done(Context& context, const std::string& note, const std::string& json) {
  if (!note.empty()) context.output.note(note);
  if (auto printed = context.output.object(json); !printed) return tl::unexpected(printed.error());
  return Exit::done;
}

Result<Exit> run_delete(Context& context, const std::string& noun, const std::string& path,
                        const std::vector<std::string>& names) {
  if (!context.globals.dry_run) {
    const std::string question = names.size() == 1 ? fmt::format("delete {} '{}'?", noun, names.front())
                                                   : fmt::format("delete {} {}s?", names.size(), noun);
    const auto answer = confirm(context, question);
    if (!answer) return tl::unexpected(answer.error());
    if (*answer == Answer::no)
      return context.refuse({base::ErrorCode::refused, "nothing was deleted", {}}, Exit::declined);
  }
  return context.each(names, [&](const std::string& name) -> Result<void> {
    auto done = context.client().call("DELETE", path + "/" + admin::encode_segment(name), {}, context.call_options());
    if (!done) return tl::unexpected(done.error());
    auto printed = print_done(context, fmt::format("{}deleted {} '{}'", context.would(), noun, name), done->body);
    if (!printed) return tl::unexpected(printed.error());
    return {};
  });
}

}  // namespace cr::crctl
