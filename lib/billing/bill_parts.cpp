// SPDX-License-Identifier: MIT
#include "billing/bill_parts.h"

#include <algorithm>
#include <array>
#include <vector>

#include "billing/price_rules.h"
#include "json/tree.h"

namespace cr::billing {
namespace {

using base::ErrorCode;
using json::Json;
using json::JsonWriter;

constexpr std::size_t k_bytes_max = std::size_t{64} * 1024;

struct UsagePart {
  std::string_view name;
  std::int64_t dialect::Usage::*member;
};
constexpr std::array<UsagePart, 7> k_parts{{
    {"cache_write_hour", &dialect::Usage::long_cache_write_tokens},
    {"audio_input", &dialect::Usage::audio_input_tokens},
    {"cached_audio_input", &dialect::Usage::cached_audio_tokens},
    {"audio_output", &dialect::Usage::audio_output_tokens},
    {"image_input", &dialect::Usage::image_input_tokens},
    {"cached_image_input", &dialect::Usage::cached_image_tokens},
    {"image_output", &dialect::Usage::image_output_tokens},
}};

// One object of the text, opened with its first member.
class Section {
 public:
  Section(JsonWriter& writer, std::string_view name, bool& any) : writer_(writer), name_(name), any_(any) {}
  ~Section() {
    if (open_) writer_.end_object();
  }
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;
  JsonWriter& member(std::string_view name) {
    if (!open_) {
      writer_.plain_name(name_);
      writer_.begin_object();
      open_ = any_ = true;
    }
    writer_.name(name);
    return writer_;
  }

 private:
  JsonWriter& writer_;
  std::string_view name_;
  bool& any_;
  bool open_ = false;
};

// A value that every rule which knows it leaves without effect need not be kept.
bool is_neutral(const Price& price, std::string_view pointer, std::string_view value) {
  bool known = false;
  for (const PriceRule& rule : price.rules.list()) {
    if (rule.request != pointer || std::ranges::find(rule.is, value) == rule.is.end()) continue;
    if (rule.has_effect()) return false;
    known = true;
  }
  return known;
}

bool is_neutral_for_all(const Price& price, std::string_view value) {
  return std::ranges::none_of(price.rules.list(), [&](const PriceRule& rule) {
    return rule.has_effect() && std::ranges::find(rule.is, value) != rule.is.end();
  });
}

void write_members(JsonWriter& writer, bool& any, const Price& price, const Circumstances& circumstances) {
  {
    Section asked(writer, "asked", any);
    for (const auto pointer : price.rules.requests()) {
      const auto value = sent_value(pointer, circumstances);
      // One that changes nothing matters where the channel would have another.
      const bool matters = !circumstances.service_tier.empty() || !is_neutral(price, pointer, value);
      if (!value.empty() && matters) asked.member(pointer).text(value);
    }
  }
  if (circumstances.told == nullptr) return;
  {
    Section told(writer, "told", any);
    for (const auto pointer : price.rules.answers()) {
      const auto value = circumstances.told->text(pointer);
      // One that costs nothing more matters only where the request, or the channel, asked for one that would.
      const bool asked_more = any || !circumstances.service_tier.empty();
      if (value.empty() || (!asked_more && is_neutral_for_all(price, value))) continue;
      told.member(pointer).text(value);
    }
  }
  Section counts(writer, "counts", any);
  for (const auto pointer : price.rules.counts()) {
    if (const auto count = circumstances.told->count(pointer); count != 0) counts.member(pointer).integer(count);
  }
}

template <class Take>
bool each_text(const Json* object, const Take& take) {
  if (object == nullptr) return true;
  return object->kind == Json::Kind::object && std::ranges::all_of(object->members, [&](const auto& member) {
           if (member.value.kind == Json::Kind::text) take(member.name, member.value.text);
           return member.value.kind == Json::Kind::text;
         });
}

template <class Take>
bool each_count(const Json* object, const Take& take) {
  if (object == nullptr) return true;
  return object->kind == Json::Kind::object && std::ranges::all_of(object->members, [&](const auto& member) {
           return member.value.kind == Json::Kind::integer && take(member.name, member.value.integer);
         });
}

}  // namespace

std::string bill_parts(const Price& price, const dialect::Usage& usage, const Circumstances& circumstances) {
  const bool plain = std::ranges::all_of(k_parts, [&](const UsagePart& part) { return usage.*part.member == 0; });
  if (plain && price.rules.empty()) return {};
  JsonWriter writer;
  bool any = false;
  writer.begin_object();
  {
    Section parts(writer, "usage", any);
    for (const auto& part : k_parts) {
      if (usage.*part.member != 0) parts.member(part.name).integer(usage.*part.member);
    }
  }
  if (!price.rules.empty()) {
    write_members(writer, any, price, circumstances);
    if (!circumstances.service_tier.empty()) {
      writer.plain_name("tier");
      writer.text(circumstances.service_tier);
      any = true;
    }
  }
  writer.end_object();
  return any ? writer.take() : std::string();
}

base::Result<BillParts> read_bill_parts(std::string_view text) {
  BillParts parts;
  if (text.empty()) return parts;
  const auto json = json::parse_json(text, k_bytes_max);
  if (!json) return base::fail(ErrorCode::corrupt, "a request's parts: " + json.error().message);
  if (json->kind != Json::Kind::object) return base::fail(ErrorCode::corrupt, "a request's parts are no object");
  bool whole = each_count(json->find("usage"), [&](std::string_view name, std::int64_t count) {
    const auto part = std::ranges::find(k_parts, name, &UsagePart::name);
    if (part == k_parts.end()) return false;
    parts.usage.*(part->member) = count;
    return true;
  });
  whole &= each_text(json->find("asked"), [&](const std::string& pointer, const std::string& value) {
    parts.asked.members.emplace_back(pointer, value);
  });
  whole &= each_text(json->find("told"), [&](const std::string& pointer, const std::string& value) {
    parts.told.set_text(pointer, value);
  });
  whole &= each_count(json->find("counts"), [&](std::string_view pointer, std::int64_t count) {
    parts.told.set_count(pointer, count);
    return true;
  });
  if (const auto* tier = json->find("tier")) parts.service_tier = tier->text;
  if (!whole) return base::fail(ErrorCode::corrupt, "a request's parts are not what crd wrote");
  return parts;
}

}  // namespace cr::billing
