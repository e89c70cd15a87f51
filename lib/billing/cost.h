// SPDX-License-Identifier: MIT
// What a usage costs by a price: exact sums in 128 bits, rounded up once, to a nano-dollar. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/credits.h"
#include "billing/price.h"
#include "dialect/request_scan.h"
#include "dialect/told.h"
#include "dialect/usage.h"

namespace cr::billing {

struct Rates;

// Before the multiplier: nano-dollars x 10^6.
using Sum = unsigned __int128;

inline constexpr Sum k_sum_max = ~Sum{0};

// Saturating. Negative factors count as 0: no price and no count is below it.
Sum times(std::int64_t count, Rate rate);
Sum times(std::int64_t count, base::Credits each);
Sum plus(Sum left, Sum right);

// round up (sum x multiplier) to a nano-dollar: the one place where money is rounded.
base::Credits round_up(Sum sum, Multiplier multiplier);

// What the rules of a price depend on: the values of the request's members, and what the response told. Views; none of
// them need be there.
struct Circumstances {
  const dialect::RequestScan* scan = nullptr;
  const dialect::Told* told = nullptr;
  std::string_view service_tier{};          // the channel's, for a request that names none or "auto"
  std::span<const std::string> stripped{};  // top-level members of the request that are left out on the way
};

// What a usage is charged by.
enum class Part {
  input,
  cached_input,
  cache_write,
  cache_write_hour,
  audio_input,
  cached_audio_input,
  image_input,
  cached_image_input,
  output,
  audio_output,
  image_output,
  characters,
  request,  // or search unit
  image,
  sound,
  tool,
};
std::string_view name_of(Part part);

// One line of a bill: `count` of something, at `rate` a million or `each` apiece.
struct Charge {
  Part part = Part::input;
  std::int64_t count = 0;  // model tokens, characters, requests, images, milliseconds of sound, calls
  Rate rate{};             // of tokens and characters
  base::Credits each{};    // of the others; of sound a second
  std::string_view tool{};
  Sum sum = 0;
};

// Every charge that is not 0, in the order of Part. By the rates that the price's rules give the circumstances;
// where the response does not confirm what the request asked for, by the dearer.
std::vector<Charge> charges_of(const Price& price, const dialect::Usage& usage, const Circumstances& circumstances);

// Of all charges; saturates.
Sum sum_of_charges(const Price& price, const dialect::Usage& usage, const Circumstances& circumstances);

// round up (sum of the charges x multiplier); saturates at Credits::max().
base::Credits cost(const Price& price, Multiplier multiplier, const dialect::Usage& usage,
                   const Circumstances& circumstances = {});

// Whether anything is charged by model tokens.
bool has_token_rates(const Price& price);
// Whether `endpoint` is metered by something that `price` charges for; a price of nothing but 0 is free everywhere.
bool can_meter(const Price& price, dialect::Endpoint endpoint);

}  // namespace cr::billing
