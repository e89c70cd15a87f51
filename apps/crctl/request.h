// SPDX-License-Identifier: MIT
// The noun `request`: one function a file of verbs, and what these files share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "admin/client.h"
#include "crctl/commands.h"
#include "crctl/fetch.h"

namespace cr::crctl {

struct RequestWords {
  std::optional<std::string> token, model, channel, account, error, since, until;
  std::optional<std::int64_t> limit;
  bool errors = false, follow = false;
};

const RecordKind<admin::Request>& request_kind();
void add_request_filters(CLI::App& verb, RequestWords& words);
base::Result<admin::RequestFilter> request_filter(const Context& context, const RequestWords& words);
PathOfPage request_pages(admin::RequestFilter filter);

void add_request_tail(Commands& commands, CLI::App& request);

}  // namespace cr::crctl
