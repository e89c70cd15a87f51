// SPDX-License-Identifier: MIT
// The kinds of channels: what each is called, in the store and on the admin socket, and where it is usually reached.
// Any thread.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "ledger/core/records.h"

namespace cr::ledger {

struct ChannelKindRow {
  ChannelKind kind;
  std::string_view name;
  std::string_view usual_base_url;  // of whom the kind is named after; empty: it needs none
};

// Every kind once, in the order of the enum.
inline constexpr std::array<ChannelKindRow, 3> k_channel_kinds{
    {{ChannelKind::openai, "openai", "https://api.openai.com/v1"},
     {ChannelKind::anthropic, "anthropic", "https://api.anthropic.com/v1"},
     {ChannelKind::echo, "echo", ""}}};

constexpr std::string_view name_of(ChannelKind kind) {
  return k_channel_kinds[static_cast<std::size_t>(kind)].name;
}

constexpr std::optional<ChannelKindRow> find_channel_kind(std::string_view name) {
  for (const auto& row : k_channel_kinds) {
    if (row.name == name) return row;
  }
  return std::nullopt;
}

}  // namespace cr::ledger
