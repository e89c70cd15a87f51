// SPDX-License-Identifier: MIT
#include "base/result.h"

#include <gtest/gtest.h>

#include <set>

namespace cr::base {
namespace {

constexpr ErrorCode k_all[] = {ErrorCode::invalid,  ErrorCode::forbidden,   ErrorCode::not_found,
                               ErrorCode::conflict, ErrorCode::exhausted,   ErrorCode::not_retrievable,
                               ErrorCode::refused,  ErrorCode::unavailable, ErrorCode::timeout,
                               ErrorCode::upstream, ErrorCode::corrupt,     ErrorCode::internal};

TEST(ErrorCode, names_are_distinct_and_read_back) {
  std::set<std::string_view> names;
  for (const ErrorCode code : k_all) {
    names.insert(name_of(code));
    EXPECT_EQ(error_code_from(name_of(code)), code) << name_of(code);
  }
  EXPECT_EQ(names.size(), std::size(k_all));
}

TEST(ErrorCode, unknown_names_are_internal) {
  for (const std::string_view name : {"", "Invalid", "invalid ", "not-found", "teapot"}) {
    EXPECT_EQ(error_code_from(name), ErrorCode::internal) << name;
  }
}

TEST(Result, fail_carries_all_three_parts) {
  const Result<int> result = fail(ErrorCode::not_found, "token \"ci\": no such token", "see: crctl token list");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::not_found);
  EXPECT_EQ(result.error().message, "token \"ci\": no such token");
  EXPECT_EQ(result.error().hint, "see: crctl token list");
}

}  // namespace
}  // namespace cr::base
