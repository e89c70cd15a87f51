// SPDX-License-Identifier: MIT
// Routes of channels.
#include <chrono>

#include "admin/channel_fields.h"
#include "base/text.h"
#include "ledger/core/channel_fields.h"
#include "ledger/core/channel_rules.h"
#include "provider/kinds/kind.h"
#include "relay/request/worker_context.h"
#include "server/admin/channel_effects.h"
#include "server/admin/field_values.h"
#include "server/admin/routes.h"

namespace cr::server::admin {

namespace {

using base::ErrorCode;
using base::fail;
using base::Result;
using ledger::ChannelRecord;
using ledger::Store;
using std::chrono::milliseconds;

constexpr std::chrono::hours k_spending_window{24 * 30};
std::string_view name_of(relay::routing::Availability::State state) {
  switch (state) {
    case relay::routing::Availability::State::ready:
      return "ready";
    case relay::routing::Availability::State::due:
      return "due";
    case relay::routing::Availability::State::cooling:
      return "cooling";
    case relay::routing::Availability::State::limited:
      return "limited";
    case relay::routing::Availability::State::keys_refused:
      break;
  }
  return "keys_refused";
}

cr::admin::ChannelHealth to_message(const relay::routing::BreakerView& view) {
  cr::admin::ChannelHealth health;
  health.state = name_of(view.state);
  health.reason = view.reason;
  if (view.wait) health.retry_in_ms = view.wait->count();
  health.keys_aside = static_cast<std::int64_t>(view.keys_aside);
  health.requests = static_cast<std::int64_t>(view.recent.requests);
  health.p50_ms = view.recent.p50_ms;
  health.first_byte_p50_ms = view.recent.first_byte_p50_ms;
  if (view.recent.error_percent) health.error_percent = *view.recent.error_percent;
  return health;
}

cr::admin::Channel to_message(const ChannelRecord& record) {
  cr::admin::Channel channel;
  show_fields<cr::admin::k_channel_fields, ledger::k_channel_fields>(channel, record);
  for (std::size_t at = 0; at < record.key_hints.size(); ++at) {
    const auto& hint = record.key_hints[at];
    const auto made = at < record.key_created_at.size() ? record.key_created_at[at] : base::Time();
    channel.keys.push_back({std::string(hint.first.view()), std::string(hint.last.view()), made});
  }
  return channel;
}

Result<std::shared_ptr<const ChannelRecord>> get_channel(const RouteCall& call, const std::string& name) {
  const auto directory = call.api.ledger().directory().get();
  if (auto channel = directory->find_channel(name)) return channel;
  std::vector<std::string> names;
  for (const auto& channel : directory->channels()) names.push_back(channel->name);
  return tl::unexpected(not_found("channel", name, names));
}

// What was spent through each channel of late, by its name.
Result<std::map<std::string, base::Credits>> read_spending(const RouteCall& call) {
  ledger::UsageSelection selection;
  selection.by = {ledger::UsageBy::channel};
  selection.since = call.now - k_spending_window;
  selection.until = call.now;
  const auto groups =
      read_ledger(call.api.ledger(), [&](ledger::Reports& reports) { return reports.usage(selection); });
  if (!groups) return tl::unexpected(groups.error());
  std::map<std::string, base::Credits> spending;
  for (const auto& group : *groups) spending[group.key.front()] = group.cost;
  return spending;
}

// A channel with what is known of how it does.
cr::admin::Channel with_health(const RouteCall& call, const ChannelRecord& record,
                               const std::map<std::string, base::Credits>& spending) {
  auto channel = to_message(record);
  channel.health = to_message(call.api.hooks().health->view(record, base::steady_now()));
  const auto* learnt = call.api.hooks().learnt;
  channel.in_effect = channel_effects(record, learnt == nullptr ? LearntOfModels() : learnt->of(record.id, record.rev));
  if (const auto spent = spending.find(record.name); spent != spending.end()) channel.spent_30d = spent->second;
  return channel;
}

RouteResult answer_channel(const RouteCall& call, const std::string& name, int status) {
  const auto channel = get_channel(call, name);
  if (!channel) return tl::unexpected(channel.error());
  const auto spending = read_spending(call);
  if (!spending) return tl::unexpected(spending.error());
  return answer_with(with_health(call, **channel, *spending), (*channel)->rev, status);
}

// Names of header lines are kept in lower case.
template <class Map>
Map with_lower_names(const Map& headers) {
  Map lowered;
  for (const auto& [name, value] : headers) lowered[base::to_lower_ascii(name)] = value;
  return lowered;
}

Result<ledger::NewChannel> to_new_channel(cr::admin::ChannelCreate create) {
  create.headers = with_lower_names(create.headers);
  ledger::NewChannel channel;
  auto& settings = channel.settings;
  settings.groups = {"default"};
  // So long do client libraries wait, and so long is silent what thinks.
  settings.timeout_first_byte = settings.timeout_idle = std::chrono::minutes(10);
  auto taken = take_created<cr::admin::k_channel_fields, ledger::k_channel_fields>(create, settings);
  if (!taken) return tl::unexpected(taken.error());
  if (create.base_url.empty()) settings.base_url = provider::find_kind(create.kind)->usual_base_url;
  if (create.key) channel.keys.emplace_back(std::string_view(*create.key));
  return channel;
}

Result<void> apply(cr::admin::ChannelEdit edit, ChannelRecord& record) {
  if (edit.headers) edit.headers = with_lower_names(*edit.headers);
  // Named with the value that it has by itself, it stays when the address changes or a provider refuses it.
  if (edit.bound_field) record.bound_field_chosen = !edit.bound_field->empty() && *edit.bound_field != "auto";
  return take_edited<cr::admin::k_channel_fields, ledger::k_channel_fields>(edit, record);
}

// On this thread: the ledger's must not wait for a disk, and the workers' neither.
Result<void> take_certificates(const RouteCall& call, const ChannelRecord& record) {
  const auto files = relay::request::tls_files(record);
  if (files.empty()) return {};
  if (auto checked = ledger::check_certificate_files(record); !checked) return checked;
  auto taken = call.api.hooks().take_certificates(files, call.dry_run);
  if (taken) return {};
  return fail(taken.error().code, "channel '" + record.name + "': " + taken.error().message, taken.error().hint);
}

bool names_certificates(const cr::admin::ChannelEdit& edit) {
  return edit.ca_file || edit.client_cert || edit.client_key;
}

// Changes the keys as asked, in one transaction: the channel before and after.
Result<ledger::Edited<ChannelRecord>> change_keys(RouteCall& call, const std::string& action, const base::Secret& key) {
  const auto& actor = call.request.actor;
  // An edit of nothing, for its look at the rev and at the record.
  const auto look = [&](Store& store, ledger::IfRev if_rev) {
    return store.edit_channel(
        call.name(), [](ChannelRecord&) -> Result<void> { return {}; }, if_rev, actor);
  };
  const auto change = [&](Store& store) -> Result<void> {
    if (action == "remove") return store.remove_channel_key(call.name(), key.reveal(), actor);
    if (action == "add") return store.add_channel_key(call.name(), key.clone(), actor);
    std::vector<base::Secret> keys;
    keys.push_back(key.clone());
    return store.set_channel_keys(call.name(), std::move(keys), actor);
  };
  ledger::Edited<ChannelRecord> edited;
  auto done = call.write([&](Store& store) -> Result<void> {
    auto before = look(store, call.if_rev);
    if (!before) return tl::unexpected(before.error());
    if (auto changed = change(store); !changed) return changed;
    auto after = look(store, {});
    if (!after) return tl::unexpected(after.error());
    edited = {before->before, after->after};
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return edited;
}

// The channel after an edit, with what that changed; of a dry run without its health and spending, and with its old
// rev.
RouteResult answer_edited_channel(const RouteCall& call, const ledger::Edited<ChannelRecord>& edited) {
  const auto old = to_message(*edited.before);
  if (call.is_dry_run()) {
    auto dry = to_message(*edited.after);
    dry.rev = old.rev;
    return answer_edited(old, dry, dry.rev);
  }
  const auto spending = read_spending(call);
  if (!spending) return tl::unexpected(spending.error());
  return answer_edited(old, with_health(call, *edited.after, *spending), edited.after->rev);
}

}  // namespace

RouteResult list_channels(RouteCall& call) {
  const auto bounds = page_bounds(call.query);
  if (!bounds) return tl::unexpected(bounds.error());
  const auto spending = read_spending(call);
  if (!spending) return tl::unexpected(spending.error());
  const auto directory = call.api.ledger().directory().get();
  const auto& channels = directory->channels();
  cr::admin::Page<cr::admin::Channel> page;
  const auto begin = std::min(bounds->offset, channels.size());
  const auto end = begin + std::min(bounds->limit, channels.size() - begin);
  for (auto at = begin; at < end; ++at) page.items.push_back(with_health(call, *channels[at], *spending));
  if (end < channels.size()) page.next = cursor_at(end);
  return answer_with(page);
}

RouteResult show_channel(RouteCall& call) {
  return answer_channel(call, call.name(), 200);
}

RouteResult create_channel(RouteCall& call) {
  auto create = read_body<cr::admin::ChannelCreate>(call);
  if (!create) return tl::unexpected(create.error());
  auto channel = to_new_channel(*create);
  if (create->key) base::wipe(*create->key);
  if (!channel) return tl::unexpected(channel.error());
  if (auto taken = take_certificates(call, channel->settings); !taken) return tl::unexpected(taken.error());
  auto done = call.write([&](Store& store) -> Result<void> {
    // A copy: the store takes it, and what a dry run answers is made of the settings and keys below.
    ledger::NewChannel copy{channel->settings, {}};
    for (const auto& key : channel->keys) copy.keys.push_back(key.clone());
    if (auto made = store.create_channel(std::move(copy), call.request.actor); !made)
      return tl::unexpected(made.error());
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  if (!call.is_dry_run()) return answer_channel(call, channel->settings.name, k_created);
  for (const auto& key : channel->keys) channel->settings.key_hints.push_back(token::hint_of(key.reveal()));
  return answer_with(to_message(channel->settings), std::nullopt, k_created);
}

RouteResult edit_channel(RouteCall& call) {
  const auto edit = read_body<cr::admin::ChannelEdit>(call);
  if (!edit) return tl::unexpected(edit.error());
  const auto before = get_channel(call, call.name());
  if (!before) return tl::unexpected(before.error());
  auto would_be = **before;
  if (auto applied = apply(*edit, would_be); !applied) return tl::unexpected(applied.error());
  if (names_certificates(*edit)) {
    if (auto taken = take_certificates(call, would_be); !taken) return tl::unexpected(taken.error());
  }
  const auto read = relay::request::tls_files(would_be);
  const auto change = [&](ChannelRecord& record) -> Result<void> {
    if (auto applied = apply(*edit, record); !applied) return applied;
    if (relay::request::tls_files(record) == read) return {};
    return fail(ErrorCode::conflict, "channel '" + record.name + "': edited at the same time", "edit it again");
  };
  ledger::Edited<ChannelRecord> edited;
  auto done = call.write([&](Store& store) -> Result<void> {
    auto both = store.edit_channel(call.name(), change, call.if_rev, call.request.actor);
    if (!both) return tl::unexpected(both.error());
    edited = std::move(*both);
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return answer_edited_channel(call, edited);
}

RouteResult delete_channel(RouteCall& call) {
  const auto channel = get_channel(call, call.name());
  if (!channel) return tl::unexpected(channel.error());
  auto done =
      call.write([&](Store& store) { return store.delete_channel(call.name(), call.if_rev, call.request.actor); });
  if (!done) return tl::unexpected(done.error());
  const auto directory = call.api.ledger().directory().get();
  call.api.hooks().health->keep_only(*directory);
  return answer_with(to_message(**channel));
}

RouteResult set_channel_key(RouteCall& call) {
  auto set = read_body<cr::admin::ChannelSetKey>(call);
  if (!set) return tl::unexpected(set.error());
  const base::Secret key(std::move(set->key));
  const auto action = set->action;
  if (action != "set" && action != "add" && action != "remove") {
    return fail(ErrorCode::invalid, "action: expected \"set\", \"add\" or \"remove\"");
  }
  if (const auto there = get_channel(call, call.name()); !there) return tl::unexpected(there.error());
  const auto edited = change_keys(call, action, key);
  if (!edited) return tl::unexpected(edited.error());
  return answer_edited_channel(call, *edited);
}

RouteResult test_channel(RouteCall& call) {
  const auto request = read_body<cr::admin::ChannelTestRequest>(call);
  if (!request) return tl::unexpected(request.error());
  const auto channel = get_channel(call, call.name());
  if (!channel) return tl::unexpected(channel.error());
  const auto tested = call.api.hooks().test_channel(call.name(), *request);
  if (!tested) return tl::unexpected(tested.error());
  return answer_with(*tested);
}

}  // namespace cr::server::admin
