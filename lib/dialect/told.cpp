// SPDX-License-Identifier: MIT
#include "dialect/told.h"

#include <algorithm>

namespace cr::dialect {
namespace {

template <class Entries>
auto find(Entries& entries, std::string_view pointer) {
  return std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.first == pointer; });
}

}  // namespace

void Told::set_text(std::string_view pointer, std::string_view value) {
  if (value.size() > k_text_max) return;
  if (const auto known = find(texts_, pointer); known != texts_.end()) {
    known->second = value;
  } else if (texts_.size() < k_most) {
    texts_.emplace_back(pointer, value);
  }
}

void Told::set_count(std::string_view pointer, std::int64_t count) {
  if (const auto known = find(counts_, pointer); known != counts_.end()) {
    known->second = count;
  } else if (counts_.size() < k_most) {
    counts_.emplace_back(pointer, count);
  }
}

void Told::add_count(std::string_view pointer, std::int64_t count) {
  set_count(pointer, this->count(pointer) + count);
}

std::string_view Told::text(std::string_view pointer) const {
  const auto known = find(texts_, pointer);
  return known == texts_.end() ? std::string_view() : std::string_view(known->second);
}

std::int64_t Told::count(std::string_view pointer) const {
  const auto known = find(counts_, pointer);
  return known == counts_.end() ? 0 : known->second;
}

bool Told::has_count(std::string_view pointer) const {
  return find(counts_, pointer) != counts_.end();
}

}  // namespace cr::dialect
