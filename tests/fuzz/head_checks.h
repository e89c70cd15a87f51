// SPDX-License-Identifier: MIT
// What holds for every head that a parser accepts, a request's or a response's.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "check.h"
#include "http/message/head.h"
#include "http/message/head_writer.h"

namespace cr::fuzz {

inline constexpr http::message::HeadLimits k_limits{256, 256, 2048, 20};

// Feeds the bytes in steps, as a connection would, until there is a verdict.
template <class Parser, class Head>
http::message::HeadResult parse_in_steps(std::string_view bytes, std::size_t step, Head& head,
                                         http::message::HeadLimits limits = k_limits) {
  Parser parser(limits);
  http::message::HeadResult result;
  std::size_t seen = 0;
  for (std::size_t have = std::min(step, bytes.size());; have = std::min(have + step, bytes.size())) {
    result = parser.parse(bytes.substr(0, have), seen, head);
    seen = have;
    if (result.state != http::message::HeadState::need_more || have == bytes.size()) return result;
  }
}

inline bool points_into(std::string_view part, std::string_view bytes) {
  return part.empty() || (part.data() >= bytes.data() && part.data() + part.size() <= bytes.data() + bytes.size());
}

template <class Head>
void check_fields(const Head& head, std::string_view bytes) {
  CR_CHECK(head.fields.size() <= k_limits.fields_max);
  CR_CHECK(!(head.chunked && head.content_length));
  for (const http::message::Field& field : head.fields) {
    CR_CHECK(!field.name.empty() && points_into(field.name, bytes) && points_into(field.value, bytes));
    CR_CHECK(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
    CR_CHECK(field.name.find_first_of(std::string_view("\r\n\0 \t:", 6)) == std::string_view::npos);
    CR_CHECK(field.value.empty() || (field.value.front() != ' ' && field.value.front() != '\t' &&
                                     field.value.back() != ' ' && field.value.back() != '\t'));
  }
}

template <class Head>
void check_same(const Head& left, const Head& right) {
  CR_CHECK(left.fields.size() == right.fields.size());
  for (std::size_t i = 0; i < left.fields.size(); ++i) {
    CR_CHECK(left.fields[i].name == right.fields[i].name && left.fields[i].value == right.fields[i].value);
  }
  CR_CHECK(left.content_length == right.content_length && left.chunked == right.chunked);
  CR_CHECK(left.minor_version == right.minor_version && left.keep_alive == right.keep_alive);
}

// The same verdict however the bytes are cut, and none that waits for more than the limits allow. True: `head` is
// whole.
template <class Parser, class Head>
bool check_steps(std::string_view bytes, std::size_t step, Head& head) {
  const auto whole = parse_in_steps<Parser>(bytes, bytes.size() + 1, head);
  Head in_steps;
  const auto stepped = parse_in_steps<Parser>(bytes, step, in_steps);
  CR_CHECK(whole.state == stepped.state);
  if (whole.state == http::message::HeadState::refused) {
    CR_CHECK(whole.status == stepped.status && whole.reason == stepped.reason && !whole.reason.empty());
  }
  // A leading line end is not part of the head.
  if (whole.state == http::message::HeadState::need_more) CR_CHECK(bytes.size() <= k_limits.head_bytes_max + 2);
  if (whole.state != http::message::HeadState::complete) return false;
  CR_CHECK(whole.bytes == stepped.bytes && whole.bytes <= bytes.size());
  CR_CHECK(whole.bytes <= k_limits.head_bytes_max + 2);
  CR_CHECK(bytes.substr(0, whole.bytes).ends_with("\r\n\r\n"));
  check_same(head, in_steps);
  check_fields(head, bytes);
  // What follows the head changes nothing of it.
  Head alone;
  CR_CHECK(parse_in_steps<Parser>(bytes.substr(0, whole.bytes), bytes.size(), alone).state ==
           http::message::HeadState::complete);
  check_same(head, alone);
  return true;
}

// A head's first line and its fields as crd would send them.
template <class Head>
std::string written(std::string text, const Head& head) {
  http::message::HeadWriter writer(text);
  for (const http::message::Field& field : head.fields) CR_CHECK(writer.field(field.name, field.value));
  writer.end();
  return text;
}

// Reads what was written, which may be a few blanks longer than what it was read from.
template <class Parser, class Head>
void read_written(std::string_view text, const Head& head, Head& again) {
  const auto result = parse_in_steps<Parser>(text, text.size(), again, http::message::HeadLimits{});
  CR_CHECK(result.state == http::message::HeadState::complete && result.bytes == text.size());
  check_same(head, again);
}

}  // namespace cr::fuzz
