// SPDX-License-Identifier: MIT
// channel list, show, delete; and what the files of this noun share.
#include "crctl/channel.h"

#include <fmt/format.h>

#include "admin/channel_fields.h"
#include "base/text.h"
#include "crctl/fetch.h"
#include "crctl/record_columns.h"
#include "crctl/values.h"
#include "provider/kinds/kind.h"

namespace cr::crctl {
namespace {

Cell keys_cell(const admin::Channel& channel) {
  Texts keys;
  for (const auto& key : channel.keys) keys.push_back(key.first + "..." + key.last);
  if (keys.empty()) return answers_by_itself(channel.kind) ? Cell{} : Cell{"none", {}, Style::warn};
  return text_cell(join(keys, ","));
}

// What an operator looks for first: does it work, and if not, why.
Cell state_cell(const admin::Channel& channel) {
  const auto& health = channel.health;
  if (!channel.enabled) return text_cell("disabled", Style::faint);
  if (health.state == "cooling" || health.state == "keys_refused") {
    Cell cell = text_cell(health.state, health.state == "cooling" ? Style::warn : Style::bad);
    if (health.retry_in_ms) {
      const auto wait = std::chrono::ceil<std::chrono::seconds>(std::chrono::milliseconds(*health.retry_in_ms));
      cell.shown = (health.state == "cooling" ? "cooling " : "refused ") + base::format_duration(wait);
    }
    return cell;
  }
  return text_cell(health.state, health.reason.empty() ? Style::good : Style::warn);
}

Cell optional_ms_cell(const std::optional<std::int64_t>& ms) {
  return ms ? Cell{std::to_string(*ms), took_text(*ms), Style::none} : Cell{};
}

Cell percent_cell(const std::optional<std::int64_t>& percent) {
  if (!percent) return {};
  return {std::to_string(*percent), std::to_string(*percent) + "%", *percent > 0 ? Style::warn : Style::none};
}

Cell headers_cell(const std::map<std::string, std::string>& headers) {
  Texts lines;
  for (const auto& [name, value] : headers) lines.push_back(name + ": " + value);
  return lines.empty() ? Cell{} : text_cell(join(lines, "; "));
}

}  // namespace

bool answers_by_itself(std::string_view kind) {
  const auto* row = provider::find_kind(kind);
  return row != nullptr && !row->needs_base_url;
}

namespace {

Cell reason_cell(const admin::Channel& channel) {
  return text_cell(channel.health.reason, channel.health.reason.empty() ? Style::none : Style::warn);
}

Cell echo_delay_cell(const admin::Channel& channel, const View& view) {
  return answers_by_itself(channel.kind) ? cell_of(channel.echo_delay_ms, admin::Typed::duration, view) : Cell{};
}

}  // namespace

const RecordKind<admin::Channel>& channel_kind() {
  using T = const admin::Channel&;
  using V = const View&;
  static const RecordKind<admin::Channel> k_kind{
      "channel",
      columns_of<admin::Channel, admin::k_channel_fields>(
          {
              {{"name"}},
              {{"kind", Align::left, 8}},
              {{"state"}, [](T c, V) { return state_cell(c); }},
              {{"groups", Align::left, 7}, [](T c, V) { return text_cell(join(c.groups, ",")); }},
              {{"models", Align::left, 6}, [](T c, V) { return c.models.empty() ? Cell{} : list_cell(c.models); }},
              {{"priority", Align::right, 9}},
              {{"weight", Align::right, 9}},
              {{"p50", Align::right, 4}, [](T c, V) { return optional_ms_cell(c.health.p50_ms); }},
              {{"first_byte_p50", Align::right, 5},
               [](T c, V) { return optional_ms_cell(c.health.first_byte_p50_ms); }},
              {{"errors", Align::right, 2}, [](T c, V) { return percent_cell(c.health.error_percent); }},
              {{"spent_30d", Align::right, 3}, [](T c, V) { return money_cell(c.spent_30d); }},
              {{"reason", Align::left, 1}, [](T c, V) { return reason_cell(c); }},
              {{"status", Align::left, 8, From::wide},
               [](T c, V) { return status_cell(c.enabled ? "enabled" : "disabled"); }},
              {{"base_url", Align::left, 8, From::wide}},
              {{"keys", Align::left, 8, From::wide}, [](T c, V) { return keys_cell(c); }},
              {{"map", Align::left, 9, From::detail}},
              {{"timeout_connect", Align::left, 9, From::detail}},
              {{"timeout_first_byte", Align::left, 9, From::detail}},
              {{"timeout_idle", Align::left, 9, From::detail}},
              {{"timeout_total", Align::left, 9, From::detail}},
              {{"headers", Align::left, 9, From::detail}, [](T c, V) { return headers_cell(c.headers); }},
              {{"proxy", Align::left, 9, From::detail}},
              {{"ca_file", Align::left, 9, From::detail}},
              {{"client_cert", Align::left, 9, From::detail}},
              {{"client_key", Align::left, 9, From::detail}},
              {{"allow_private", Align::left, 9, From::detail}},
              {{"bound_field", Align::left, 9, From::detail}},
              {{"stream_usage", Align::left, 9, From::detail}},
              {{"output_rate_max", Align::left, 9, From::detail}},
              {{"cancels", Align::left, 9, From::detail}},
              {{"retry_after_timeout", Align::left, 9, From::detail}},
              {{"in_effect", Align::left, 9, From::detail}, [](T c, V) { return text_cell(join(c.in_effect, "; ")); }},
              {{"echo_delay", Align::left, 9, From::detail}, [](T c, V v) { return echo_delay_cell(c, v); }},
              {{"note", Align::left, 9, From::detail}},
              {{"created", Align::left, 9, From::detail}, [](T c, V v) { return past_cell(c.created_at, v); }},
              {{"id", Align::right, 9, From::detail}, [](T c, V) { return text_cell(std::to_string(c.id)); }},
              {{"rev", Align::right, 9, From::detail}, [](T c, V) { return text_cell(std::to_string(c.rev)); }},
          },
          "note"),
      [](T c) { return c.name; }};
  return k_kind;
}

std::string channel_path(std::string_view name) {
  return "/channels/" + admin::encode_segment(name);
}

void add_channel(Commands& commands) {
  CLI::App& channel = commands.noun("channel", "Channels: the upstream providers that requests are relayed to.");
  commands.verb(channel, {"list", "List channels.", {"crctl channel list", "crctl channel list -o wide"}, {}},
                Effect::reads, [](Context& context) {
                  return run_list<admin::Channel>(context, channel_kind(), {plain_pages("/channels"), {}, {}});
                });
  auto name = std::make_shared<std::string>();
  CLI::App& show = commands.verb(
      channel, {"show", "Show all about a channel; of its keys only both ends.", {"crctl channel show openai"}, {}},
      Effect::reads, [name](Context& context) { return run_show(context, channel_kind(), channel_path(*name)); });
  add_name(show, "NAME", "CHANNEL", "The channel.", *name);
  add_channel_create(commands, channel);
  add_channel_edit(commands, channel);
  add_channel_keys(commands, channel);
  auto doomed = std::make_shared<Texts>();
  CLI::App& remove = commands.verb(
      channel, {"delete", "Delete channels and their keys.", {"crctl channel delete old-provider"}, {}},
      Effect::changes, [doomed](Context& context) { return run_delete(context, "channel", "/channels", *doomed); });
  add_names(remove, "NAME", "CHANNEL", "The channels.", *doomed);
}

}  // namespace cr::crctl
