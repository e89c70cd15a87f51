// SPDX-License-Identifier: MIT
#include "crctl/token_old_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "admin/client.h"
#include "crctl/fetch.h"

namespace cr::crctl {

const admin::KeyInfo* current_key(const admin::Token& token) {
  const auto found = std::find_if(token.keys.begin(), token.keys.end(),
                                  [](const admin::KeyInfo& key) { return key.state == "current"; });
  return found == token.keys.end() ? nullptr : &*found;
}

base::Result<std::vector<admin::Token>> tokens_with_old_keys(Context& context, const OldKeyFilter& filter,
                                                             std::chrono::milliseconds older_than) {
  std::vector<admin::Token> old;
  std::size_t disabled = 0;
  auto done = each_page<admin::Token>(
      context,
      [&](const std::optional<std::string>& cursor, std::optional<int> limit) {
        admin::TokenFilter query;
        query.group = filter.group;
        query.account = filter.account;
        query.tag = filter.tag;
        query.name = filter.name;
        query.cursor = cursor;
        query.limit = limit;
        return "/tokens" + admin::query_of(query);
      },
      std::nullopt,
      [&](std::vector<Record<admin::Token>>& tokens) -> base::Result<void> {
        for (auto& [token, json] : tokens) {
          const admin::KeyInfo* key = current_key(token);
          if (key == nullptr || key->created_at > context.now - older_than) continue;
          if (token.status == "disabled") {
            ++disabled;
          } else {
            old.push_back(std::move(token));
          }
        }
        return {};
      });
  if (!done) return tl::unexpected(done.error());
  if (disabled > 0) {
    context.output.note(fmt::format("{} disabled token{} left as {}", disabled, disabled == 1 ? " is" : "s are",
                                    disabled == 1 ? "it is" : "they are"));
  }
  return old;
}

}  // namespace cr::crctl
