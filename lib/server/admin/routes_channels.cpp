// SPDX-License-Identifier: MIT
// Routes of channels.
#include "base/text.h"
#include "ledger/core/channel_rules.h"
#include "provider/kinds/kind.h"
#include "relay/request/worker_context.h"
#include "server/admin/edits.h"
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
constexpr std::int64_t k_timeout_ms_max = 24LL * 3600 * 1000;

Result<provider::KindRow> read_kind(std::string_view text) {
  if (const auto* kind = provider::find_kind(text)) return *kind;
  std::string known;
  for (const auto& row : provider::kinds()) known += (known.empty() ? "\"" : ", \"") + std::string(row.name) + '"';
  return fail(ErrorCode::invalid, "kind: expected one of " + known);
}

Result<void> set_span(std::string_view member, const std::optional<std::int64_t>& ms, std::int64_t low,
                      milliseconds& place) {
  if (!ms) return {};
  if (*ms < low || *ms > k_timeout_ms_max) {
    return fail(ErrorCode::invalid, std::string(member) + ": expected a whole number from " + std::to_string(low) +
                                        " to " + std::to_string(k_timeout_ms_max));
  }
  place = milliseconds(*ms);
  return {};
}

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
  health.requests = static_cast<std::int64_t>(view.requests);
  health.p50_ms = view.p50_ms;
  health.first_byte_p50_ms = view.first_byte_p50_ms;
  if (view.error_percent) health.error_percent = *view.error_percent;
  return health;
}

cr::admin::Channel to_message(const ChannelRecord& record) {
  cr::admin::Channel channel;
  channel.id = record.id.value;
  channel.rev = record.rev;
  channel.name = record.name;
  channel.kind = provider::name_of(record.kind);
  channel.enabled = record.enabled == token::Switch::on;
  channel.base_url = record.base_url;
  channel.models = record.models;
  channel.model_map = record.model_map;
  channel.groups = record.groups;
  channel.priority = record.priority;
  channel.weight = record.weight;
  channel.timeout_connect_ms = record.timeout_connect.count();
  channel.timeout_first_byte_ms = record.timeout_first_byte.count();
  channel.timeout_idle_ms = record.timeout_idle.count();
  channel.allow_private = record.allow_private;
  channel.bound_field = record.bound_field;
  channel.echo_delay_ms = record.echo_delay.count();
  channel.timeout_total_ms = record.timeout_total.count();
  channel.headers = record.headers;
  channel.proxy = record.proxy;
  channel.ca_file = record.ca_file;
  channel.client_cert = record.client_cert;
  channel.client_key = record.client_key;
  for (std::size_t at = 0; at < record.key_hints.size(); ++at) {
    const auto& hint = record.key_hints[at];
    const auto made = at < record.key_created_at.size() ? record.key_created_at[at] : base::Time();
    channel.keys.push_back({hint.first, hint.last, made});
  }
  channel.note = record.note;
  channel.created_at = record.created_at;
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

Result<ledger::NewChannel> to_new_channel(const cr::admin::ChannelCreate& create) {
  const auto kind = read_kind(create.kind);
  if (!kind) return tl::unexpected(kind.error());
  ledger::NewChannel channel;
  auto& settings = channel.settings;
  settings.name = create.name;
  settings.kind = kind->kind;
  settings.enabled = switch_of(create.enabled);
  settings.base_url = create.base_url.empty() ? std::string(kind->usual_base_url) : create.base_url;
  settings.models = create.models;
  settings.model_map = create.model_map;
  settings.groups = create.groups.empty() ? std::vector<std::string>{"default"} : create.groups;
  settings.priority = create.priority;
  settings.weight = create.weight;
  settings.allow_private = create.allow_private;
  settings.bound_field = create.bound_field;
  settings.note = create.note;
  for (const auto& [name, value] : create.headers) settings.headers[base::to_lower_ascii(name)] = value;
  settings.proxy = create.proxy;
  settings.ca_file = create.ca_file;
  settings.client_cert = create.client_cert;
  settings.client_key = create.client_key;
  for (const auto& done :
       {set_span("timeout_connect_ms", create.timeout_connect_ms, 1, settings.timeout_connect),
        set_span("timeout_first_byte_ms", create.timeout_first_byte_ms, 1, settings.timeout_first_byte),
        set_span("timeout_idle_ms", create.timeout_idle_ms, 1, settings.timeout_idle),
        set_span("timeout_total_ms", create.timeout_total_ms, 1, settings.timeout_total),
        set_span("echo_delay_ms", create.echo_delay_ms, 0, settings.echo_delay)}) {
    if (!done) return tl::unexpected(done.error());
  }
  if (create.key) channel.keys.emplace_back(std::string_view(*create.key));
  return channel;
}

void apply_map(const std::map<std::string, std::optional<std::string>>& edit, std::map<std::string, std::string>& map) {
  for (const auto& [alias, model] : edit) {
    if (model) {
      map[alias] = *model;
    } else {
      map.erase(alias);
    }
  }
}

void apply_headers(const std::map<std::string, std::optional<std::string>>& edit,
                   std::map<std::string, std::string>& headers) {
  std::map<std::string, std::optional<std::string>> lowered;
  for (const auto& [name, value] : edit) lowered[base::to_lower_ascii(name)] = value;
  apply_map(lowered, headers);
}

Result<void> apply_list(const std::string& member, const std::optional<cr::admin::ListEdit>& edit,
                        std::vector<std::string>& list) {
  if (!edit) return {};
  auto changed = list_change(member, *edit)(list);
  if (!changed) return tl::unexpected(changed.error());
  list = std::move(*changed);
  return {};
}

Result<void> apply(const cr::admin::ChannelEdit& edit, ChannelRecord& record) {
  if (edit.enabled) record.enabled = switch_of(*edit.enabled);
  if (edit.base_url) record.base_url = *edit.base_url;
  if (edit.bound_field) record.bound_field = *edit.bound_field;
  if (edit.note) record.note = *edit.note;
  if (edit.model_map) apply_map(*edit.model_map, record.model_map);
  if (edit.priority) record.priority = *edit.priority;
  if (edit.weight) record.weight = *edit.weight;
  if (edit.allow_private) record.allow_private = *edit.allow_private;
  if (edit.headers) apply_headers(*edit.headers, record.headers);
  if (edit.proxy) record.proxy = *edit.proxy;
  if (edit.ca_file) record.ca_file = *edit.ca_file;
  if (edit.client_cert) record.client_cert = *edit.client_cert;
  if (edit.client_key) record.client_key = *edit.client_key;
  if (auto done = apply_list("models", edit.models, record.models); !done) return done;
  if (auto done = apply_list("groups", edit.groups, record.groups); !done) return done;
  for (const auto& done : {set_span("timeout_connect_ms", edit.timeout_connect_ms, 1, record.timeout_connect),
                           set_span("timeout_first_byte_ms", edit.timeout_first_byte_ms, 1, record.timeout_first_byte),
                           set_span("timeout_idle_ms", edit.timeout_idle_ms, 1, record.timeout_idle),
                           set_span("timeout_total_ms", edit.timeout_total_ms, 1, record.timeout_total),
                           set_span("echo_delay_ms", edit.echo_delay_ms, 0, record.echo_delay)}) {
    if (!done) return done;
  }
  return {};
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
