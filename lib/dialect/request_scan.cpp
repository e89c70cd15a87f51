// SPDX-License-Identifier: MIT
#include "dialect/request_scan.h"

#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <iterator>

#include "dialect/object_walk.h"
#include "dialect/top_level.h"

namespace cr::dialect {
namespace {

// No API has a tenth of this; without it a body of empty members could fill the memory with their names.
constexpr std::size_t k_members_max = 1024;

// Of what only a price's rules may ask for.
constexpr std::size_t k_other_members_max = 64;
constexpr std::size_t k_other_bytes_max = 128;

tl::unexpected<Refusal> refuse(RefusalCode code, std::string message, std::string_view param = {}) {
  return tl::unexpected<Refusal>(Refusal{code, std::move(message), std::string(param), {}});
}

tl::unexpected<Refusal> refuse_json(const json::JsonCursor& cursor) {
  const std::size_t offset = cursor.fault_offset();
  switch (cursor.fault()) {
    case json::JsonFault::too_deep:
      return refuse(RefusalCode::invalid_json,
                    fmt::format("the request body is nested deeper than {} levels", json::JsonCursor::k_depth_max));
    case json::JsonFault::lone_surrogate:
      return refuse(RefusalCode::invalid_json,
                    fmt::format("the request body is not valid JSON: half a surrogate pair at byte {}", offset));
    default:
      return refuse(RefusalCode::invalid_json, fmt::format("the request body is not valid JSON at byte {}", offset));
  }
}

}  // namespace

struct RequestScanner::Impl {
  std::vector<std::string_view> keys;
  std::deque<std::string> unescaped_keys;  // owns the few that were written with escapes

  RefusalOr<void> walk(Endpoint endpoint, json::JsonCursor& cursor, TopLevel& top, RequestScan& scan);
  void remember(const json::JsonString& key);
  RefusalOr<void> check_keys(const TopLevel& top);
};

namespace {

bool take_include_usage(json::JsonCursor& cursor, const json::JsonString& key, TopLevel& top) {
  static constexpr std::string_view k_name = "include_usage";
  FoldRoom room;
  if (fold_key(key, room) != k_name) return cursor.skip_value();
  if (!json::equals(key, k_name)) {
    top.lookalike = k_name;
    return cursor.skip_value();
  }
  if (top.include_usage.kind != json::JsonKind::none) top.twice = k_name;
  top.include_usage.kind = cursor.kind();
  top.include_usage.place.begin = cursor.offset();
  if (!cursor.skip_value()) return false;
  top.include_usage.place.end = cursor.offset();
  return true;
}

bool take_stream_options(json::JsonCursor& cursor, TopLevel& top) {
  if (cursor.kind() != json::JsonKind::object) return cursor.skip_value();
  if (!cursor.begin_object()) return false;
  json::JsonString key;
  while (cursor.next_member(key)) {
    top.stream_options_empty = false;
    if (!take_include_usage(cursor, key, top)) return false;
  }
  return cursor.fault() == json::JsonFault::none;
}

bool take_content(json::JsonCursor& cursor, PolicyKey key, TopLevel& top) {
  ContentFacts facts;
  if (!walk_content(cursor, facts)) return false;
  if (key == PolicyKey::prompt) top.prompts = facts.items;
  top.content.items += facts.items;
  top.content.unbounded |= facts.unbounded;
  top.content.long_cache |= facts.long_cache;
  top.content.images += facts.images;
  top.content.image_bytes += facts.image_bytes;
  top.content.sounds += facts.sounds;
  top.content.sound_bytes += facts.sound_bytes;
  std::move(facts.tools.begin(), facts.tools.end(), std::back_inserter(top.content.tools));
  if (key == PolicyKey::documents) top.documents = facts.items;
  return true;
}

// How many of its bound's tokens a model may think (docs.claude.com/en/docs/build-with-claude/extended-thinking).
bool take_thinking(json::JsonCursor& cursor, TopLevel& top) {
  return walk_members(cursor, [&](std::string_view key) {
    std::string_view raw;
    if (!cursor.read_raw(raw)) return false;
    std::int64_t budget = 0;
    const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), budget);
    if (key == "budget_tokens" && error == std::errc() && end == raw.data() + raw.size()) top.thinking_budget = budget;
    return true;
  });
}

bool take_modalities(json::JsonCursor& cursor, TopLevel& top) {
  return walk_elements(cursor, [&] {
    std::string_view raw;
    if (!cursor.read_raw(raw)) return false;
    top.wants_sound |= raw == R"("audio")";
    return true;
  });
}

// What the rules of a price may depend on, under its folded name: some providers read it in any case.
bool take_other(json::JsonCursor& cursor, const json::JsonString& key, std::string_view folded, RequestScan& scan) {
  const auto kind = cursor.kind();
  const bool scalar =
      kind == json::JsonKind::string || kind == json::JsonKind::number || kind == json::JsonKind::boolean;
  if (!scalar || scan.members.size() == k_other_members_max || key.text_bytes > k_other_bytes_max)
    return cursor.skip_value();
  std::string value;
  if (kind == json::JsonKind::string) {
    json::JsonString text;
    if (!cursor.read_string(text)) return false;
    if (text.text_bytes > k_other_bytes_max) return true;
    value = json::unescape(text);
  } else {
    std::string_view raw;
    if (!cursor.read_raw(raw)) return false;
    if (raw.size() > k_other_bytes_max) return true;
    value = raw;
  }
  scan.members.emplace_back("/" + (folded.empty() ? json::unescape(key) : std::string(folded)), std::move(value));
  return true;
}

bool take_value(Endpoint endpoint, json::JsonCursor& cursor, PolicyKey key, TopLevel& top) {
  const bool given = cursor.kind() != json::JsonKind::null;
  switch (key) {
    case PolicyKey::stream_options:
      return take_stream_options(cursor, top);
    case PolicyKey::messages:
    case PolicyKey::input:
    case PolicyKey::system:
      return take_content(cursor, key, top);
    case PolicyKey::prompt:
      if (endpoint != Endpoint::responses) return take_content(cursor, key, top);
      top.outside_input |= given;  // names a template that is kept at the provider
      return cursor.skip_value();
    case PolicyKey::tools:
      return walk_tools(cursor, top.content);
    case PolicyKey::query:
    case PolicyKey::documents:
      return endpoint == Endpoint::rerank ? take_content(cursor, key, top) : cursor.skip_value();
    case PolicyKey::cache_control:
      return walk_cache_control(cursor, top.content);
    case PolicyKey::thinking:
      return take_thinking(cursor, top);
    case PolicyKey::modalities:
      return take_modalities(cursor, top);
    default:
      if (key == PolicyKey::previous_response_id && endpoint == Endpoint::responses) return cursor.skip_value();
      if (brings_outside_input(key)) top.outside_input |= given;
      return cursor.skip_value();
  }
}

bool take_member(Endpoint endpoint, json::JsonCursor& cursor, const json::JsonString& key, TopLevel& top,
                 RequestScan& scan) {
  FoldRoom room;
  const auto folded = fold_key(key, room);
  const auto policy_key = find_policy_key(folded);
  if (!policy_key) return take_other(cursor, key, folded, scan);
  if (!json::equals(key, name_of(*policy_key))) {
    if (!top.lookalike) top.lookalike = name_of(*policy_key);
    return cursor.skip_value();
  }
  Member member;
  member.kind = cursor.kind();
  member.place.begin = cursor.offset();
  if (!take_value(endpoint, cursor, *policy_key, top)) return false;
  member.place.end = cursor.offset();
  top[*policy_key] = member;
  return true;
}

}  // namespace

void RequestScanner::Impl::remember(const json::JsonString& key) {
  keys.push_back(key.escaped() ? std::string_view(unescaped_keys.emplace_back(json::unescape(key))) : key.raw);
}

RefusalOr<void> RequestScanner::Impl::walk(Endpoint endpoint, json::JsonCursor& cursor, TopLevel& top,
                                           RequestScan& scan) {
  keys.clear();
  unescaped_keys.clear();
  const json::JsonKind kind = cursor.kind();
  if (kind != json::JsonKind::object) {
    if (!cursor.skip_value() || !cursor.finish()) return refuse_json(cursor);
    return refuse(RefusalCode::invalid_json, "the request body must be a JSON object");
  }
  if (!cursor.begin_object()) return refuse_json(cursor);
  scan.first_member = cursor.offset();
  json::JsonString key;
  while (cursor.next_member(key)) {
    if (keys.size() == k_members_max) {
      return refuse(RefusalCode::invalid_value,
                    fmt::format("the request body has more than {} members at its top level", k_members_max));
    }
    remember(key);
    if (!take_member(endpoint, cursor, key, top, scan)) break;
  }
  if (!cursor.finish()) return refuse_json(cursor);
  return {};
}

RefusalOr<void> RequestScanner::Impl::check_keys(const TopLevel& top) {
  std::sort(keys.begin(), keys.end());
  std::optional<std::string_view> twice = top.twice;
  const auto found = std::adjacent_find(keys.begin(), keys.end());
  if (found != keys.end()) {
    FoldRoom room;
    const auto policy_key = find_policy_key(fold_key(*found, room));
    if (!policy_key) return refuse(RefusalCode::duplicate_key, "a key is given twice at the top level: send each once");
    twice = name_of(*policy_key);
  }
  if (twice) return refuse(RefusalCode::duplicate_key, fmt::format("{} is given twice: send it once", *twice), *twice);
  if (top.lookalike) {
    return refuse(
        RefusalCode::duplicate_key,
        fmt::format("a key looks like {0} but is not spelled so: send {0} in lower-case ASCII", *top.lookalike),
        *top.lookalike);
  }
  for (int i = 0; i < k_policy_key_count; ++i) {
    const auto key = static_cast<PolicyKey>(i);
    if (!redirects(key) || top[key].kind == json::JsonKind::none) continue;
    return refuse(RefusalCode::invalid_value,
                  fmt::format("{} is not accepted in a request: channels are set by the operator", name_of(key)),
                  name_of(key));
  }
  return {};
}

std::string_view BilledMembers::member(std::string_view pointer) const {
  const auto found =
      std::find_if(members.begin(), members.end(), [&](const auto& member) { return member.first == pointer; });
  return found == members.end() ? std::string_view() : std::string_view(found->second);
}

RequestScanner::RequestScanner() : impl_(std::make_unique<Impl>()) {}
RequestScanner::~RequestScanner() = default;

RefusalOr<RequestScan> RequestScanner::scan(Endpoint endpoint, std::string_view body) {
  if (body.empty()) return refuse(RefusalCode::invalid_json, "the request body is empty: send a JSON object");
  if (body.starts_with("\xef\xbb\xbf")) {
    return refuse(RefusalCode::invalid_json, "the request body starts with a byte order mark: send JSON without it");
  }
  if (!simdjson::validate_utf8(body.data(), body.size())) {
    return refuse(RefusalCode::invalid_json, "the request body is not valid UTF-8");
  }
  RequestScan scan;
  TopLevel top;
  json::JsonCursor cursor(body);
  auto done = impl_->walk(endpoint, cursor, top, scan);
  if (done) done = impl_->check_keys(top);
  if (done) done = read_members(endpoint, body, top, scan);
  if (!done) return tl::unexpected(std::move(done.error()));
  return scan;
}

}  // namespace cr::dialect
