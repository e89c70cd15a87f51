// SPDX-License-Identifier: MIT
// The noun `price`: what its files share.
#pragma once

#include <string_view>

#include "admin/messages.h"
#include "crctl/commands.h"

namespace CLI {
class App;
}

namespace cr::crctl {

// {"models":[...]} as the shipped list has it, an array of prices, CSV, or a list of others (price_shapes.h); null
// members are left out, members that say nothing about the price (provider, source) ignored. `invalid` names the entry:
// an unknown member, a model twice, a rate that can only be of one token.
base::Result<admin::PriceImport> parse_price_list(std::string_view text);

void add_price_import(Commands& commands, CLI::App& price);  // import

}  // namespace cr::crctl
