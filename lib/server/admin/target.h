// SPDX-License-Identifier: MIT
// A request target of the admin API: "/admin/v1/tokens/ci?limit=5" as segments and parameters. Pure, any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cr::server::admin {

struct AdminTarget {
  std::vector<std::string> segments;  // below /admin/v1, decoded: a %2F is part of a name
  std::multimap<std::string, std::string> query;
};

// `invalid` for a broken escape, a control character or an empty segment; `not_found` outside /admin/v1.
base::Result<AdminTarget> parse_target(std::string_view target);

// "/tokens/{name}/rotate" against the segments: the values of the braces, or nothing.
std::optional<std::vector<std::string>> match_pattern(std::string_view pattern,
                                                      const std::vector<std::string>& segments);

}  // namespace cr::server::admin
