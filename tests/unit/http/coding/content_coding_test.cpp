// SPDX-License-Identifier: MIT
#include "http/coding/content_coding.h"

#include <gtest/gtest.h>

namespace cr::http::coding {
namespace {

struct Row {
  std::string_view value;
  std::optional<ContentCoding> coding;
};

TEST(ContentCoding, ReadsOneCodingAndRefusesWhatItDoesNotKnow) {
  const Row table[] = {
      {"", ContentCoding::identity},
      {" ", ContentCoding::identity},
      {",", ContentCoding::identity},
      {"identity", ContentCoding::identity},
      {"IDENTITY , identity", ContentCoding::identity},
      {"gzip", ContentCoding::gzip},
      {"GZip", ContentCoding::gzip},
      {"x-gzip", ContentCoding::gzip},
      {"\tgzip ", ContentCoding::gzip},
      {"identity, gzip", ContentCoding::gzip},
      {"gzip,", ContentCoding::gzip},
      {"deflate", ContentCoding::deflate},
      {"zstd", ContentCoding::zstd},
      {"gzip, zstd", std::nullopt},
      {"gzip, gzip", std::nullopt},
      {"br", ContentCoding::br},
      {"gzip;q=1", std::nullopt},
      {"gzip zstd", std::nullopt},
      {"aws-chunked", std::nullopt},
      {"zstdx", std::nullopt},
      {"gzi", std::nullopt},
  };
  for (const auto& row : table) EXPECT_EQ(parse_content_coding(row.value), row.coding) << "'" << row.value << "'";
}

}  // namespace
}  // namespace cr::http::coding
