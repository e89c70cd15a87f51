// SPDX-License-Identifier: MIT
// The parts of a usage that a request's row has no column for, and of the circumstances what its price's rules went by,
// as the JSON text that the row keeps: so that its bill can be shown line by line later. Pure; any thread.
//   {"usage":{"cache_write_hour":5,"audio_input":7},"asked":{"/speed":"fast"},"tier":"flex",
//    "told":{"/service_tier":"priority"},"counts":{"/usage/searches":2}}
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "billing/cost.h"
#include "billing/price.h"
#include "dialect/request_scan.h"
#include "dialect/told.h"
#include "dialect/usage.h"

namespace cr::billing {

// Empty where there is nothing of it, which is usual.
std::string bill_parts(const Price& price, const dialect::Usage& usage, const Circumstances& circumstances);

// What circumstances() of it refers to. `corrupt` where bill_parts() did not make the text.
struct BillParts {
  dialect::Usage usage;  // the parts alone: the others are columns
  dialect::RequestScan asked;
  dialect::Told told;
  std::string service_tier;
  Circumstances circumstances() const { return {&asked, &told, service_tier, {}}; }
};
base::Result<BillParts> read_bill_parts(std::string_view text);

}  // namespace cr::billing
