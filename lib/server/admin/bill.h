// SPDX-License-Identifier: MIT
// Bills as the admin API shows them: what a usage costs, line by line, exact to the last digit, and as text. Pure; any
// thread.
#pragma once

#include <string>
#include <vector>

#include "admin/messages.h"
#include "admin/report_messages.h"
#include "billing/cost.h"
#include "ledger/core/records.h"
#include "ledger/core/reports.h"

namespace cr::server::admin {

std::vector<cr::admin::BillLine> bill_of(const billing::Price& price, const dialect::Usage& usage,
                                         const billing::Circumstances& circumstances);
// A line for each, then the rules that the rates are by, the group's factor if it is not 1, and the total.
std::vector<std::string> text_of(const std::vector<cr::admin::BillLine>& bill, const std::vector<std::string>& rules,
                                 billing::Multiplier multiplier, base::Credits cost);

// Of a request's row, by the price that it was charged by. `corrupt` where the row does not say it as crd writes it.
base::Result<cr::admin::RequestBill> bill_of(const ledger::RequestRow& row, const ledger::PriceRecord& price);

}  // namespace cr::server::admin
