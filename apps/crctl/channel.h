// SPDX-License-Identifier: MIT
// The noun `channel`: one function a file of verbs, and what these files share.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "admin/client.h"
#include "crctl/commands.h"
#include "crctl/flags.h"
#include "crctl/listing.h"

namespace cr::crctl {

const RecordKind<admin::Channel>& channel_kind();
std::string channel_path(std::string_view name);

// The flags create and edit share.
struct ChannelWords {
  std::string name;
  std::optional<std::string> kind, base_url, bound_field, note;
  std::optional<Texts> models, groups, map, headers;
  std::optional<std::string> proxy, ca_file, client_cert, client_key;
  std::optional<std::int64_t> priority, weight;
  std::optional<std::chrono::milliseconds> timeout_connect, timeout_first_byte, timeout_idle, timeout_total, echo_delay;
  bool allow_private = false;
};
void add_channel_settings(CLI::App& verb, ChannelWords& words);

void add_channel_create(Commands& commands, CLI::App& channel);  // create
void add_channel_edit(Commands& commands, CLI::App& channel);    // edit enable disable
void add_channel_keys(Commands& commands, CLI::App& channel);    // set-key test

}  // namespace cr::crctl
