// SPDX-License-Identifier: MIT
// channel list, show, delete; and what the files of this noun share.
#include "crctl/channel.h"

#include <fmt/format.h>

#include "base/text.h"
#include "crctl/fetch.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

Cell milliseconds_cell(std::int64_t ms) {
  return {std::to_string(ms), base::format_duration(std::chrono::milliseconds(ms)), Style::none};
}

Cell keys_cell(const admin::Channel& channel) {
  Texts keys;
  for (const auto& key : channel.keys) keys.push_back(key.first + "..." + key.last);
  if (keys.empty()) return channel.kind == "echo" ? Cell{} : Cell{"none", {}, Style::warn};
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

const RecordKind<admin::Channel>& channel_kind() {
  using T = const admin::Channel&;
  using V = const View&;
  static const RecordKind<admin::Channel> k_kind{
      "channel",
      {
          {{"name"}, [](T c, V) { return text_cell(c.name); }},
          {{"kind", Align::left, 8}, [](T c, V) { return text_cell(c.kind); }},
          {{"state"}, [](T c, V) { return state_cell(c); }},
          {{"groups", Align::left, 7}, [](T c, V) { return text_cell(join(c.groups, ",")); }},
          {{"models", Align::left, 6}, [](T c, V) { return c.models.empty() ? Cell{} : list_cell(c.models); }},
          {{"priority", Align::right, 9}, [](T c, V) { return count_cell(c.priority); }},
          {{"weight", Align::right, 9}, [](T c, V) { return count_cell(c.weight); }},
          {{"p50", Align::right, 4}, [](T c, V) { return optional_ms_cell(c.health.p50_ms); }},
          {{"first_byte_p50", Align::right, 5}, [](T c, V) { return optional_ms_cell(c.health.first_byte_p50_ms); }},
          {{"errors", Align::right, 2}, [](T c, V) { return percent_cell(c.health.error_percent); }},
          {{"spent_30d", Align::right, 3}, [](T c, V) { return money_cell(c.spent_30d); }},
          {{"reason", Align::left, 1},
           [](T c, V) { return text_cell(c.health.reason, c.health.reason.empty() ? Style::none : Style::warn); }},
          {{"status", Align::left, 8, From::wide},
           [](T c, V) { return status_cell(c.enabled ? "enabled" : "disabled"); }},
          {{"base_url", Align::left, 8, From::wide}, [](T c, V) { return text_cell(c.base_url); }},
          {{"keys", Align::left, 8, From::wide}, [](T c, V) { return keys_cell(c); }},
          {{"map", Align::left, 9, From::detail}, [](T c, V) { return tags_cell(c.model_map); }},
          {{"timeout_connect", Align::left, 9, From::detail},
           [](T c, V) { return milliseconds_cell(c.timeout_connect_ms); }},
          {{"timeout_first_byte", Align::left, 9, From::detail},
           [](T c, V) { return milliseconds_cell(c.timeout_first_byte_ms); }},
          {{"timeout_idle", Align::left, 9, From::detail}, [](T c, V) { return milliseconds_cell(c.timeout_idle_ms); }},
          {{"timeout_total", Align::left, 9, From::detail},
           [](T c, V) { return milliseconds_cell(c.timeout_total_ms); }},
          {{"headers", Align::left, 9, From::detail}, [](T c, V) { return headers_cell(c.headers); }},
          {{"proxy", Align::left, 9, From::detail}, [](T c, V) { return text_cell(c.proxy); }},
          {{"ca_file", Align::left, 9, From::detail}, [](T c, V) { return text_cell(c.ca_file); }},
          {{"client_cert", Align::left, 9, From::detail}, [](T c, V) { return text_cell(c.client_cert); }},
          {{"client_key", Align::left, 9, From::detail}, [](T c, V) { return text_cell(c.client_key); }},
          {{"allow_private", Align::left, 9, From::detail}, [](T c, V) { return bool_cell(c.allow_private); }},
          {{"bound_field", Align::left, 9, From::detail}, [](T c, V) { return text_cell(c.bound_field); }},
          {{"echo_delay", Align::left, 9, From::detail},
           [](T c, V) { return c.kind == "echo" ? milliseconds_cell(c.echo_delay_ms) : Cell{}; }},
          {{"note", Align::left, 9, From::detail}, [](T c, V) { return text_cell(c.note); }},
          {{"created", Align::left, 9, From::detail}, [](T c, V v) { return past_cell(c.created_at, v); }},
          {{"id", Align::right, 9, From::detail}, [](T c, V) { return text_cell(std::to_string(c.id)); }},
          {{"rev", Align::right, 9, From::detail}, [](T c, V) { return text_cell(std::to_string(c.rev)); }},
      },
      [](T c) { return c.name; }};
  return k_kind;
}

std::string channel_path(std::string_view name) {
  return "/channels/" + admin::encode_segment(name);
}

void add_channel_settings(CLI::App& verb, ChannelWords& words) {
  add_text(verb, "--base-url", "URL", "Where the provider answers (OpenAI or Anthropic itself, by kind).",
           words.base_url);
  add_texts(verb, "--models", "LIST", "Names and patterns it serves: 'gpt-4o,o3-*'.", words.models);
  add_texts(verb, "--map", "ALIAS=MODEL", "Ask the provider for MODEL where a client asks for ALIAS; repeatable.",
            words.map);
  add_texts(verb, "--group", "GROUP", "A group it serves, or several (default).", words.groups);
  add_number(verb, "--priority", "N", "Higher ones are tried first (0).", words.priority);
  add_number(verb, "--weight", "N", "Its share among channels of the same priority (1).", words.weight);
  add_duration(verb, "--timeout-connect", "DURATION", "Limit for connecting.", words.timeout_connect);
  add_duration(verb, "--timeout-first-byte", "DURATION", "Limit for the first byte of the answer.",
               words.timeout_first_byte);
  add_duration(verb, "--timeout-idle", "DURATION", "Limit for silence within an answer.", words.timeout_idle);
  add_duration(verb, "--timeout-total", "DURATION", "Limit for the whole answer (1h).", words.timeout_total);
  add_texts(verb, "--header", "NAME:VALUE",
            "Send this header with each request; repeatable. Shown, so no place for keys.", words.headers);
  add_text(verb, "--proxy", "URL", "Reach the provider through this HTTP proxy: http://host:port, or none.",
           words.proxy);
  add_text(verb, "--ca-file", "FILE", "Trust only these CAs, absolute path, or none.", words.ca_file);
  add_text(verb, "--client-cert", "FILE", "Show the provider this certificate, absolute path, or none.",
           words.client_cert);
  add_text(verb, "--client-key", "FILE", "Its private key, absolute path, or none.", words.client_key);
  add_choice(verb, "--bound-field", "max_tokens|max_completion_tokens",
             "The member that bounds an answer (by kind and address).", words.bound_field);
  add_duration(verb, "--echo-delay", "DURATION", "For kind echo: the pause between pieces of text.", words.echo_delay);
  add_text(verb, "--note", "TEXT", "A note.", words.note);
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
