// SPDX-License-Identifier: MIT
// JSON on the admin socket: what is read of a message is written so that it reads as the same; a request is never taken
// with a member that nobody knows.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "admin/messages.h"
#include "admin/redact.h"
#include "check.h"

namespace {

namespace admin = cr::admin;

template <class Message>
void check_message(std::string_view text) {
  const auto message = admin::from_json<Message>(text);
  if (!message) {
    CR_CHECK(!message.error().message.empty());
    return;
  }
  const auto written = admin::to_json(*message);
  const auto again = admin::from_json<Message>(written);
  CR_CHECK(again);
  CR_CHECK(admin::to_json(*again) == written);
}

template <class Message>
void check_request(std::string_view text) {
  check_message<Message>(text);
  // One member more, which nobody knows.
  const auto end = text.rfind('}');
  if (end == std::string_view::npos || !admin::from_json<Message>(text)) return;
  const auto before = text.find_last_not_of(" \t\r\n", end - 1);
  const bool empty = before == std::string_view::npos || text[before] == '{';
  std::string more(text.substr(0, end));
  more += empty ? "\"nobody_knows\":1" : ",\"nobody_knows\":1";
  more += text.substr(end);
  CR_CHECK(!admin::from_json<Message>(more));
}

using Check = void (*)(std::string_view);
constexpr std::array k_checks{check_request<admin::TokenCreate>,   check_request<admin::TokenEdit>,
                              check_request<admin::ChannelCreate>, check_request<admin::ChannelEdit>,
                              check_request<admin::ChannelSetKey>, check_request<admin::GroupCreate>,
                              check_request<admin::GroupEdit>,     check_request<admin::AccountCreate>,
                              check_request<admin::AccountEdit>,   check_request<admin::AccountCredit>,
                              check_request<admin::PriceSet>,      check_request<admin::PriceImport>,
                              check_request<admin::PriceQuote>,    check_request<admin::RequestRefund>,
                              check_message<admin::Token>,         check_message<admin::Channel>,
                              check_message<admin::Price>,         check_message<admin::Request>,
                              check_message<admin::UsageReport>,   check_message<admin::Page<admin::Token>>};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  k_checks[(data[0] - std::uint8_t{'A'}) % k_checks.size()](text);
  return 0;
}
