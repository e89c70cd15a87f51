// SPDX-License-Identifier: MIT
#include "provider/kinds/kind.h"

#include "base/text.h"
#include "provider/kinds/known_hosts.h"

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
  const auto* known = row.vendor_host.empty() ? nullptr : find_known_host(host);
  if (known != nullptr && !known->bound_field.empty()) return known->bound_field;
  const bool vendor = !row.vendor_host.empty() && base::equals_ignoring_case(host, row.vendor_host);
  return vendor ? row.vendor_bound_field : std::string_view("max_tokens");
}

}  // namespace cr::provider
