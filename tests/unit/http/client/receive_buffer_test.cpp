// SPDX-License-Identifier: MIT
#include "http/client/receive_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace cr::http::client {
namespace {

void receive(ReceiveBuffer& buffer, std::string_view bytes) {
  const auto room = buffer.make_room();
  ASSERT_GE(room.size(), bytes.size());
  std::copy(bytes.begin(), bytes.end(), room.begin());
  buffer.filled(bytes.size());
}

TEST(ReceiveBuffer, bytes_wait_until_they_are_taken) {
  ReceiveBuffer buffer;
  EXPECT_TRUE(buffer.empty());
  receive(buffer, "head");
  receive(buffer, "body");
  EXPECT_EQ(buffer.waiting(), "headbody");
  buffer.take(4);
  EXPECT_EQ(buffer.waiting(), "body");
  buffer.take(4);
  EXPECT_TRUE(buffer.empty());
  receive(buffer, "more");
  EXPECT_EQ(buffer.waiting(), "more");
  buffer.clear();
  EXPECT_TRUE(buffer.empty());
}

TEST(ReceiveBuffer, it_says_whether_its_room_was_filled) {
  ReceiveBuffer buffer;
  receive(buffer, "x");
  EXPECT_FALSE(buffer.was_full());
  receive(buffer, std::string(buffer.make_room().size(), 'y'));
  EXPECT_TRUE(buffer.was_full());
}

TEST(ReceiveBuffer, it_grows_only_where_all_of_it_waits) {
  ReceiveBuffer buffer;
  const auto size = buffer.make_room().size();
  receive(buffer, std::string(size, 'x'));
  buffer.take(size - 3);
  EXPECT_EQ(buffer.make_room().size(), size - 3) << "what waits moved to the front";
  EXPECT_EQ(buffer.waiting(), "xxx");
  receive(buffer, std::string(size - 3, 'y'));
  EXPECT_EQ(buffer.make_room().size(), size) << "twice the room";
  EXPECT_EQ(buffer.waiting(), "xxx" + std::string(size - 3, 'y'));
}

}  // namespace
}  // namespace cr::http::client
