// SPDX-License-Identifier: MIT
#include "http/message/connect_answer.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace cr::http::message {
namespace {

using testing::HasSubstr;

// What is told of an answer that comes in steps of so many bytes; empty: the tunnel stands; "...": more is to come.
std::string told_of(std::string_view wire, std::size_t step) {
  ConnectAnswer answer;
  while (!wire.empty()) {
    const auto room = answer.room();
    const auto piece = std::min({step, room.size(), wire.size()});
    std::memcpy(room.data(), wire.data(), piece);
    wire.remove_prefix(piece);
    if (const auto verdict = answer.take(piece)) return *verdict ? std::string() : verdict->error().message;
  }
  return "...";
}

TEST(ConnectAnswer, each_kind_however_it_is_cut) {
  struct Row {
    std::string wire, told;
  };
  const std::string interim = "HTTP/1.1 102 Processing\r\n\r\n";
  std::string many;
  for (int i = 0; i < 21; ++i) many += interim;
  const std::vector<Row> rows = {
      {"HTTP/1.1 200 Connection established\r\n\r\n", ""},
      {"HTTP/1.0 299 Odd\r\nContent-Length: 7\r\n\r\n", ""},
      {interim + interim + "HTTP/1.1 200 OK\r\n\r\n", ""},
      {"HTTP/1.1 200 OK\r\n", "..."},
      {"HTTP/1.1 407 Who\r\n\r\n", "the proxy demands a user name and password (407)"},
      {"HTTP/1.1 502 Bad\r\n\r\n", "the proxy refused the tunnel with status 502"},
      {"SSH-2.0-OpenSSH_9.2\r\n", "the proxy did not answer in HTTP"},
      {many, "the proxy sent too many interim answers"},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x'), "the proxy did not answer in HTTP"},
  };
  for (const auto& row : rows) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{5}, row.wire.size()}) {
      const auto told = told_of(row.wire, step);
      EXPECT_THAT(told, HasSubstr(row.told)) << row.wire.substr(0, 60) << " by " << step;
      EXPECT_EQ(told.empty(), row.told.empty()) << row.wire.substr(0, 60) << " by " << step;
    }
  }
}

TEST(ConnectAnswer, what_comes_with_it_is_none_of_it) {
  EXPECT_THAT(told_of("HTTP/1.1 200 OK\r\n\r\nx", 100), HasSubstr("sent more than its answer"));
}

}  // namespace
}  // namespace cr::http::message
