// SPDX-License-Identifier: MIT
// The kinds of providers: what each is called, in the store and on the admin socket, and what a channel of it must be
// given. How a provider is spoken to is provider/provider.h; this is apart from it, and below the ledger, which keeps
// the kind of each channel and checks its settings. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace cr::provider {

// A kind is the place of its row in kinds(). Only lib/provider compares kinds; everybody else asks the row, or the
// Provider.
enum class Kind : std::uint8_t { openai, anthropic, echo };

struct KindRow {
  Kind kind{};
  std::string_view name{};
  std::string_view usual_base_url{};  // of whom the kind is named after; empty: none
  bool needs_base_url = true;         // false: its responses are made here, and no address is asked
  // A host that calls the bound of a chat's output otherwise than everybody else (max_tokens), and how it calls it.
  std::string_view vendor_host{};
  std::string_view vendor_bound_field{};
};

// The rows of kinds(), in the order of the enumerators.
inline constexpr std::array<KindRow, 3> k_kinds{{
    {.kind = Kind::openai,
     .name = "openai",
     .usual_base_url = "https://api.openai.com/v1",
     .vendor_host = "api.openai.com",
     .vendor_bound_field = "max_completion_tokens"},
    {.kind = Kind::anthropic, .name = "anthropic", .usual_base_url = "https://api.anthropic.com/v1"},
    {.kind = Kind::echo, .name = "echo", .needs_base_url = false},
}};

// Every kind of this program once. A source of its own (kinds.cpp): a test's program links another with a row more.
std::span<const KindRow> kinds();

const KindRow& row_of(Kind kind);
std::string_view name_of(Kind kind);
const KindRow* find_kind(std::string_view name);  // null: there is none of that name

// How a provider of that kind at that host calls the bound of a chat's output, where the channel does not say.
std::string_view usual_bound_field(Kind kind, std::string_view host);

}  // namespace cr::provider
