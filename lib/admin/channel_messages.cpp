// SPDX-License-Identifier: MIT
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
  v("id", m.id);
  v("rev", m.rev);
  v("name", m.name);
  v("kind", m.kind);
  v("enabled", m.enabled);
  v("base_url", m.base_url);
  v("models", m.models);
  v("model_map", m.model_map);
  v("groups", m.groups);
  v("priority", m.priority);
  v("weight", m.weight);
  v("timeout_connect_ms", m.timeout_connect_ms);
  v("timeout_first_byte_ms", m.timeout_first_byte_ms);
  v("timeout_idle_ms", m.timeout_idle_ms);
  v("allow_private", m.allow_private);
  v("bound_field", m.bound_field);
  v("echo_delay_ms", m.echo_delay_ms);
  v("timeout_total_ms", m.timeout_total_ms);
  v("headers", m.headers);
  v("proxy", m.proxy);
  v("ca_file", m.ca_file);
  v("client_cert", m.client_cert);
  v("client_key", m.client_key);
  v("keys", m.keys);
  v("note", m.note);
  v("created_at", m.created_at);
  v("health", m.health);
  v("spent_30d", m.spent_30d);
}

void fields(auto& v, message_of<ChannelCreate> auto& m) {
  v.required("name", m.name);
  v.required("kind", m.kind);
  v("base_url", m.base_url);
  v("models", m.models);
  v("model_map", m.model_map);
  v("groups", m.groups);
  v("priority", m.priority);
  v("weight", m.weight);
  v("timeout_connect_ms", m.timeout_connect_ms);
  v("timeout_first_byte_ms", m.timeout_first_byte_ms);
  v("timeout_idle_ms", m.timeout_idle_ms);
  v("allow_private", m.allow_private);
  v("bound_field", m.bound_field);
  v("echo_delay_ms", m.echo_delay_ms);
  v("key", m.key);
  v("note", m.note);
  v("enabled", m.enabled);
  v("timeout_total_ms", m.timeout_total_ms);
  v("headers", m.headers);
  v("proxy", m.proxy);
  v("ca_file", m.ca_file);
  v("client_cert", m.client_cert);
  v("client_key", m.client_key);
}

void fields(auto& v, message_of<ChannelEdit> auto& m) {
  v.edit("enabled", m.enabled);
  v.edit("base_url", m.base_url);
  v.edit("bound_field", m.bound_field);
  v.edit("note", m.note);
  v.edit("models", m.models);
  v.edit("groups", m.groups);
  v.edit("model_map", m.model_map);
  v.edit("priority", m.priority);
  v.edit("weight", m.weight);
  v.edit("timeout_connect_ms", m.timeout_connect_ms);
  v.edit("timeout_first_byte_ms", m.timeout_first_byte_ms);
  v.edit("timeout_idle_ms", m.timeout_idle_ms);
  v.edit("echo_delay_ms", m.echo_delay_ms);
  v.edit("allow_private", m.allow_private);
  v.edit("timeout_total_ms", m.timeout_total_ms);
  v.edit("headers", m.headers);
  v.edit("proxy", m.proxy);
  v.edit("ca_file", m.ca_file);
  v.edit("client_cert", m.client_cert);
  v.edit("client_key", m.client_key);
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
