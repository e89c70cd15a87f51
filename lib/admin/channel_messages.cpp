// SPDX-License-Identifier: MIT
#include "admin/channel_fields.h"
#include "admin/fields.h"

namespace cr::admin {

void fields(auto& v, message_of<ChannelKeyInfo> auto& m) {
  v("first", m.first);
  v("last", m.last);
  v("created_at", m.created_at);
}

void fields(auto& v, message_of<ChannelHealth> auto& m) {
  v("state", m.state);
  v("reason", m.reason);
  v("retry_in_ms", m.retry_in_ms);
  v("keys_aside", m.keys_aside);
  v("requests", m.requests);
  v("p50_ms", m.p50_ms);
  v("first_byte_p50_ms", m.first_byte_p50_ms);
  v("error_percent", m.error_percent);
}

void fields(auto& v, message_of<Channel> auto& m) {
  record_fields(v, m, k_channel_fields);
}

void fields(auto& v, message_of<ChannelCreate> auto& m) {
  create_fields(v, m, k_channel_fields);
  v("key", m.key);
}

void fields(auto& v, message_of<ChannelEdit> auto& m) {
  edit_fields(v, m, k_channel_fields);
}

void fields(auto& v, message_of<ChannelSetKey> auto& m) {
  v.required("action", m.action);
  v.required("key", m.key);
}

void fields(auto& v, message_of<ChannelTestRequest> auto& m) {
  v("model", m.model);
  v("key", m.key);
}

void fields(auto& v, message_of<ChannelKeyTest> auto& m) {
  v("first", m.first);
  v("last", m.last);
  v("ok", m.ok);
  v("status", m.status);
  v("connect_ms", m.connect_ms);
  v("total_ms", m.total_ms);
  v("message", m.message);
}

void fields(auto& v, message_of<ChannelTest> auto& m) {
  v("ok", m.ok);
  v("model", m.model);
  v("status", m.status);
  v("connect_ms", m.connect_ms);
  v("total_ms", m.total_ms);
  v("message", m.message);
  v("keys", m.keys);
}

void fields(auto& v, message_of<ModelEntry> auto& m) {
  v("model", m.model);
  v("channels", m.channels);
}

void fields(auto& v, message_of<RouteChannel> auto& m) {
  v("place", m.place);
  v("channel", m.channel);
  v("group", m.group);
  v("kept", m.kept);
  v("reason", m.reason);
  v("priority", m.priority);
  v("weight", m.weight);
  v("share_percent", m.share_percent);
  v("upstream_model", m.upstream_model);
}

void fields(auto& v, message_of<RouteExplained> auto& m) {
  v("token", m.token);
  v("model", m.model);
  v("endpoint", m.endpoint);
  v("model_allowed", m.model_allowed);
  v("channels", m.channels);
}

CR_ADMIN_ANSWER(ChannelKeyInfo)
CR_ADMIN_ANSWER(ChannelHealth)
CR_ADMIN_ANSWER(Channel)
CR_ADMIN_ANSWER(Page<Channel>)
CR_ADMIN_ANSWER(Edited<Channel>)
CR_ADMIN_ANSWER(ChannelKeyTest)
CR_ADMIN_ANSWER(ChannelTest)
CR_ADMIN_ANSWER(ModelEntry)
CR_ADMIN_ANSWER(Page<ModelEntry>)
CR_ADMIN_ANSWER(RouteChannel)
CR_ADMIN_ANSWER(RouteExplained)
CR_ADMIN_REQUEST(ChannelCreate)
CR_ADMIN_REQUEST(ChannelEdit)
CR_ADMIN_REQUEST(ChannelSetKey)
CR_ADMIN_REQUEST(ChannelTestRequest)

}  // namespace cr::admin
