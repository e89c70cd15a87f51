// SPDX-License-Identifier: MIT
// Answers that crd itself gives under /v1: models, the token about itself, and the balance many clients read.
// Worker thread; needs a key like everything under /v1.
#pragma once

#include <optional>
#include <string>

#include "base/id.h"
#include "http/message/head.h"
#include "http/server/connection.h"
#include "relay/request/answer_text.h"
#include "relay/request/worker_context.h"

namespace cr::relay::request {

enum class OwnAnswer { models, model, token, billing_subscription, billing_usage };

// By path; nullopt if it is none of them.
std::optional<OwnAnswer> find_own_answer(std::string_view path);

// Authenticates, answers and says whether the connection may carry on.
http::Task<Persistence> give_own_answer(WorkerContext& worker, http::server::Connection& client,
                                        const http::message::RequestHead& head, OwnAnswer what, base::RequestId id);

}  // namespace cr::relay::request
