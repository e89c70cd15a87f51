// SPDX-License-Identifier: MIT
// What a channel's settings must be like. Pure; any thread. Errors are `invalid` and name the setting.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ledger/core/records.h"

namespace cr::ledger {

// What base::Url::parse takes, which requests are sent by as well; without trailing slashes.
base::Result<std::string> check_base_url(std::string_view url);
// models and the aliases of model_map, as one set.
base::Result<token::ModelSet> served_models(const ChannelRecord& channel);
// How the provider at that address calls the bound of a chat's output; of a URL that cannot be parsed, the usual name.
std::string_view default_bound_field(ChannelKind kind, std::string_view base_url);
// The headers a channel adds to its requests: a field's name (in lower case) and value as HTTP has them, none that crd
// writes itself or that frames the message, 16 of them and 4096 bytes at most.
base::Result<void> check_headers(const std::map<std::string, std::string>& headers);
// ca_file, client_cert and client_key: absolute paths, the last two together. The files are not looked at.
base::Result<void> check_certificate_files(const ChannelRecord& channel);
// Likewise, of "http://host[:port]" alone.
base::Result<std::string> check_proxy(std::string_view url);
// Checks and completes everything but name and groups: base_url, bound_field (empty and "auto" are the usual one),
// model_set, weight, timeouts, network, and what is said of the provider.
// `before`: the record an edit began with, null for a new channel; addresses that are still its own are not judged.
base::Result<void> complete_channel(ChannelRecord& channel, const ChannelRecord* before);

}  // namespace cr::ledger
