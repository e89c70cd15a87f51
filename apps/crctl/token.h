// SPDX-License-Identifier: MIT
// The noun `token`: one function a file of verbs, and what these files share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "admin/client.h"
#include "crctl/commands.h"
#include "crctl/key_sink.h"
#include "crctl/listing.h"

namespace CLI {
class App;
}

namespace cr::crctl {

const RecordKind<admin::Token>& token_kind();
std::string token_path(std::string_view name);  // "/tokens/ci"

void add_token_list(Commands& commands, CLI::App& token);    // list show
void add_token_create(Commands& commands, CLI::App& token);  // create
void add_token_edit(Commands& commands, CLI::App& token);    // edit enable disable
void add_token_rotate(Commands& commands, CLI::App& token);  // rotate
void add_token_keys(Commands& commands, CLI::App& token);    // copy verify
void add_token_rest(Commands& commands, CLI::App& token);    // check delete restore budget-reset usage

// A new key to where it belongs. If it cannot be written, or Ctrl-C came meanwhile, `take_back` is called and the
// result is what to exit with; the error has been printed.
struct NewKey {
  std::string token;       // its name
  std::string key;         // wiped once written
  std::string token_json;  // without the key
};
using TakeBack = std::function<base::Result<void>()>;
base::Result<Exit> deliver_key(Context& context, KeySink& sink, NewKey& key, const TakeBack& take_back);

// {"token":{...},"key":...}: the token's object alone.
std::string token_object(std::string_view answer);

}  // namespace cr::crctl
