// SPDX-License-Identifier: MIT
// Feeds a head to its parser as a connection would, cut where a test wants it. The bytes lie in an allocation of just
// their size, so that a sanitizer sees each read past them.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/message/head.h"

namespace cr::http::message {

template <class Parser, class Head>
HeadResult feed(std::string_view bytes, const std::vector<std::size_t>& ends, Head& head, HeadLimits limits = {}) {
  Parser parser(limits);
  HeadResult result;
  std::size_t seen = 0;
  for (const std::size_t end : ends) {
    const std::unique_ptr<char[]> part(new char[end]);
    if (end != 0) std::memcpy(part.get(), bytes.data(), end);
    const bool last = end == bytes.size();
    Head earlier;
    // Views of the last call must point into bytes that live on, so only that one gets the caller's.
    result = parser.parse(last ? bytes : std::string_view(part.get(), end), seen, last ? head : earlier);
    if (result.state != HeadState::need_more) break;
    seen = end;
  }
  return result;
}

inline std::string describe(const HeadResult& result) {
  switch (result.state) {
    case HeadState::need_more:
      return "need_more";
    case HeadState::complete:
      return "complete " + std::to_string(result.bytes);
    case HeadState::refused:
      return "refused " + std::to_string(result.status) + ": " + std::string(result.reason);
  }
  return "?";
}

inline std::vector<std::size_t> byte_by_byte(std::string_view bytes) {
  std::vector<std::size_t> ends;
  for (std::size_t end = 1; end <= bytes.size(); ++end) ends.push_back(end);
  return ends;
}

inline std::string text_of(const RequestHead& head) {
  std::string text = std::string(head.method_text) + " " + std::string(head.target) +
                     " path=" + std::string(head.path) + " query=" + std::string(head.query) + " 1." +
                     std::to_string(head.minor_version);
  if (head.content_length) text += " length=" + std::to_string(*head.content_length);
  if (head.chunked) text += " chunked";
  if (head.keep_alive) text += " keep-alive";
  if (head.expect_continue) text += " expect";
  for (const auto& field : head.fields) text += "\n" + std::string(field.name) + "=" + std::string(field.value) + ";";
  return text;
}

}  // namespace cr::http::message
