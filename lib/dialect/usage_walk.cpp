// SPDX-License-Identifier: MIT
#include "dialect/usage_walk.h"

#include <algorithm>
#include <array>
#include <limits>

#include "dialect/object_walk.h"

namespace cr::dialect {
namespace {

using json::JsonCursor;
using json::JsonKind;

constexpr std::string_view k_root = "/usage";
constexpr int k_depth_max = 4;

struct CostMember {
  std::string_view pointer;
  int decimals;  // its unit is 10^-decimals nano-dollars
};
constexpr std::array<CostMember, 4> k_costs = {{
    {"/cost", 9},               // openrouter.ai/docs/use-cases/usage-accounting
    {"/cost/total_cost", 9},    // docs.perplexity.ai/api-reference/chat-completions-post
    {"/estimated_cost", 9},     // deepinfra.com/docs/openai_api
    {"/cost_in_usd_ticks", -1}  // docs.x.ai/developers/cost-tracking: 10^10 are a dollar
}};

// Whose members say what the tokens took or how a cost comes about; or say again what others say.
constexpr std::array<std::string_view, 3> k_ignored_objects = {"/cost", "/cost_details", "/iterations"};
constexpr std::array<std::string_view, 10> k_ignored = {
    "total_tokens",
    "reasoning_tokens",
    "thinking_tokens",
    "text_tokens",
    "accepted_prediction_tokens",
    "rejected_prediction_tokens",
    "queue_time",
    "prompt_time",
    "completion_time",
    "total_time",
};

template <class List, class Key>
bool holds(const List& list, const Key& key) {
  return std::find(list.begin(), list.end(), key) != list.end();
}

// A pointer that grows and shrinks in place; what does not fit is nobody's member.
class PointerText {
 public:
  explicit PointerText(std::string_view root) : size_(root.copy(text_.data(), text_.size())) {}
  std::size_t size() const { return size_; }
  std::string_view view() const { return {text_.data(), size_}; }
  bool append(std::string_view key) {
    if (key.size() + 1 > text_.size() - size_) return false;
    text_[size_++] = '/';
    size_ += key.copy(text_.data() + size_, key.size());
    return true;
  }
  void cut(std::size_t size) { size_ = size; }

 private:
  std::array<char, 256> text_;
  std::size_t size_;
};

class Walk {
 public:
  Walk(JsonCursor& cursor, std::span<const UsageMember> members, UsageReport& report, Told& told)
      : cursor_(cursor), members_(members), report_(report), told_(told), pointer_(k_root) {}

  bool walk_object(int depth) {
    return walk_members(cursor_, [&](std::string_view key) {
      const auto parent = pointer_.size();
      const bool good = pointer_.append(key) ? take(key, depth) : cursor_.skip_value();
      pointer_.cut(parent);
      return good;
    });
  }

 private:
  std::string_view own_pointer() const { return pointer_.view().substr(k_root.size()); }

  bool take(std::string_view key, int depth) {
    const auto kind = cursor_.kind();
    if (kind == JsonKind::object && depth < k_depth_max) return walk_object(depth + 1);
    std::string_view raw;
    if (!cursor_.read_raw(raw)) return false;
    const bool scalar = kind == JsonKind::number || kind == JsonKind::string || kind == JsonKind::boolean;
    if (scalar) take_scalar(key, raw, kind, depth);
    return true;
  }

  void take_scalar(std::string_view key, std::string_view raw, JsonKind kind, int depth) {
    const auto pointer = own_pointer();
    if (take_cost(pointer, raw)) return;
    if (const UsageMember* known = find_member(pointer)) {
      if (known->field == nullptr) return;
      const auto count = to_count(raw, known->decimals, UsageReport::k_tokens_max);
      if (count) report_.*known->field = count;
      return;
    }
    if (is_ignored(pointer, key)) return;
    if (const auto count = to_count(raw, 0, std::numeric_limits<std::int64_t>::max())) {
      told_.set_count(pointer_.view(), *count);
    } else if (depth == 0 && kind != JsonKind::number) {
      set_text(told_, pointer_.view(), raw);
    }
  }

  // From where the one before it was found: answers name them in about the order of the table.
  const UsageMember* find_member(std::string_view pointer) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      const std::size_t at = next_ + i < members_.size() ? next_ + i : next_ + i - members_.size();
      if (members_[at].pointer != pointer) continue;
      next_ = at + 1 < members_.size() ? at + 1 : 0;
      return &members_[at];
    }
    return nullptr;
  }

  bool take_cost(std::string_view pointer, std::string_view raw) {
    const auto* const known = std::find_if(k_costs.begin(), k_costs.end(),
                                           [&](const CostMember& member) { return member.pointer == pointer; });
    if (known == k_costs.end()) return false;
    const auto nano = to_count(raw, known->decimals, std::numeric_limits<std::int64_t>::max());
    if (nano) told_.set_count(k_told_cost, std::max(*nano, told_.count(k_told_cost)));
    return true;
  }

  static bool is_ignored(std::string_view pointer, std::string_view key) {
    if (holds(k_ignored, key)) return true;
    return std::any_of(k_ignored_objects.begin(), k_ignored_objects.end(), [&](std::string_view object) {
      return pointer.starts_with(object) && pointer.substr(object.size()).starts_with('/');
    });
  }

  JsonCursor& cursor_;
  std::span<const UsageMember> members_;
  UsageReport& report_;
  Told& told_;
  PointerText pointer_;
  std::size_t next_ = 0;  // of the members, where the next one is looked for first
};

}  // namespace

void set_text(Told& told, std::string_view pointer, std::string_view raw) {
  if (raw.size() > Told::k_text_max) return;
  if (!raw.starts_with('"')) return told.set_text(pointer, raw);
  JsonCursor cursor(raw);
  json::JsonString text;
  if (!cursor.read_string(text)) return;
  if (!text.escaped()) return told.set_text(pointer, text.raw);
  const auto plain = json::unescape(text);
  told.set_text(pointer, plain);
}

bool walk_usage(JsonCursor& cursor, std::span<const UsageMember> members, UsageReport& report, Told& told) {
  return Walk(cursor, members, report, told).walk_object(0);
}

}  // namespace cr::dialect
