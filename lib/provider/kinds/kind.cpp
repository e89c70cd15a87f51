// SPDX-License-Identifier: MIT
#include "provider/kinds/kind.h"

#include "base/text.h"

namespace cr::provider {

const KindRow& row_of(Kind kind) {
  return kinds()[static_cast<std::size_t>(kind)];
}

std::string_view name_of(Kind kind) {
  return row_of(kind).name;
}

const KindRow* find_kind(std::string_view name) {
  for (const auto& row : kinds()) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

std::string_view usual_bound_field(Kind kind, std::string_view host) {
  const auto& row = row_of(kind);
  const bool vendor = !row.vendor_host.empty() && base::equals_ignoring_case(host, row.vendor_host);
  return vendor ? row.vendor_bound_field : std::string_view("max_tokens");
}

}  // namespace cr::provider
