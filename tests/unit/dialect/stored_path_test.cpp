// SPDX-License-Identifier: MIT
#include "dialect/stored_path.h"

#include <gtest/gtest.h>

#include <string>

namespace cr::dialect {
namespace {

TEST(StoredPath, EachAddressAndItsMethods) {
  struct Row {
    std::string_view path, id, allowed, refused;
  };
  for (const Row& row : {
           Row{"/v1/responses/resp_68af-1.b:c", "resp_68af-1.b:c", "GET", "POST"},
           Row{"/v1/responses/resp_1", "resp_1", "DELETE", "PUT"},
           Row{"/v1/responses/resp_1/cancel", "resp_1", "POST", "GET"},
           Row{"/v1/responses/resp_1/input_items", "resp_1", "GET", "DELETE"},
           Row{"/v1/responses/resp_1", "resp_1", "HEAD", "GE"},
           Row{"/v1/responses/resp_1", "resp_1", "GET", "GET, HEAD"},
           Row{"/v1/responses/resp_1/input_items", "resp_1", "HEAD", "POST"},
           Row{"/v1/responses/resp_1/cancel", "resp_1", "POST", "HEAD"},
           Row{"/v1/responses/compact_1", "compact_1", "GET", "POST"},
           Row{"/v1/responses/resp_1", "resp_1", "GET", ""},
       }) {
    const auto read = read_stored_path(row.path);
    ASSERT_TRUE(read) << row.path;
    EXPECT_EQ(read->id, row.id);
    EXPECT_TRUE(read->allows(row.allowed)) << row.path << ' ' << row.allowed;
    EXPECT_FALSE(read->allows(row.refused)) << row.path << ' ' << row.refused;
  }
}

TEST(StoredPath, NothingThatCouldLeadElsewhere) {
  const std::string longest(k_response_id_bytes_max, 'a');
  EXPECT_TRUE(read_stored_path("/v1/responses/" + longest));
  for (const std::string& path :
       {std::string("/v1/responses"), std::string("/v1/responses/"), std::string("/v1/responses//cancel"),
        std::string("/v1/responses/."), std::string("/v1/responses/.."), std::string("/v1/responses/../cancel"),
        std::string("/v1/responses/a%2fb"), std::string("/v1/responses/a/b"), std::string("/v1/responses/a/cancel/"),
        std::string("/v1/responses/a?b"), std::string("/v1/response/a"), std::string("/v1/responses/compact"),
        std::string("/v1/responses/input_tokens"), "/v1/responses/" + longest + "a"}) {
    EXPECT_FALSE(read_stored_path(path)) << path;
  }
}

}  // namespace
}  // namespace cr::dialect
