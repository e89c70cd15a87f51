// SPDX-License-Identifier: MIT
// Keys out of what people read: errors, hints, log lines. A pure function, any thread.
#pragma once

#include <string>
#include <string_view>

namespace cr::base {

// `text` with each word that may be a key replaced by "(not shown: it may be a key)": what begins as providers' keys do
// ("sk-...") or has 20 letters and digits mixed in one run. Names, paths and addresses stay; so do a key's hint
// ("sk-cr-Ab1C...x9Zq") and a request's id.
std::string hide_keys(std::string_view text);

}  // namespace cr::base
