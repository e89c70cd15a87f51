// SPDX-License-Identifier: MIT
// RequestContext: what does not change of a request while it runs, and every part of its Exchange looks at: its head,
// its names, and the settings that it began with. Worker thread; one request each.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/id.h"
#include "http/message/head.h"
#include "ledger/core/directory.h"
#include "relay/policy/settings.h"
#include "relay/request/answer_text.h"

namespace cr::relay::request {

struct RequestContext {
  const http::message::RequestHead& head;
  const dialect::Endpoint endpoint;
  const base::RequestId id;
  const std::string request_id;  // as text
  const base::SteadyTime started;
  const ledger::DirectorySnapshot directory;
  const std::shared_ptr<const policy::Settings> settings;

  // `request` outlives it.
  RequestContext(const http::message::RequestHead& request, dialect::Endpoint at, base::RequestId named,
                 ledger::DirectorySnapshot known, std::shared_ptr<const policy::Settings> set)
      : head(request),
        endpoint(at),
        id(named),
        request_id(named.to_string()),
        started(base::steady_now()),
        directory(std::move(known)),
        settings(std::move(set)) {}

  // What every response to it has in common.
  AnswerFor answer() const { return answer_for(head, dialect::dialect_of(endpoint), request_id, *settings); }
  std::int64_t duration_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(base::steady_now() - started).count();
  }
  // Of `limit`, where all attempts together have total_timeout from `since` on.
  std::chrono::milliseconds time_left(base::SteadyTime since, std::chrono::milliseconds limit) const {
    const auto total =
        settings->total_timeout - std::chrono::duration_cast<std::chrono::milliseconds>(base::steady_now() - since);
    return std::max(std::chrono::milliseconds(0), std::min(limit, total));
  }
};

}  // namespace cr::relay::request
