// SPDX-License-Identifier: MIT
// The noun `model`.

#include "crctl/commands.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

struct Words {
  std::optional<std::string> token, group;
};

const RecordKind<admin::ModelEntry>& model_kind() {
  using T = const admin::ModelEntry&;
  using V = const View&;
  static const RecordKind<admin::ModelEntry> k_kind{
      "model",
      {{{"model"}, [](T m, V) { return text_cell(m.model); }},
       {{"channels"}, [](T m, V) { return text_cell(join(m.channels, ",")); }}},
      [](T m) { return m.model; }};
  return k_kind;
}

base::Result<Exit> run_models(Context& context, const Words& words) {
  std::string path = "/models";
  if (words.token) path += "?token=" + admin::encode_segment(*words.token);
  if (words.group) path += "?group=" + admin::encode_segment(*words.group);
  return run_list<admin::ModelEntry>(context, model_kind(), {plain_pages(path), {}, {}});
}

}  // namespace

void add_model(Commands& commands) {
  CLI::App& model = commands.noun("model", "Models that can be reached.");
  auto words = std::make_shared<Words>();
  CLI::App& list = commands.verb(model,
                                 {"list",
                                  "List the models a token or a group can reach, and through which channels.",
                                  {"crctl model list --token ci"},
                                  {}},
                                 Effect::reads, [words](Context& context) { return run_models(context, *words); });
  auto* token = add_text(list, "--token", "TOKEN", "As this token.", words->token);
  exclude(add_text(list, "--group", "GROUP", "As this group.", words->group), token);
}

}  // namespace cr::crctl
