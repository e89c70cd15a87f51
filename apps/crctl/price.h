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

// {"models":[...]} as the shipped list has it, or an array of prices; null members are left out, members that say
// nothing about the price (provider, source) ignored. `invalid` names the entry.
base::Result<admin::PriceImport> parse_price_list(std::string_view json);

void add_price_import(Commands& commands, CLI::App& price);  // import

}  // namespace cr::crctl
