// SPDX-License-Identifier: MIT
// The ledger's table of a channel's fields: its settings in the order of admin/channel_fields.h, where they have the
// same names. See record_fields.h.
#pragma once

#include "ledger/core/record_fields.h"
#include "ledger/core/records.h"

namespace cr::ledger {

inline constexpr auto k_channel_fields = std::make_tuple(
    kept<At<&ChannelRecord::id>>("id"), kept<At<&ChannelRecord::rev>>("rev"), setting<At<&ChannelRecord::name>>("name"),
    setting<At<&ChannelRecord::kind>>("kind"), setting<At<&ChannelRecord::enabled>>("enabled"),
    setting<At<&ChannelRecord::base_url>>("base_url"), setting<At<&ChannelRecord::models>>("models"),
    setting<At<&ChannelRecord::model_map>>("model_map"), setting<At<&ChannelRecord::groups>>("groups"),
    setting<At<&ChannelRecord::priority>>("priority"), setting<At<&ChannelRecord::weight>>("weight"),
    setting<At<&ChannelRecord::timeout_connect>>("timeout_connect_ms"),
    setting<At<&ChannelRecord::timeout_first_byte>>("timeout_first_byte_ms"),
    setting<At<&ChannelRecord::timeout_idle>>("timeout_idle_ms"),
    setting<At<&ChannelRecord::allow_private>>("allow_private"),
    setting<At<&ChannelRecord::bound_field>>("bound_field"), setting<At<&ChannelRecord::echo_delay>>("echo_delay_ms"),
    setting<At<&ChannelRecord::timeout_total>>("timeout_total_ms"), setting<At<&ChannelRecord::headers>>("headers"),
    setting<At<&ChannelRecord::proxy>>("proxy"), setting<At<&ChannelRecord::ca_file>>("ca_file"),
    setting<At<&ChannelRecord::client_cert>>("client_cert"), setting<At<&ChannelRecord::client_key>>("client_key"),
    setting<At<&ChannelRecord::strip>>("strip"), setting<At<&ChannelRecord::service_tier>>("service_tier"),
    setting<At<&ChannelRecord::bound_field_chosen>>("bound_field_chosen"),
    setting<At<&ChannelRecord::stream_usage>>("stream_usage"),
    setting<At<&ChannelRecord::output_rate_max>>("output_rate_max"), setting<At<&ChannelRecord::cancels>>("cancels"),
    setting<At<&ChannelRecord::retry_after_timeout>>("retry_after_timeout"),
    beside<At<&ChannelRecord::key_hints>>("keys"), setting<At<&ChannelRecord::note>>("note"),
    kept<At<&ChannelRecord::created_at>>("created_at"));

constexpr const auto& fields_of(const ChannelRecord&) {
  return k_channel_fields;
}

}  // namespace cr::ledger
