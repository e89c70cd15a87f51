// SPDX-License-Identifier: MIT
// The noun `group`.
#include <fmt/format.h>

#include "admin/account_fields.h"
#include "base/text.h"
#include "crctl/commands.h"
#include "crctl/fetch.h"
#include "crctl/flags.h"
#include "crctl/record_columns.h"
#include "crctl/setting_flags.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using admin::Group;
using base::Result;

struct Words {
  std::string name;
  TypedSettings<decltype(admin::k_group_fields)> settings;
};

std::string path_of(std::string_view name) {
  return "/groups/" + admin::encode_segment(name);
}

const RecordKind<Group>& group_kind() {
  using T = const Group&;
  using V = const View&;
  static const RecordKind<Group> k_kind{
      "group",
      columns_of<Group, admin::k_group_fields>(
          {
              {{"name"}},
              {{"multiplier", Align::right}},
              {{"tokens", Align::right, 2}, [](T g, V) { return count_cell(g.tokens); }},
              {{"channels", Align::left, 1},
               [](T g, V) {
                 return g.channels.empty() ? Cell{"none", {}, Style::warn} : text_cell(join(g.channels, ","));
               }},
              {{"note", Align::left, 3, From::wide}},
              {{"created", Align::left, 9, From::detail}, [](T g, V v) { return past_cell(g.created_at, v); }},
              {{"id", Align::right, 9, From::detail}, [](T g, V) { return text_cell(std::to_string(g.id)); }},
              {{"rev", Align::right, 9, From::detail}, [](T g, V) { return text_cell(std::to_string(g.rev)); }},
          },
          "created"),
      [](T g) { return g.name; }};
  return k_kind;
}

Result<Exit> run_create(Context& context, const Words& words) {
  if (auto good = base::check_name("group name", words.name); !good) return tl::unexpected(good.error());
  admin::GroupCreate create;
  create.name = words.name;
  auto read = read_create(admin::k_group_fields, words.settings, context.now, create, [](std::string_view) {});
  if (!read) return tl::unexpected(read.error());
  std::string raw;
  auto created = context.client().send<Group>("POST", "/groups", create, context.call_options(), &raw);
  if (!created) return tl::unexpected(created.error());
  return print_done(
      context, fmt::format("{}created group '{}', multiplier {}", context.would(), created->name, created->multiplier),
      raw);
}

Result<Exit> run_group_edit(Context& context, const Words& words) {
  if (!any_given(words.settings)) {
    return base::fail(base::ErrorCode::invalid, "nothing to edit: name at least one setting",
                      "see 'crctl group edit --help'");
  }
  admin::GroupEdit edit;
  auto read = read_edit(admin::k_group_fields, words.settings, context.now, edit);
  if (!read) return tl::unexpected(read.error());
  return run_edit<Group>(context, fmt::format("group '{}'", words.name), path_of(words.name), edit);
}

}  // namespace

void add_group(Commands& commands) {
  CLI::App& group = commands.noun("group", "Groups: which channels serve a token, and at what multiplier.");
  commands.verb(group, {"list", "List groups.", {"crctl group list"}, {}}, Effect::reads, [](Context& context) {
    return run_list<Group>(context, group_kind(), {plain_pages("/groups"), {}, {}});
  });
  auto shown = std::make_shared<std::string>();
  CLI::App& show =
      commands.verb(group, {"show", "Show all about a group.", {"crctl group show default"}, {}}, Effect::reads,
                    [shown](Context& context) { return run_show(context, group_kind(), path_of(*shown)); });
  add_name(show, "NAME", "GROUP", "The group.", *shown);

  auto made = std::make_shared<Words>();
  CLI::App& create = commands.verb(group,
                                   {"create",
                                    "Create a group; channels join it with 'channel edit --group +NAME'.",
                                    {"crctl group create vip --multiplier 0.8"},
                                    {}},
                                   Effect::adds, [made](Context& context) { return run_create(context, *made); });
  add_name(create, "NAME", "NAME", "The new group's name.", made->name);
  add_setting_flags(create, SettingVerb::create, admin::k_group_fields, made->settings);

  auto edited = std::make_shared<Words>();
  CLI::App& edit = commands.verb(
      group, {"edit", "Change the settings named and no others.", {"crctl group edit vip --multiplier 1.5"}, {}},
      Effect::changes, [edited](Context& context) { return run_group_edit(context, *edited); });
  add_name(edit, "NAME", "GROUP", "The group.", edited->name);
  add_setting_flags(edit, SettingVerb::edit, admin::k_group_fields, edited->settings);

  auto doomed = std::make_shared<Texts>();
  CLI::App& remove = commands.verb(
      group, {"delete", "Delete groups that no token or channel uses.", {"crctl group delete vip"}, {}},
      Effect::changes, [doomed](Context& context) { return run_delete(context, "group", "/groups", *doomed); });
  add_names(remove, "NAME", "GROUP", "The groups.", *doomed);
}

}  // namespace cr::crctl
