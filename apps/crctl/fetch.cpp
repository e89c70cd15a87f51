// SPDX-License-Identifier: MIT
#include "crctl/fetch.h"

#include <fmt/format.h>

#include "crctl/prompt.h"

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
