// SPDX-License-Identifier: MIT
// What a browser must be told before a page of another origin may call and read (the Fetch Standard, "CORS protocol").
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/message/head.h"
#include "http/message/head_writer.h"

namespace cr::relay::policy {

// "*", or an origin as browsers write it: "https://app.example", "http://localhost:3000"; scheme and host in lower
// case, no port that is the scheme's own, no path. `invalid` for anything else, with the way out as its hint.
base::Result<void> check_origin(std::string_view origin);

// Of `allowed`, checked by check_origin(), what an answer names to the request's Origin: that origin, or "*"; empty if
// it has none or is not allowed. Points into `head` or is a literal.
std::string_view find_allowed_origin(const std::vector<std::string>& allowed, const http::message::RequestHead& head);

// OPTIONS with Origin and Access-Control-Request-Method: a browser asks whether a page may send what comes next.
bool is_preflight(const http::message::RequestHead& head);

// Into an answer's head: who may read it, and which of its fields.
void append_origin_fields(http::message::HeadWriter& writer, std::string_view allowed_origin);
// Into the head of a preflight's answer besides: the methods and header fields that may be sent.
void append_preflight_fields(http::message::HeadWriter& writer, const http::message::RequestHead& head);

}  // namespace cr::relay::policy
