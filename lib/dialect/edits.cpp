// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>

#include "dialect/request_scan.h"
#include "json/cursor.h"
#include "json/text.h"

namespace cr::dialect {
namespace {

void plan_model(const RequestScan& scan, const Rewrite& rewrite, std::vector<Edit>& edits, std::string& inserted) {
  const std::string& wanted = rewrite.model ? *rewrite.model : scan.model;
  if (scan.names_model && wanted == scan.model) return;
  std::string name = json::json_string(wanted);
  if (scan.model_value) {
    edits.push_back({*scan.model_value, std::move(name)});
  } else {
    inserted += fmt::format("\"model\":{},", name);
  }
}

void plan_bound(const RequestScan& scan, const Rewrite& rewrite, std::vector<Edit>& edits, std::string& inserted) {
  if (!rewrite.output_bound) return;
  const std::string number = fmt::format("{}", *rewrite.output_bound);
  if (scan.bound_value) {
    edits.push_back({*scan.bound_value, number});
    for (const Span& place : scan.other_bound_values) edits.push_back({place, number});
    return;
  }
  // A key that is there as null must not be there twice: the upstream could take the null.
  const auto taken = std::find_if(scan.null_bounds.begin(), scan.null_bounds.end(),
                                  [&rewrite](const NullBound& bound) { return bound.field == rewrite.bound_field; });
  if (taken != scan.null_bounds.end()) {
    edits.push_back({taken->value, number});
  } else {
    inserted += fmt::format("\"{}\":{},", rewrite.bound_field, number);
  }
}

void plan_usage(const RequestScan& scan, std::vector<Edit>& edits, std::string& inserted) {
  if (scan.include_usage.value_or(false)) return;
  if (scan.include_usage_value) {
    edits.push_back({*scan.include_usage_value, "true"});
    return;
  }
  switch (scan.stream_options) {
    case StreamOptions::absent:
      inserted += R"("stream_options":{"include_usage":true},)";
      return;
    case StreamOptions::null:
    case StreamOptions::empty:
      edits.push_back({*scan.stream_options_value, R"({"include_usage":true})"});
      return;
    case StreamOptions::with_members: {
      const std::size_t inside = scan.stream_options_value->begin + 1;
      edits.push_back({{inside, inside}, R"("include_usage":true,)"});
      return;
    }
  }
}

void sort_by_place(std::vector<Edit>& edits) {
  std::stable_sort(edits.begin(), edits.end(),
                   [](const Edit& left, const Edit& right) { return left.place.begin < right.place.begin; });
}

// With one of the commas beside each: the one before it, and where none of those before it stays the one behind it.
std::vector<Span> find_removals(std::string_view body, std::span<const std::string_view> names) {
  std::vector<Span> removals;
  json::JsonCursor cursor(body);
  json::JsonString key;
  bool kept = false, opens = false;  // opens: the last removal goes on to the next member's key
  std::size_t last_end = 0;
  if (!cursor.begin_object()) return removals;
  while (cursor.next_member(key)) {
    const auto begin = static_cast<std::size_t>(key.raw.data() - body.data()) - 1;
    if (opens) removals.back().end = begin;
    opens = false;
    if (!cursor.skip_value()) return {};
    const bool goes =
        std::any_of(names.begin(), names.end(), [&key](std::string_view name) { return json::equals(key, name); });
    if (goes) {
      removals.push_back({kept ? last_end : begin, cursor.offset()});
      opens = !kept;
    }
    kept |= !goes;
    last_end = cursor.offset();
  }
  return cursor.finish() ? removals : std::vector<Span>{};
}

}  // namespace

void leave_out(std::string_view body, std::span<const std::string_view> names, std::vector<Edit>& edits) {
  for (const Span& place : find_removals(body, names)) {
    std::erase_if(edits,
                  [&place](const Edit& edit) { return edit.place.begin > place.begin && edit.place.end <= place.end; });
    edits.push_back({place, {}});
  }
  sort_by_place(edits);
}

std::vector<Edit> plan_edits(const RequestScan& scan, const Rewrite& rewrite) {
  std::vector<Edit> edits;
  std::string inserted;
  plan_model(scan, rewrite, edits, inserted);
  plan_bound(scan, rewrite, edits, inserted);
  if (rewrite.ask_for_usage) plan_usage(scan, edits, inserted);
  if (!inserted.empty()) edits.push_back({{scan.first_member, scan.first_member}, std::move(inserted)});
  sort_by_place(edits);
  return edits;
}

std::string apply_edits(std::string_view body, const std::vector<Edit>& edits) {
  std::string out;
  out.reserve(edited_size(body, edits));
  std::size_t at = 0;
  for (const Edit& edit : edits) {
    out += body.substr(at, edit.place.begin - at);
    out += edit.text;
    at = edit.place.end;
  }
  out += body.substr(at);
  return out;
}

std::size_t edited_size(std::string_view body, const std::vector<Edit>& edits) {
  std::size_t size = body.size();
  for (const Edit& edit : edits) size = size + edit.text.size() - (edit.place.end - edit.place.begin);
  return size;
}

}  // namespace cr::dialect
