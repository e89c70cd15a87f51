// SPDX-License-Identifier: MIT
#include "base/result.h"

#include <array>
#include <utility>

namespace cr::base {
namespace {

constexpr std::array<std::pair<ErrorCode, std::string_view>, 12> k_names{{
    {ErrorCode::invalid, "invalid"},
    {ErrorCode::forbidden, "forbidden"},
    {ErrorCode::not_found, "not_found"},
    {ErrorCode::conflict, "conflict"},
    {ErrorCode::exhausted, "exhausted"},
    {ErrorCode::not_retrievable, "not_retrievable"},
    {ErrorCode::refused, "refused"},
    {ErrorCode::unavailable, "unavailable"},
    {ErrorCode::timeout, "timeout"},
    {ErrorCode::upstream, "upstream"},
    {ErrorCode::corrupt, "corrupt"},
    {ErrorCode::internal, "internal"},
}};

}  // namespace

std::string_view name_of(ErrorCode code) {
  for (const auto& [known, name] : k_names) {
    if (known == code) return name;
  }
  return "internal";
}

ErrorCode error_code_from(std::string_view name) {
  for (const auto& [code, known] : k_names) {
    if (known == name) return code;
  }
  return ErrorCode::internal;
}

}  // namespace cr::base
