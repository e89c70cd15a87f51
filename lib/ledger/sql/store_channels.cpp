// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/text.h"
#include "ledger/core/channel_rules.h"
#include "ledger/sql/columns.h"
#include "ledger/sql/loading.h"
#include "ledger/sql/rows.h"
#include "ledger/sql/settings_json.h"
#include "ledger/sql/store_state.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::fail;
using Keys = std::vector<base::Secret>;

constexpr std::size_t k_keys_max = 64;
constexpr std::size_t k_key_bytes_max = 4096;

// A provider's key goes into a header: visible ASCII only.
Result<void> check_key(const base::Secret& key) {
  const std::string_view text = key.reveal();
  const bool visible = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!text.empty() && visible && text.size() <= k_key_bytes_max) return {};
  return fail(ErrorCode::invalid,
              "channel key: empty, over 4096 bytes, or with blanks or bytes that are not visible ASCII",
              "a file should hold the key alone, on one line");
}

Result<void> check_keys(const Keys& keys) {
  if (keys.size() > k_keys_max) return fail(ErrorCode::invalid, "channel keys: more than 64");
  for (const base::Secret& key : keys) {
    if (auto checked = check_key(key); !checked) return checked;
  }
  return {};
}

Result<void> insert_keys(Store::Impl& store, ChannelId channel, const Keys& keys) {
  for (const base::Secret& key : keys) {
    const std::string sealed = store.vault.seal(key.reveal(), channel_context(channel));
    const token::KeyHint hint = token::hint_of(key.reveal());
    auto done = store.sql.run(
        "INSERT INTO channel_key (channel_id, sealed, hint_first, hint_last, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        channel, Blob{{reinterpret_cast<const std::uint8_t*>(sealed.data()), sealed.size()}}, hint.first.view(),
        hint.last.view(), store.clock.now());
    if (!done) return done;
  }
  return {};
}

Result<void> write_channel(SqlSession& sql, const ChannelRecord& channel) {
  return update_record(sql, k_channel_fields, "channel", channel);
}

Result<void> check_settings(Store::Impl& store, ChannelRecord& channel, const ChannelRecord* before) {
  Result<void> done = base::check_name("channel name", channel.name);
  if (done) done = check_free(store.sql, "channel", channel.name, channel.id.value);
  if (done) done = store.check_groups(channel.groups);
  if (done) done = check_note(channel.note);
  if (done) done = complete_channel(channel, before);
  return done;
}

// Reads the keys back from their rows, so that what works now works after a restart.
Result<std::shared_ptr<const ChannelRecord>> publish(Store::Impl& store, ChannelRecord channel,
                                                     const ChannelRecord* before, const Actor& actor,
                                                     std::string_view action) {
  if (auto loaded = load_channel_keys(store, channel); !loaded) return tl::unexpected(loaded.error());
  auto audited = store.audit(actor, action, "channel " + channel.name, audit_detail(before, &channel));
  if (!audited) return tl::unexpected(audited.error());
  auto published = std::make_shared<const ChannelRecord>(std::move(channel));
  store.directory.put_channel(published);
  return published;
}

// A change of the keys alone.
Result<void> change_keys(Store::Impl& store, std::string_view name, std::string_view action, const Actor& actor,
                         const std::function<Result<void>(const ChannelRecord&)>& change) {
  const auto before = store.get_channel(name);
  if (!before) return tl::unexpected(before.error());
  if (auto done = change(**before); !done) return done;
  ChannelRecord channel = **before;
  ++channel.rev;
  if (auto done = write_channel(store.sql, channel); !done) return done;
  auto published = publish(store, std::move(channel), before->get(), actor, action);
  if (!published) return tl::unexpected(published.error());
  return {};
}

}  // namespace

Result<ChannelId> Store::create_channel(NewChannel wanted, const Actor& actor) {
  ChannelRecord channel = std::move(wanted.settings);
  channel.id = {};
  channel.rev = 1;
  channel.created_at = impl_.clock.now();
  if (channel.groups.empty()) channel.groups = {"default"};
  Result<void> done = check_settings(impl_, channel, nullptr);
  if (done) done = check_keys(wanted.keys);
  if (!done) return tl::unexpected(done.error());
  const auto made = insert_record(impl_.sql, k_channel_fields, "channel", channel);
  if (!made) return tl::unexpected(made.error());
  const ChannelId id{*made};
  channel.id = id;
  done = insert_keys(impl_, id, wanted.keys);
  if (!done) return tl::unexpected(done.error());
  if (auto published = publish(impl_, std::move(channel), nullptr, actor, "channel.create"); !published)
    return tl::unexpected(published.error());
  return id;
}

Result<Edited<ChannelRecord>> Store::edit_channel(std::string_view name,
                                                  const std::function<Result<void>(ChannelRecord&)>& change,
                                                  IfRev if_rev, const Actor& actor) {
  const auto before = impl_.get_channel(name);
  if (!before) return tl::unexpected(before.error());
  const ChannelRecord& old = **before;
  if (auto same = check_rev(if_rev, old.rev, "channel", name); !same) return tl::unexpected(same.error());
  ChannelRecord channel = old;
  if (auto changed = change(channel); !changed) return tl::unexpected(changed.error());
  channel.id = old.id;
  channel.rev = old.rev;
  channel.created_at = old.created_at;
  channel.key_hints = old.key_hints;
  if (auto done = check_settings(impl_, channel, &old); !done) return tl::unexpected(done.error());
  if (same_settings(k_channel_fields, old, channel)) return Edited<ChannelRecord>{*before, *before};
  ++channel.rev;
  if (auto done = write_channel(impl_.sql, channel); !done) return tl::unexpected(done.error());
  auto after = publish(impl_, std::move(channel), &old, actor, "channel.edit");
  if (!after) return tl::unexpected(after.error());
  return Edited<ChannelRecord>{*before, std::move(*after)};
}

Result<void> Store::set_channel_keys(std::string_view name, std::vector<base::Secret> keys, const Actor& actor) {
  if (auto checked = check_keys(keys); !checked) return checked;
  return change_keys(impl_, name, "channel.keys.set", actor, [&](const ChannelRecord& channel) -> Result<void> {
    if (auto done = impl_.sql.run("DELETE FROM channel_key WHERE channel_id = ?1", channel.id); !done) return done;
    return insert_keys(impl_, channel.id, keys);
  });
}

Result<void> Store::add_channel_key(std::string_view name, base::Secret key, const Actor& actor) {
  Keys keys;
  keys.push_back(std::move(key));
  if (auto checked = check_keys(keys); !checked) return checked;
  return change_keys(impl_, name, "channel.keys.add", actor, [&](const ChannelRecord& channel) -> Result<void> {
    if (channel.keys.size() >= k_keys_max) return fail(ErrorCode::invalid, "channel keys: more than 64");
    for (const auto& there : channel.keys) {
      if (there->reveal() == keys.front().reveal()) {
        return fail(ErrorCode::conflict, "channel '" + channel.name + "': has this key already");
      }
    }
    return insert_keys(impl_, channel.id, keys);
  });
}

Result<void> Store::remove_channel_key(std::string_view name, std::string_view shown_prefix, const Actor& actor) {
  return change_keys(impl_, name, "channel.keys.remove", actor, [&](const ChannelRecord& channel) -> Result<void> {
    const std::string channel_name = "channel '" + channel.name + "'";
    const auto matching = std::count_if(channel.key_hints.begin(), channel.key_hints.end(),
                                        [&](const auto& hint) { return hint.first.view().starts_with(shown_prefix); });
    if (shown_prefix.empty() || matching == 0) {
      // Not repeated: it may be a whole key.
      return fail(ErrorCode::not_found, channel_name + ": no key begins with what was given",
                  "give the beginning that 'crctl channel show " + channel.name + "' shows");
    }
    if (matching > 1) {
      return fail(ErrorCode::conflict, channel_name + ": " + std::to_string(matching) + " keys begin like that",
                  "set the whole list of keys anew");
    }
    return impl_.sql.run("DELETE FROM channel_key WHERE channel_id = ?1 AND substr(hint_first, 1, ?3) = ?2", channel.id,
                         shown_prefix, static_cast<std::int64_t>(shown_prefix.size()));
  });
}

Result<void> Store::delete_channel(std::string_view name, IfRev if_rev, const Actor& actor) {
  const auto before = impl_.get_channel(name);
  if (!before) return tl::unexpected(before.error());
  const ChannelRecord& channel = **before;
  if (auto same = check_rev(if_rev, channel.rev, "channel", name); !same) return same;
  // The row stays for the reports; its keys do not.
  auto done = impl_.sql.run("DELETE FROM channel_key WHERE channel_id = ?1", channel.id);
  if (done) done = impl_.sql.run("UPDATE channel SET deleted_at = ?2 WHERE id = ?1", channel.id, impl_.clock.now());
  if (done) done = impl_.audit(actor, "channel.delete", "channel " + channel.name, audit_detail(&channel, nullptr));
  if (!done) return done;
  impl_.directory.erase_channel(channel.id);
  return {};
}

}  // namespace cr::ledger
