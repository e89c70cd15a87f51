// SPDX-License-Identifier: MIT
// The table of a channel's fields, in the order of its JSON; see record_fields.h.
#pragma once

#include "admin/channel_messages.h"
#include "admin/record_fields.h"

namespace cr::admin {

// A flag that create and edit explain alike.
constexpr FieldFacts channel_flag(std::string_view flag, std::string_view metavar, Typed typed, std::string_view help,
                                  int help_place = 0) {
  return {.typed = typed,
          .flag = flag,
          .metavar = metavar,
          .create_help = help,
          .edit_help = help,
          .help_place = help_place};
}

// The same of a member that counts milliseconds; crctl's column is called as the flag.
constexpr FieldFacts channel_duration(std::string_view flag, std::string_view heading, std::string_view help,
                                      int help_place = 0) {
  FieldFacts facts = channel_flag(flag, "DURATION", Typed::duration, help, help_place);
  facts.heading = heading;
  return facts;
}

inline constexpr auto k_channel_fields = std::make_tuple(
    computed("id", &Channel::id), computed("rev", &Channel::rev),
    setting("name", &Channel::name, &ChannelCreate::name, NoMember(), {.required = true}),
    setting("kind", &Channel::kind, &ChannelCreate::kind, NoMember(), {.required = true}),
    setting("enabled", &Channel::enabled, &ChannelCreate::enabled, &ChannelEdit::enabled, {.heading = "status"}),
    setting("base_url", &Channel::base_url, &ChannelCreate::base_url, &ChannelEdit::base_url,
            channel_flag("--base-url", "URL", Typed::text,
                         "Where the provider answers (OpenAI or Anthropic itself, by kind).")),
    setting("models", &Channel::models, &ChannelCreate::models, &ChannelEdit::models,
            channel_flag("--models", "LIST", Typed::list, "Names and patterns it serves: 'gpt-4o,o3-*'.")),
    setting("model_map", &Channel::model_map, &ChannelCreate::model_map, &ChannelEdit::model_map,
            {.typed = Typed::pairs,
             .flag = "--map",
             .metavar = "ALIAS=MODEL",
             .create_help = "Ask the provider for MODEL where a client asks for ALIAS; repeatable.",
             .edit_help = "Ask the provider for MODEL where a client asks for ALIAS; repeatable.",
             .heading = "map"}),
    setting("groups", &Channel::groups, &ChannelCreate::groups, &ChannelEdit::groups,
            channel_flag("--group", "GROUP", Typed::list, "A group it serves, or several (default).")),
    setting("priority", &Channel::priority, &ChannelCreate::priority, &ChannelEdit::priority,
            channel_flag("--priority", "N", Typed::count, "Higher ones are tried first (0).")),
    setting("weight", &Channel::weight, &ChannelCreate::weight, &ChannelEdit::weight,
            channel_flag("--weight", "N", Typed::count, "Its share among channels of the same priority (1).")),
    setting("timeout_connect_ms", &Channel::timeout_connect_ms, &ChannelCreate::timeout_connect_ms,
            &ChannelEdit::timeout_connect_ms,
            channel_duration("--timeout-connect", "timeout_connect", "Limit for connecting.")),
    setting("timeout_first_byte_ms", &Channel::timeout_first_byte_ms, &ChannelCreate::timeout_first_byte_ms,
            &ChannelEdit::timeout_first_byte_ms,
            channel_duration("--timeout-first-byte", "timeout_first_byte", "Limit for the first byte of the answer.")),
    setting("timeout_idle_ms", &Channel::timeout_idle_ms, &ChannelCreate::timeout_idle_ms,
            &ChannelEdit::timeout_idle_ms,
            channel_duration("--timeout-idle", "timeout_idle", "Limit for silence within an answer.")),
    setting("allow_private", &Channel::allow_private, &ChannelCreate::allow_private, &ChannelEdit::allow_private, {}),
    setting("bound_field", &Channel::bound_field, &ChannelCreate::bound_field, &ChannelEdit::bound_field,
            channel_flag("--bound-field", "auto|max_tokens|max_completion_tokens|none", Typed::choice,
                         "The member that bounds a chat's answer; none: no bound is written (auto).", 1)),
    setting("echo_delay_ms", &Channel::echo_delay_ms, &ChannelCreate::echo_delay_ms, &ChannelEdit::echo_delay_ms,
            channel_duration("--echo-delay", "echo_delay", "For kind echo: the pause between pieces of text.", 1)),
    setting("timeout_total_ms", &Channel::timeout_total_ms, &ChannelCreate::timeout_total_ms,
            &ChannelEdit::timeout_total_ms,
            channel_duration("--timeout-total", "timeout_total", "Limit for the whole answer (1h).")),
    setting("headers", &Channel::headers, &ChannelCreate::headers, &ChannelEdit::headers,
            channel_flag("--header", "NAME:VALUE", Typed::headers,
                         "Send this header with each request; repeatable. Shown, so no place for keys.")),
    setting("proxy", &Channel::proxy, &ChannelCreate::proxy, &ChannelEdit::proxy,
            channel_flag("--proxy", "URL", Typed::text_or_none,
                         "Reach the provider through this HTTP proxy: http://host:port, or none.")),
    setting("ca_file", &Channel::ca_file, &ChannelCreate::ca_file, &ChannelEdit::ca_file,
            channel_flag("--ca-file", "FILE", Typed::text_or_none, "Trust only these CAs, absolute path, or none.")),
    setting("client_cert", &Channel::client_cert, &ChannelCreate::client_cert, &ChannelEdit::client_cert,
            channel_flag("--client-cert", "FILE", Typed::text_or_none,
                         "Show the provider this certificate, absolute path, or none.")),
    setting("client_key", &Channel::client_key, &ChannelCreate::client_key, &ChannelEdit::client_key,
            channel_flag("--client-key", "FILE", Typed::text_or_none, "Its private key, absolute path, or none.")),
    setting(
        "strip", &Channel::strip, &ChannelCreate::strip, &ChannelEdit::strip,
        channel_flag("--strip", "LIST", Typed::list, "Leave these members of a request out: 'service_tier,speed'.")),
    setting("service_tier", &Channel::service_tier, &ChannelCreate::service_tier, &ChannelEdit::service_tier,
            channel_flag("--service-tier", "TIER", Typed::text_or_none,
                         "What a request that names no tier has at this provider, or none.")),
    told("bound_field_chosen", &Channel::bound_field_chosen),
    setting("stream_usage", &Channel::stream_usage, &ChannelCreate::stream_usage, &ChannelEdit::stream_usage,
            channel_flag("--stream-usage", "auto|always|never", Typed::choice,
                         "Whether a stream is asked for its usage (auto: as the provider takes it).", 1)),
    setting("output_rate_max", &Channel::output_rate_max, &ChannelCreate::output_rate_max,
            &ChannelEdit::output_rate_max,
            {.none = "auto",
             .typed = Typed::rate,
             .flag = "--output-rate-max",
             .metavar = "N",
             .create_help = "Model tokens a second that one answer has at most; none: the provider's.",
             .edit_help = "Model tokens a second that one answer has at most; none: the provider's.",
             .help_place = 1}),
    setting("cancels", &Channel::cancels, &ChannelCreate::cancels, &ChannelEdit::cancels,
            channel_flag("--cancels", "auto|never", Typed::choice,
                         "Whether the provider stops when its connection is closed (auto).", 1)),
    setting("retry_after_timeout", &Channel::retry_after_timeout, &ChannelCreate::retry_after_timeout,
            &ChannelEdit::retry_after_timeout, {}),
    computed("in_effect", &Channel::in_effect), told("keys", &Channel::keys),
    setting("note", &Channel::note, &ChannelCreate::note, &ChannelEdit::note,
            channel_flag("--note", "TEXT", Typed::text, "A note.", 2)),
    computed("created_at", &Channel::created_at), computed("health", &Channel::health),
    computed("spent_30d", &Channel::spent_30d));

constexpr const auto& fields_of(const Channel&) {
  return k_channel_fields;
}

}  // namespace cr::admin
