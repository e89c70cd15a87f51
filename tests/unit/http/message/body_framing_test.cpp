// SPDX-License-Identifier: MIT
#include "http/message/body_framing.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace cr::http::message {
namespace {

RequestHead sized(std::uint64_t length) {
  RequestHead head;
  head.content_length = length;
  return head;
}

RequestHead in_chunks() {
  RequestHead head;
  head.chunked = true;
  return head;
}

struct Outcome {
  std::string content;
  std::string rest;  // what is not the body's
  bool ended = false, malformed = false;
};

// Feeds `wire` cut at `cut`, each part from an allocation of its own size.
Outcome feed(BodyFraming framing, const std::string& wire, std::size_t cut) {
  Outcome outcome;
  for (const auto& part : {wire.substr(0, cut), wire.substr(cut)}) {
    const std::unique_ptr<char[]> bytes(new char[part.size()]);
    part.copy(bytes.get(), part.size());
    const auto taken = framing.take(bytes.get(), part.size());
    outcome.content.append(bytes.get(), taken.size);
    outcome.rest.append(part, taken.raw);
  }
  outcome.ended = framing.ended();
  outcome.malformed = framing.malformed();
  return outcome;
}

const std::string k_next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(BodyFraming, WhatFollowsABodyIsNeverTaken) {
  struct Row {
    std::string name;
    RequestHead head;
    std::string wire, content;
  };
  const std::vector<Row> rows = {
      {"none", RequestHead(), "", ""},
      {"of no bytes", sized(0), "", ""},
      {"with a length", sized(k_next.size()), k_next, k_next},
      {"of no chunks", in_chunks(), "0\r\n\r\n", ""},
      {"one chunk", in_chunks(), "5\r\nhello\r\n0\r\n\r\n", "hello"},
      {"extensions and trailers", in_chunks(), "1;a=b\r\nh\r\n4;x=\"y\"\r\nello\r\n0;z\r\nt: 1\r\nu: 2\r\n\r\n",
       "hello"},
      {"a request in a chunk", in_chunks(), "1f\r\n" + k_next + "\r\n0\r\n\r\n", k_next},
  };
  for (const auto& row : rows) {
    const auto wire = row.wire + k_next + k_next;
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
      const auto outcome = feed(BodyFraming(row.head), wire, cut);
      ASSERT_TRUE(outcome.ended) << row.name << " cut at " << cut;
      ASSERT_EQ(outcome.content, row.content) << row.name << " cut at " << cut;
      ASSERT_EQ(outcome.rest, k_next + k_next) << row.name << " cut at " << cut;
    }
  }
}

TEST(BodyFraming, OneThatHasNotComeWholeHasNotEnded) {
  for (const auto& [head, wire] : std::vector<std::pair<RequestHead, std::string>>{{sized(10), "123456789"},
                                                                                   {in_chunks(), "5\r\nhello\r\n0\r\n"},
                                                                                   {in_chunks(), "5\r\nhell"},
                                                                                   {in_chunks(), ""}})
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
      const auto outcome = feed(BodyFraming(head), wire, cut);
      EXPECT_FALSE(outcome.ended) << wire;
      EXPECT_FALSE(outcome.malformed) << wire;
      EXPECT_EQ(outcome.rest, "") << wire;
    }
}

TEST(BodyFraming, AMalformedOneNeverEnds) {
  for (const std::string wire : {"zz\r\n", "5\r\nhello0\r\n\r\n", "-1\r\n", "0\r\n bad\r\n\r\n"})
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
      const auto outcome = feed(BodyFraming(in_chunks()), wire + "0\r\n\r\n", cut);
      EXPECT_TRUE(outcome.malformed) << wire;
      EXPECT_FALSE(outcome.ended) << wire;
    }
}

TEST(BodyFraming, BytesThatWentElsewhereCount) {
  BodyFraming framing(sized(10));
  framing.took(4);
  EXPECT_EQ(framing.left(), 6U);
  framing.took(6);
  EXPECT_TRUE(framing.ended());
  EXPECT_EQ(framing.take(nullptr, 0).raw, 0U);
}

}  // namespace
}  // namespace cr::http::message
