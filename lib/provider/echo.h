// SPDX-License-Identifier: MIT
// Echo: answers as a model would, with text, stream and usage, for the `echo` channel kind. Pure: the caller keeps the
// clock and the delay. One answer each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "dialect/endpoint.h"
#include "dialect/request_scan.h"
#include "provider/provider.h"

namespace cr::provider {

// Whether echo has an honest answer for `endpoint`.
bool echo_answers(dialect::Endpoint endpoint);

// What echo_answer() may come to hold of memory while it works, about.
std::uint64_t echo_bytes_ceiling(std::string_view body);

// Says the last user text back, cut at the request's output bound (finish_reason length then); counts a model token a
// word or punctuation mark, on both sides. `id` becomes the answer's id with the endpoint's own prefix. `body` has
// passed the scanner; fields of unexpected shape are treated as absent.
LocalResponse echo_answer(dialect::Endpoint endpoint, std::string_view body, const dialect::RequestScan& scan,
                          std::string_view id, base::Time now);

}  // namespace cr::provider
