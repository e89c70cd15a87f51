// SPDX-License-Identifier: MIT
#include "relay/request/learnt_edits.h"

#include "dialect/provider_error.h"

namespace cr::relay::request {

namespace {

// No model's longest answer is below it: a smaller number is taken for something else.
constexpr std::int64_t k_bound_least = 256;

std::string_view other_field(std::string_view field) {
  if (field == "max_tokens") return "max_completion_tokens";
  if (field == "max_completion_tokens") return "max_tokens";
  return {};
}

Lesson learn_bound(std::string_view body, const WrittenMembers& written, const LearntEdit& known) {
  const auto other = other_field(written.bound_field);
  const auto refusal = dialect::find_member_refusal(body, written.bound_field, other, written.bound);
  Lesson lesson;
  lesson.of_ours = refusal.names;
  if (!refusal.names) return lesson;
  auto edit = known;
  if (!other.empty() && known.bound_field.empty() && (refusal.use_other || refusal.is_unknown)) {
    edit.bound_field = other;
  } else if (refusal.most && *refusal.most >= k_bound_least) {
    edit.bound_most = refusal.most;
    lesson.remember = !refusal.by_context;
  } else if (!refusal.is_unknown && written.bound / 2 >= k_bound_least) {
    // It does not say how much it takes, so that the next request may find it out anew.
    edit.bound_most = written.bound / 2;
    lesson.remember = false;
  } else {
    return lesson;
  }
  lesson.edit = edit;
  return lesson;
}

}  // namespace

Lesson learn_from(int status, std::string_view body, const WrittenMembers& written, const LearntEdit& known) {
  if (status != 400 && status != 422) return {};
  if (written.usage) {
    const bool named = dialect::find_member_refusal(body, "stream_options", {}, 0).names ||
                       dialect::find_member_refusal(body, "include_usage", {}, 0).names;
    auto edit = known;
    edit.no_usage = true;
    if (named) return {true, edit, true};
  }
  return written.bound_field.empty() ? Lesson{} : learn_bound(body, written, known);
}

std::string LearntEdits::key_of(base::ChannelId channel, std::string_view model) {
  return std::to_string(channel.value).append(1, ' ').append(model);
}

LearntEdit LearntEdits::find(base::ChannelId channel, std::int64_t rev, std::string_view model) const {
  if (!any_.load(std::memory_order_acquire)) return {};
  const base::MutexLock lock(mutex_);
  const auto found = entries_.find(key_of(channel, model));
  return found == entries_.end() || found->second.rev != rev ? LearntEdit{} : found->second.edit;
}

std::vector<std::pair<std::string, LearntEdit>> LearntEdits::of(base::ChannelId channel, std::int64_t rev) const {
  std::vector<std::pair<std::string, LearntEdit>> found;
  const auto prefix = key_of(channel, {});
  const base::MutexLock lock(mutex_);
  for (const auto& [key, entry] : entries_) {
    if (entry.rev == rev && key.starts_with(prefix)) found.emplace_back(key.substr(prefix.size()), entry.edit);
  }
  return found;
}

void LearntEdits::learn(base::ChannelId channel, std::int64_t rev, std::string_view model, const LearntEdit& edit) {
  const base::MutexLock lock(mutex_);
  if (entries_.size() >= k_most) entries_.clear();
  entries_[key_of(channel, model)] = {rev, edit};
  any_.store(true, std::memory_order_release);
}

}  // namespace cr::relay::request
