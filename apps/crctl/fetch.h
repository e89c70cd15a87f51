// SPDX-License-Identifier: MIT
// Lists and single objects fetched from the daemon, and printed: what `list` and `show` of every noun share. One
// thread.
#pragma once

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "admin/client.h"
#include "admin/page_reader.h"
#include "crctl/context.h"
#include "crctl/json_text.h"
#include "crctl/listing.h"

namespace cr::crctl {

using admin::k_page_records;
using admin::PathOfPage;

// "/channels?limit=1000&cursor=...": a list without filters.
PathOfPage plain_pages(std::string path);

// Calls `each` with the records of one page after the other, at most `limit` in all; its first Error ends it. Their
// JSON is there if the output needs it.
template <class T>
base::Result<void> each_page(Context& context, const PathOfPage& path_of, std::optional<int> limit,
                             const std::function<base::Result<void>(std::vector<Record<T>>&)>& each) {
  const auto fetch = [&client = context.client()](const std::string& path) -> base::Result<std::string> {
    auto answer = client.call("GET", path);
    if (!answer) return tl::unexpected(answer.error());
    return std::move(answer->body);
  };
  admin::PageReader pages(fetch, path_of, limit);
  while (true) {
    auto page = pages.next();
    if (!page) return tl::unexpected(page.error());
    if (!*page) return {};
    const auto& [json, wanted] = **page;
    auto parsed = admin::from_json<admin::Page<T>>(json);
    if (!parsed) return tl::unexpected(parsed.error());
    auto items = context.output.list_needs().json ? array_items(json, "items") : std::vector<std::string>();
    items.resize(parsed->items.size());
    std::vector<Record<T>> records;
    for (std::size_t i = 0; i < parsed->items.size() && static_cast<int>(i) < wanted; ++i) {
      records.push_back({std::move(parsed->items[i]), std::move(items[i])});
    }
    if (auto done = each(records); !done) return done;
  }
}

template <class T>
base::Result<std::vector<Record<T>>> fetch_all(Context& context, const PathOfPage& path_of, std::optional<int> limit) {
  std::vector<Record<T>> all;
  auto done = each_page<T>(context, path_of, limit, [&](std::vector<Record<T>>& records) -> base::Result<void> {
    std::move(records.begin(), records.end(), std::back_inserter(all));
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return all;
}

template <class T>
base::Result<Exit> print_field_names(Context& context, const RecordKind<T>& kind) {
  std::vector<Column> columns;
  for (const auto& column : kind.columns) columns.push_back(column.column);
  auto printed = context.output.field_names(columns, member_names(admin::to_json(T{})));
  if (!printed) return tl::unexpected(printed.error());
  return Exit::done;
}

template <class T>
struct ListRequest {
  PathOfPage path_of;
  std::optional<int> limit;
  std::function<void(const T&)> count = {};   // called with each record; may be empty
  std::function<std::string()> summary = {};  // a last line for eyes, of what was counted; may be empty
};

// Page by page: whatever the length of the list, a page is all that is kept of it.
template <class T>
base::Result<Exit> run_list(Context& context, const RecordKind<T>& kind, const ListRequest<T>& request) {
  if (context.globals.wants_field_names()) return print_field_names(context, kind);
  Output::Pages pages(context.output);
  bool any = false;
  auto done =
      each_page<T>(context, request.path_of, request.limit, [&](std::vector<Record<T>>& records) -> base::Result<void> {
        any = any || !records.empty();
        for (const auto& record : records) {
          if (request.count) request.count(record.value);
        }
        return pages.add(make_listing(kind, records, context.list_view(), context.output.list_needs()));
      });
  if (done) done = pages.end(request.summary ? request.summary() : any ? std::string() : "no " + kind.noun + "s");
  if (!done) return tl::unexpected(done.error());
  return Exit::done;
}

// One object the daemon answered with, as `show` prints it.
template <class T>
base::Result<Exit> print_one(Context& context, const RecordKind<T>& kind, T value, std::string json) {
  const std::vector<Record<T>> one{{std::move(value), std::move(json)}};
  auto printed = context.output.show(make_listing(kind, one, context.view(true)));
  if (!printed) return tl::unexpected(printed.error());
  return Exit::done;
}

template <class T>
base::Result<Exit> run_show(Context& context, const RecordKind<T>& kind, const std::string& path) {
  if (context.globals.wants_field_names()) return print_field_names(context, kind);
  std::string raw;
  auto value = context.client().get<T>(path, &raw);
  if (!value) return tl::unexpected(value.error());
  return print_one(context, kind, *std::move(value), raw);
}

// A change whose answer is the object: a note for eyes, the object where data was asked for.
base::Result<Exit> print_done(Context& context, const std::string& note, const std::string& json);

// PATCH of an object whose answer is the object and what the edit changed: prints that.
template <class T, class Edit>
base::Result<Exit> run_edit(Context& context, const std::string& what, const std::string& path, const Edit& edit) {
  std::string after;
  auto edited = context.client().send<admin::Edited<T>>("PATCH", path, edit, context.call_options(), &after);
  if (!edited) return tl::unexpected(edited.error());
  if (edited->changes.empty()) context.output.note(what + ": nothing to change");
  auto printed = context.output.changes(edited->changes, after);
  if (!printed) return tl::unexpected(printed.error());
  return Exit::done;
}

// Deletes the named objects after asking; `path` is the collection's: "/channels".
base::Result<Exit> run_delete(Context& context, const std::string& noun, const std::string& path,
                              const std::vector<std::string>& names);

}  // namespace cr::crctl
