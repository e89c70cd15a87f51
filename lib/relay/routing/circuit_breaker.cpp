// SPDX-License-Identifier: MIT
#include "relay/routing/circuit_breaker.h"

#include <algorithm>

namespace cr::relay::routing {

namespace {

using std::chrono::milliseconds;
using State = Availability::State;

// How long a probe is alone. A refusal comes fast; a good answer may think for minutes before its first byte.
constexpr std::chrono::seconds k_probe_alone{1};
// A refused key is asked again, ever more seldom: providers have refused good keys for a while.
constexpr milliseconds k_refused_first{10'000};
constexpr milliseconds k_refused_max{3'600'000};
// What a client's timer may be early by.
constexpr milliseconds k_timer_grain{5};
constexpr std::size_t k_troubles_max = 64;  // of one key; a client must not be able to grow them by odd model names
constexpr std::chrono::seconds k_own_probes_apart{60};  // of one channel

milliseconds doubled(milliseconds first, std::uint32_t step, milliseconds max) {
  const auto shift = std::min<std::uint32_t>(step, 20);
  return std::min<milliseconds>(max, first * (std::int64_t{1} << shift));
}

std::string words_for(int status, std::string_view what) {
  return status == 0 ? std::string(what) : "answered " + std::to_string(status);
}

}  // namespace

void CircuitBreaker::use(const policy::HealthLimits& limits) {
  const base::MutexLock lock(mutex_);
  limits_ = limits;
}

milliseconds CircuitBreaker::cool_down(std::uint32_t step) const {
  return doubled(limits_.cool_down_first, step, limits_.cool_down_max);
}

CircuitBreaker::Channel& CircuitBreaker::at_rev(base::ChannelId id, std::int64_t rev, std::size_t keys) {
  auto& channel = channels_[id];
  // A request may still run with a record older than the newest: that one's state is not to be thrown away.
  if (rev <= channel.rev) return channel;
  channel.rev = rev;
  channel.keys.assign(std::max<std::size_t>(1, keys), {});
  channel.next_key = 0;
  channel.open = channel.by_words = false;
  channel.closed_at.reset();
  channel.askers.clear_all();
  channel.tokens = {};
  channel.own_probe_at.reset();
  channel.step = channel.in_a_row = channel.broken_in_a_row = 0;
  channel.why.clear();
  note_trouble(channel);
  return channel;
}

void CircuitBreaker::note_trouble(Channel& channel) {
  const bool keys = std::any_of(channel.keys.begin(), channel.keys.end(), [](const auto& key) { return !key.empty(); });
  const bool troubled = channel.open || channel.in_a_row > 0 || keys || !channel.askers.empty();
  if (troubled == channel.troubled) return;
  channel.troubled = troubled;
  troubled_.fetch_add(troubled ? 1 : -1, std::memory_order_release);
}

const CircuitBreaker::Trouble* CircuitBreaker::find_trouble(const std::vector<Trouble>& troubles,
                                                            std::string_view model) {
  const Trouble* worst = nullptr;
  for (const auto& trouble : troubles) {
    if (!trouble.model.empty() && trouble.model != model) continue;
    if (worst == nullptr || trouble.until > worst->until) worst = &trouble;
  }
  return worst;
}

CircuitBreaker::KeyState CircuitBreaker::key_state(const Channel& channel, std::uint32_t key, std::string_view model,
                                                   const Asker& asker, base::SteadyTime now) {
  KeyState state;
  state.trouble = find_trouble(channel.keys[key], model);
  state.of_asker = channel.askers.find({asker.token, key, model}, now);
  if (state.trouble != nullptr) state.until = state.trouble->end(now);
  if (state.of_asker != nullptr) state.until = std::max(state.until, state.of_asker->until);
  // A channel that is set aside is tried by those who have seen nothing of it; and a key that is limited for all.
  const bool shut = channel.open || (state.trouble != nullptr && !state.trouble->refused);
  const bool by_words = !channel.open || channel.by_words;
  state.as_last =
      by_words && (state.trouble == nullptr || state.trouble->as_last(now)) && (state.of_asker == nullptr || !shut);
  return state;
}

Availability CircuitBreaker::availability(const Channel& channel, std::string_view model, const Asker& asker,
                                          base::SteadyTime now) const {
  bool all_refused = true, as_last = false;
  std::optional<KeyState> soonest;
  for (std::uint32_t key = 0; key < channel.keys.size(); ++key) {
    const auto state = key_state(channel, key, model, asker, now);
    as_last = as_last || (state.as_last && asker.token);
    all_refused = all_refused && state.trouble != nullptr && state.trouble->refused;
    if (!soonest || state.until < soonest->until) soonest = state;
  }
  if (channel.open && now < channel.open_until) return {State::cooling, channel.open_until, as_last};
  if (channel.open && now < channel.probe_until) return {State::cooling, channel.probe_until, as_last};
  if (!soonest) return {State::due, {}};
  const bool clear = soonest->trouble == nullptr && soonest->of_asker == nullptr;
  if (clear) return {channel.open ? State::due : State::ready, {}};
  if (soonest->until <= now) return {State::due, {}};
  if (all_refused) return {State::keys_refused, soonest->until, as_last};
  const bool limited = soonest->of_asker != nullptr ? soonest->of_asker->status == 429 : !soonest->trouble->refused;
  return {limited ? State::limited : State::cooling, soonest->until, as_last};
}

Availability CircuitBreaker::look(const ledger::ChannelRecord& channel, std::string_view model, base::SteadyTime now,
                                  const Asker& asker) {
  if (troubled_.load(std::memory_order_acquire) == 0) return {};
  const base::MutexLock lock(mutex_);
  return availability(channel_of(channel), model, asker, now + k_timer_grain);
}

std::optional<Claim> CircuitBreaker::claim(const ledger::ChannelRecord& record, std::string_view model,
                                           base::SteadyTime now, const ClaimFor& wanted) {
  Claim claim{record.id, record.rev, 0, model, false, now, wanted.asker};
  if (record.keys.size() < 2 && troubled_.load(std::memory_order_acquire) == 0) return claim;
  const base::MutexLock lock(mutex_);
  auto& channel = channel_of(record);
  const auto judged_at = now + k_timer_grain;
  const auto available = availability(channel, model, wanted.asker, judged_at);
  const bool as_last = wanted.as_last && available.as_last;
  if (!available.may_send() && !as_last) return std::nullopt;
  const auto count = std::min(channel.keys.size(), std::max<std::size_t>(1, record.keys.size()));
  for (std::size_t turn = 0; turn < count; ++turn) {
    claim.key = static_cast<std::uint32_t>((channel.next_key + turn) % count);
    if (wanted.key && *wanted.key != claim.key) continue;
    const auto state = key_state(channel, claim.key, model, wanted.asker, judged_at);
    if (state.until > judged_at && !(as_last && state.as_last)) continue;
    channel.next_key = claim.key + 1;
    claim.probe = channel.open || state.trouble != nullptr;
    // Nobody else for a while; those who come after it wait for nobody.
    if (channel.open && channel.open_until <= judged_at && channel.probe_until < channel.open_until)
      channel.probe_until = now + k_probe_alone;
    for (auto& one : channel.keys[claim.key]) {
      const bool concerned = one.model.empty() || one.model == model;
      if (concerned && one.until <= judged_at && one.probe_until < one.until) one.probe_until = now + k_probe_alone;
    }
    return claim;
  }
  return std::nullopt;
}

BreakerChange CircuitBreaker::report(const Claim& claim, const Observation& observation, base::SteadyTime now) {
  const bool answered = observation.kind == Observation::Kind::answered;
  if (answered && troubled_.load(std::memory_order_acquire) == 0) return {};
  const base::MutexLock lock(mutex_);
  // A channel's first trouble may be the first that is heard of it; with several keys its claim has made the entry.
  auto& channel = at_rev(claim.channel, claim.rev, claim.key + std::size_t{1});
  if (claim.rev < channel.rev) return {};
  BreakerChange change;
  if (observation.of_request && claim.asker.token) {
    change = weigh(channel, claim, observation, now);
    note_trouble(channel);
    return change;
  }
  switch (observation.kind) {
    case Observation::Kind::answered:
      change = clear(channel, claim, now);
      break;
    case Observation::Kind::failed:
      channel.recent.add({now, RecentResults::Kind::failed, {}, {}});
      change = fail(channel, is_probe_of(channel, claim), observation, now);
      break;
    case Observation::Kind::rate_limited:
    case Observation::Kind::key_refused:
      channel.recent.add({now, RecentResults::Kind::refused, {}, {}});
      change = put_key_aside(channel, claim, observation, now);
      break;
    case Observation::Kind::abandoned:
      leave_to_the_next(channel, claim, now);
      break;
  }
  note_trouble(channel);
  return change;
}

BreakerChange CircuitBreaker::finished(const Claim& claim, Finish finish, std::optional<std::int64_t> first_byte_ms,
                                       std::int64_t duration_ms, base::SteadyTime now) {
  const base::MutexLock lock(mutex_);
  auto& channel = at_rev(claim.channel, claim.rev, claim.key + std::size_t{1});
  const bool broken = finish == Finish::broken;
  const bool of_token = bool(claim.asker.token);
  if (!broken || !of_token) {
    channel.recent.add({now, broken ? RecentResults::Kind::failed : RecentResults::Kind::whole, first_byte_ms,
                        broken ? std::nullopt : std::optional(duration_ms)});
  }
  if (claim.rev < channel.rev) return {};
  if (of_token) return finished_for(channel, claim, finish, now);
  // Counted apart: each of them began with a head, which ends a row of those that did not.
  channel.broken_in_a_row = broken ? channel.broken_in_a_row + 1 : 0;
  if (!broken) return {};
  const auto change = fail(channel, false, {Observation::Kind::failed, 0, "its answer broke off", {}}, now);
  note_trouble(channel);
  return change;
}

BreakerChange CircuitBreaker::finished_for(Channel& channel, const Claim& claim, Finish finish, base::SteadyTime now) {
  BreakerChange change;
  if (finish == Finish::broken) {
    change = weigh(channel, claim, {Observation::Kind::failed, 0, "its answer broke off", {}, true}, now);
  } else if (finish == Finish::whole) {
    channel.tokens.note_good(claim.asker, now);
    channel.askers.clear({claim.asker.token, claim.key, claim.model}, claim.at);
  }
  if (channel.askers.empty() && finish != Finish::broken) return change;
  channel.askers.forget_old(now);
  note_trouble(channel);
  return change;
}

// What may be the fault of this one request.
BreakerChange CircuitBreaker::weigh(Channel& channel, const Claim& claim, const Observation& observation,
                                    base::SteadyTime now) {
  channel.recent.add({now, RecentResults::Kind::of_request, {}, {}});
  channel.tokens.note_failure(claim.asker, now);
  const bool of_key = observation.kind != Observation::Kind::failed;
  BreakerChange change;
  if (of_key && is_probe_of(channel, claim)) change = close(channel, now);  // the channel itself answered
  leave_to_the_next(channel, claim, now);
  hold_against_asker(channel, claim, observation, now);
  if (channel.tokens.agree(claim.asker.only_account, now)) {
    change = of_key ? put_key_aside(channel, claim, observation, now) : set_aside(channel, observation, now);
  }
  if (!channel.own_probe_at || now - *channel.own_probe_at >= k_own_probes_apart) {
    channel.own_probe_at = now;
    change.wants_probe = true;
  }
  return change;
}

void CircuitBreaker::hold_against_asker(Channel& channel, const Claim& claim, const Observation& observation,
                                        base::SteadyTime now) {
  const bool of_key = observation.kind != Observation::Kind::failed;
  const auto key = of_key ? claim.key : AskerTroubles::k_every_key;
  auto* trouble = channel.askers.add({claim.asker.token, key, claim.model}, claim.at, now);
  if (trouble == nullptr) return;
  trouble->status = observation.status;
  trouble->what = observation.what;
  trouble->until = now + observation.retry_after.value_or(cool_down(trouble->step));
}

// By tokens' words.
BreakerChange CircuitBreaker::set_aside(Channel& channel, const Observation& observation, base::SteadyTime now) {
  if (channel.open && now < channel.open_until) return {};
  const bool was_open = channel.open;
  const bool confirmed = was_open && !channel.by_words;  // and not over yet
  open(channel, observation, now);
  channel.by_words = !confirmed;
  return {was_open ? BreakerChange::Kind::none : BreakerChange::Kind::set_aside,
          std::chrono::duration_cast<milliseconds>(channel.open_until - now)};
}

BreakerChange CircuitBreaker::probed(const ledger::ChannelRecord& record, std::uint32_t key, std::string_view model,
                                     const Observation& observation, base::SteadyTime now) {
  const base::MutexLock lock(mutex_);
  auto& channel = channel_of(record);
  if (record.rev != channel.rev || key >= channel.keys.size()) return {};
  const Claim claim{record.id, record.rev, key, model, true, now};
  BreakerChange change;
  switch (observation.kind) {
    case Observation::Kind::answered:
      if (channel.open) change.kind = BreakerChange::Kind::back;
      channel.tokens.note_own_good(now);
      forgive(channel, key, model);
      break;
    case Observation::Kind::failed: {
      const bool known = channel.open && !channel.by_words;
      if (known && now < channel.open_until) break;
      if (!channel.open) change.kind = BreakerChange::Kind::set_aside;
      open(channel, observation, now);
      change.cool_down = std::chrono::duration_cast<milliseconds>(channel.open_until - now);
      break;
    }
    case Observation::Kind::rate_limited:
    case Observation::Kind::key_refused:
      change = put_key_aside(channel, claim, observation, now);
      // Not sooner than it can be asked again who is to blame.
      for (auto& one : channel.keys[key]) {
        if (!one.refused || one.since != now) continue;
        one.until = std::max(one.until, now + k_own_probes_apart);
        change.cool_down = std::chrono::duration_cast<milliseconds>(one.until - now);
      }
      break;
    case Observation::Kind::abandoned:
      break;
  }
  note_trouble(channel);
  return change;
}

bool CircuitBreaker::is_probe_of(const Channel& channel, const Claim& claim) {
  return claim.probe && channel.open && claim.at > channel.open_since;
}

bool CircuitBreaker::is_probe_of(const Trouble& trouble, const Claim& claim) {
  return claim.probe && claim.at > trouble.since && (trouble.model.empty() || trouble.model == claim.model);
}

// A probe that came to nothing in its second: the next one's turn.
void CircuitBreaker::leave_to_the_next(Channel& channel, const Claim& claim, base::SteadyTime now) {
  if (is_probe_of(channel, claim) && now < channel.probe_until) channel.probe_until = {};
  for (auto& one : channel.keys[claim.key]) {
    if (is_probe_of(one, claim) && now < one.probe_until) one.probe_until = {};
  }
}

BreakerChange CircuitBreaker::clear(Channel& channel, const Claim& claim, base::SteadyTime now) {
  // An answer that was asked for before the trouble came says nothing of now.
  if (channel.open && !is_probe_of(channel, claim)) return {};
  channel.in_a_row = 0;
  std::erase_if(channel.keys[claim.key], [&](const auto& one) { return is_probe_of(one, claim); });
  return channel.open ? close(channel, now) : BreakerChange{};
}

BreakerChange CircuitBreaker::close(Channel& channel, base::SteadyTime now) {
  channel.open = channel.by_words = false;
  channel.closed_at = now;
  channel.why.clear();
  return {BreakerChange::Kind::back};
}

BreakerChange CircuitBreaker::fail(Channel& channel, bool probe, const Observation& observation, base::SteadyTime now) {
  ++channel.in_a_row;
  if (channel.open && !probe) return {};  // one of those that were under way when it opened
  const bool asked_to_wait = observation.retry_after.has_value();
  const bool opens = probe || asked_to_wait ||
                     std::max(channel.in_a_row, channel.broken_in_a_row) >= limits_.failures_in_a_row ||
                     channel.recent.fail_often(limits_.samples_min, limits_.failures_percent, now);
  if (!opens) return {};
  const bool was_open = channel.open;
  open(channel, observation, now);
  return {was_open ? BreakerChange::Kind::none : BreakerChange::Kind::set_aside,
          std::chrono::duration_cast<milliseconds>(channel.open_until - now)};
}

void CircuitBreaker::open(Channel& channel, const Observation& observation, base::SteadyTime now) {
  // A channel that flaps does not begin anew with the shortest cool-down.
  const bool flaps = channel.open || (channel.closed_at && now - *channel.closed_at < limits_.cool_down_max);
  channel.step = flaps ? channel.step + 1 : 0;
  channel.open = true;
  channel.by_words = false;
  channel.open_since = now;
  channel.open_until = now + observation.retry_after.value_or(cool_down(channel.step));
  channel.probe_until = {};
  channel.why = words_for(observation.status, observation.what);
}

BreakerChange CircuitBreaker::put_key_aside(Channel& channel, const Claim& claim, const Observation& observation,
                                            base::SteadyTime now) {
  auto& key = channel.keys[claim.key];
  const bool refused = observation.kind == Observation::Kind::key_refused;
  // 401, 402 and no credit are the key's own; 429 and 403 are said of one model.
  const bool own = refused && (observation.status != 403 || observation.out_of_credit);
  const auto model = own ? std::string_view() : claim.model;
  auto trouble = std::find_if(key.begin(), key.end(), [&](const auto& one) { return one.model == model; });
  const bool known = trouble != key.end();
  const bool probed = known && is_probe_of(*trouble, claim);
  if (!known) {
    if (key.size() >= k_troubles_max) {
      const auto of_a_model = [](const Trouble& one) { return !one.model.empty(); };
      key.erase(std::find_if(key.begin(), key.end(), of_a_model));
    }
    trouble = key.insert(key.end(), Trouble{std::string(model), refused, false, observation.status});
  } else if (probed) {
    ++trouble->step;
  }
  const bool by_words = observation.of_request && claim.asker.token;
  // What crd's own request confirmed stays so until it is over.
  trouble->by_words = by_words && (!known || trouble->by_words || trouble->until <= now);
  trouble->refused = refused;
  trouble->out_of_credit = refused && observation.out_of_credit;
  trouble->status = observation.status;
  trouble->since = now;
  trouble->probe_until = {};
  const auto usual = own ? doubled(k_refused_first, trouble->step, k_refused_max) : cool_down(trouble->step);
  const auto wait = observation.retry_after.value_or(usual);
  trouble->until = std::max(known && !probed ? trouble->until : base::SteadyTime{}, now + wait);
  // The channel itself answered: a probe of the breaker has succeeded.
  channel.in_a_row = 0;
  if (is_probe_of(channel, claim)) close(channel, now);
  if (known) return {};
  return {refused ? BreakerChange::Kind::key_refused : BreakerChange::Kind::set_aside, wait};
}

BreakerView CircuitBreaker::view(const ledger::ChannelRecord& record, base::SteadyTime now) {
  const base::MutexLock lock(mutex_);
  auto& channel = channel_of(record);
  BreakerView view;
  const auto standing_now = availability(channel, {}, {}, now);
  view.state = standing_now.state;
  if (!standing_now.may_send()) view.wait = std::chrono::ceil<milliseconds>(standing_now.until - now);
  if (channel.open) view.reason = channel.why;
  for (std::size_t at = 0; at < channel.keys.size(); ++at) {
    for (const auto& trouble : channel.keys[at]) {
      if (trouble.until <= now) continue;
      if (trouble.model.empty()) ++view.keys_aside;
      if (trouble.model.empty() && trouble.out_of_credit) ++view.keys_without_credit;
      if (!view.reason.empty()) continue;
      const bool has_hint = at < record.key_hints.size();
      const auto key = has_hint ? "key " + to_text(record.key_hints[at]) : "it";
      view.reason = key + " was answered " + std::to_string(trouble.status) +
                    (trouble.model.empty() ? std::string() : " for " + trouble.model);
    }
  }
  view.recent = channel.recent.figures();
  return view;
}

std::string CircuitBreaker::reason(const ledger::ChannelRecord& record, std::string_view model, base::SteadyTime now,
                                   const Asker& asker) {
  const base::MutexLock lock(mutex_);
  const auto& channel = channel_of(record);
  if (availability(channel, model, asker, now).may_send()) return {};
  if (channel.open && now < channel.open_until) return channel.why;
  std::optional<KeyState> soonest;
  for (std::uint32_t key = 0; key < channel.keys.size(); ++key) {
    const auto state = key_state(channel, key, model, asker, now);
    if (!soonest || state.until < soonest->until) soonest = state;
  }
  if (soonest && soonest->trouble != nullptr) return words_for(soonest->trouble->status, "");
  if (!soonest || soonest->of_asker == nullptr) return {};
  return words_for(soonest->of_asker->status, soonest->of_asker->what) + " to this token";
}

void CircuitBreaker::proved_good(const ledger::ChannelRecord& record, std::uint32_t key, std::string_view model) {
  const base::MutexLock lock(mutex_);
  auto& channel = channel_of(record);
  if (channel.rev != record.rev) return;
  channel.askers.clear_all();
  forgive(channel, key, model);
  note_trouble(channel);
}

void CircuitBreaker::forgive(Channel& channel, std::uint32_t key, std::string_view model) {
  if (key < channel.keys.size()) {
    std::erase_if(channel.keys[key], [&](const Trouble& one) { return one.model.empty() || one.model == model; });
  }
  channel.open = channel.by_words = false;
  channel.step = channel.in_a_row = channel.broken_in_a_row = 0;
  channel.why.clear();
}

void CircuitBreaker::keep_only(const ledger::Directory& directory) {
  const base::MutexLock lock(mutex_);
  std::erase_if(channels_, [&](const auto& entry) {
    if (directory.find_channel(entry.first) != nullptr) return false;
    if (entry.second.troubled) troubled_.fetch_sub(1, std::memory_order_release);
    return true;
  });
}

std::size_t CircuitBreaker::size() const {
  const base::MutexLock lock(mutex_);
  return channels_.size();
}

}  // namespace cr::relay::routing
