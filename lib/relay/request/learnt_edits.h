// SPDX-License-Identifier: MIT
// LearntEdits: what providers refused of what crd itself wrote into requests: a stream's wish for its usage, or an
// output bound. A request whose refusal names it is sent once more without it, or as the refusal wants it, and later
// ones of that channel and model at once. Bounded; lives as long as the process, shared by all workers: thread-safe,
// and without a lock while nothing was learnt. An edit of a channel (a new rev) begins anew.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/id.h"
#include "base/mutex.h"

namespace cr::relay::request {

// What crd wrote into a body that its client had not.
struct WrittenMembers {
  bool usage = false;              // stream_options
  std::string_view bound_field{};  // empty: no bound, or in a member that the client had written
  std::int64_t bound = 0;
  bool any() const { return usage || !bound_field.empty(); }
};

struct LearntEdit {
  bool no_usage = false;           // it is not asked for
  std::string_view bound_field{};  // a literal; empty: as usual
  std::optional<std::int64_t> bound_most{};
  bool operator==(const LearntEdit&) const = default;
};

// What a refusal teaches of what was written.
struct Lesson {
  bool of_ours = false;              // it names something that crd wrote
  std::optional<LearntEdit> edit{};  // how to write it instead; none: nobody knows
  bool remember = true;              // false: it depends on this request's input
};
// `known`: what had been learnt when it was written. Pure.
Lesson learn_from(int status, std::string_view body, const WrittenMembers& written, const LearntEdit& known);

class LearntEdits {
 public:
  static constexpr std::size_t k_most = 1024;  // channels and models together; beyond it all is learnt anew
  LearntEdit find(base::ChannelId channel, std::int64_t rev, std::string_view model) const;
  // All that was learnt of a channel, as it is now: in no order.
  std::vector<std::pair<std::string, LearntEdit>> of(base::ChannelId channel, std::int64_t rev) const;
  void learn(base::ChannelId channel, std::int64_t rev, std::string_view model, const LearntEdit& edit);

 private:
  struct Entry {
    std::int64_t rev = 0;
    LearntEdit edit;
  };
  static std::string key_of(base::ChannelId channel, std::string_view model);

  mutable base::Mutex mutex_;
  std::unordered_map<std::string, Entry> entries_ CR_GUARDED_BY(mutex_);
  std::atomic<bool> any_{false};
};

}  // namespace cr::relay::request
