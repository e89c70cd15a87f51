// SPDX-License-Identifier: MIT
// The noun `channel`: one function a file of verbs, and what these files share.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "admin/channel_fields.h"
#include "admin/client.h"
#include "crctl/commands.h"
#include "crctl/flags.h"
#include "crctl/listing.h"
#include "crctl/setting_flags.h"

namespace cr::crctl {

const RecordKind<admin::Channel>& channel_kind();
std::string channel_path(std::string_view name);
bool answers_by_itself(std::string_view kind);  // needs no provider, and so no key

// What was typed for create or edit.
struct ChannelWords {
  std::string name;
  TypedSettings<decltype(admin::k_channel_fields)> settings;
  bool allow_private = false, retry_after_timeout = false;
};

void add_channel_create(Commands& commands, CLI::App& channel);  // create
void add_channel_edit(Commands& commands, CLI::App& channel);    // edit enable disable
void add_channel_keys(Commands& commands, CLI::App& channel);    // set-key test

}  // namespace cr::crctl
