// SPDX-License-Identifier: MIT
// One object of a JSON report from outside, and the place it is at, so that what is wrong with a member can be said:
// "costs.json: data[2].results[0].amount.value: ...". A view of the JSON, which must outlive it. Plain values, any
// thread.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/credits.h"
#include "base/result.h"

namespace cr::crctl {

class ReportPlace {
 public:
  explicit ReportPlace(std::string file) : file_(std::move(file)) {}
  ReportPlace in(std::string_view member) const;
  ReportPlace at(std::size_t index) const;
  // `invalid`; without a hint, the shapes that are known.
  tl::unexpected<base::Error> refuse(const std::string& why, const std::string& hint = {}) const;

 private:
  std::string file_, path_;
};

class ReportObject {
 public:
  ReportObject(const nlohmann::json& json, ReportPlace place) : json_(json), place_(std::move(place)) {}
  const ReportPlace& place() const { return place_; }

  bool has(const char* name) const;
  const nlohmann::json* find(const char* name) const;  // null where it is absent, or null
  // The member as what it must be; absent ones are empty or 0. Errors name the place.
  base::Result<std::string> text(const char* name) const;                 // at most 256 bytes
  base::Result<std::int64_t> count(const char* name) const;               // whole, 0 or more, also written as 1.0
  base::Result<base::Credits> amount(const char* name, int scale) const;  // as parse_amount, also of a text
  base::Result<void> check_currency(const char* name) const;              // US dollars, or absent
  base::Result<const nlohmann::json*> list(const char* name) const;       // must be there

 private:
  const nlohmann::json& json_;
  ReportPlace place_;
};

// Dollars of an amount in units of 10^-`scale` dollars (2: cents), as JSON writes numbers, exponents too; rounded up to
// a nano-dollar away from 0. Empty where it is none.
std::optional<base::Credits> parse_amount(std::string_view number, int scale);

}  // namespace cr::crctl
