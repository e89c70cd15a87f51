// SPDX-License-Identifier: MIT
// AnswerKind: whether what came with a good status is an answer of its endpoint at all, or a page, an error, nothing:
// what a provider's proxy says in its place. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "dialect/endpoint.h"
#include "dialect/meter_form.h"

namespace cr::dialect {

enum class AnswerKind { unknown, answer, none };

// Of a whole plain body. `reading`: what the dialect read of it; null: it is no JSON object, or not a whole one.
AnswerKind kind_of_body(Endpoint endpoint, std::string_view body, const Reading* reading);
// Of the first bytes of a plain body that goes on: whether they can begin an answer.
bool may_begin_answer(Endpoint endpoint, std::string_view bytes);
// Of an event of a stream whose events before it were all `unknown` (comments, pings).
AnswerKind kind_of_event(Endpoint endpoint, std::string_view name, std::string_view data, const Reading* reading);
// Whether a body that begins so is a stream of server-sent events; no value: too little has come.
std::optional<bool> is_event_stream(std::string_view bytes);

}  // namespace cr::dialect
