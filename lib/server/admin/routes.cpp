// SPDX-License-Identifier: MIT
#include "server/admin/routes.h"

#include <array>
#include <charconv>

#include "base/text.h"

namespace cr::server::admin {

namespace {

constexpr auto k_reads = Effect::reads;
constexpr auto k_changes = Effect::changes;
constexpr std::string_view k_paging = "limit cursor";
constexpr int k_limit_max = 1000;

// The one table: method, path below /admin/v1, effect, query, function.
constexpr std::array k_routes{
    Route{"GET", "/status", k_reads, "", show_status},
    Route{"GET", "/version", k_reads, "", show_version},
    Route{"GET", "/metrics", k_reads, "", show_metrics},
    Route{"GET", "/tokens", k_reads, "*", list_tokens},
    Route{"POST", "/tokens", k_changes, "", create_token},
    Route{"POST", "/tokens/verify", k_reads, "", verify_key},
    Route{"GET", "/tokens/{name}", k_reads, "", show_token},
    Route{"PATCH", "/tokens/{name}", k_changes, "", edit_token},
    Route{"DELETE", "/tokens/{name}", k_changes, "", delete_token},
    Route{"POST", "/tokens/{name}/rotate", k_changes, "", rotate_token},
    Route{"POST", "/tokens/{name}/copy", k_changes, "", copy_token_key},
    Route{"POST", "/tokens/{name}/check", k_reads, "", check_token},
    Route{"POST", "/tokens/{name}/restore", k_changes, "", restore_token},
    Route{"POST", "/tokens/{name}/budget-reset", k_changes, "", reset_budgets},
    Route{"POST", "/tokens/{name}/revoke-new", k_changes, "", revoke_new_key},
    Route{"GET", "/channels", k_reads, k_paging, list_channels},
    Route{"POST", "/channels", k_changes, "", create_channel},
    Route{"GET", "/channels/{name}", k_reads, "", show_channel},
    Route{"PATCH", "/channels/{name}", k_changes, "", edit_channel},
    Route{"DELETE", "/channels/{name}", k_changes, "", delete_channel},
    Route{"POST", "/channels/{name}/keys", k_changes, "", set_channel_key},
    Route{"POST", "/channels/{name}/test", k_reads, "", test_channel},
    Route{"GET", "/groups", k_reads, k_paging, list_groups},
    Route{"POST", "/groups", k_changes, "", create_group},
    Route{"GET", "/groups/{name}", k_reads, "", show_group},
    Route{"PATCH", "/groups/{name}", k_changes, "", edit_group},
    Route{"DELETE", "/groups/{name}", k_changes, "", delete_group},
    Route{"GET", "/accounts", k_reads, k_paging, list_accounts},
    Route{"POST", "/accounts", k_changes, "", create_account},
    Route{"GET", "/accounts/{name}", k_reads, "", show_account},
    Route{"PATCH", "/accounts/{name}", k_changes, "", edit_account},
    Route{"DELETE", "/accounts/{name}", k_changes, "", delete_account},
    Route{"POST", "/accounts/{name}/credit", k_changes, "", credit_account},
    Route{"GET", "/prices", k_reads, "match limit cursor", list_prices},
    Route{"POST", "/prices/import", k_changes, "", import_prices},
    Route{"POST", "/prices/quote", k_reads, "", quote_price},
    Route{"GET", "/prices/{model}", k_reads, "", show_price},
    Route{"PUT", "/prices/{model}", k_changes, "", set_price},
    Route{"DELETE", "/prices/{model}", k_changes, "", unset_price},
    Route{"GET", "/usage", k_reads, "*", report_usage},
    Route{"GET", "/costs", k_reads, "*", report_costs},
    Route{"GET", "/requests", k_reads, "*", list_requests},
    Route{"GET", "/requests/{id}", k_reads, "", show_request},
    Route{"POST", "/requests/{id}/refund", k_changes, "", refund_request},
    Route{"POST", "/audit/verify", k_reads, "", verify_audit},
    Route{"GET", "/audit", k_reads, "after limit newest", list_audit},
    Route{"GET", "/models", k_reads, "token group limit cursor", list_models},
    Route{"GET", "/routes", k_reads, "token model endpoint", explain_route},
    Route{"GET", "/names/{what}", k_reads, "", list_names},
    Route{"POST", "/config/check", k_reads, "", check_config},
    Route{"POST", "/config/reload", k_changes, "", reload_config},
};

base::Result<std::size_t> number_of(std::string_view name, std::string_view text, std::size_t low, std::size_t high) {
  std::size_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || code != std::errc() || end != text.data() + text.size() || number < low || number > high) {
    return base::fail(base::ErrorCode::invalid, std::string(name) + ": expected a whole number from " +
                                                    std::to_string(low) + " to " + std::to_string(high));
  }
  return number;
}

}  // namespace

std::span<const Route> admin_routes() {
  return k_routes;
}

std::optional<std::string> find_parameter(const AdminQuery& query, const std::string& name) {
  const auto found = query.find(name);
  return found == query.end() ? std::nullopt : std::optional(found->second);
}

std::string cursor_at(std::size_t offset) {
  return "o" + std::to_string(offset);
}

base::Result<PageBounds> page_bounds(const std::optional<std::string>& cursor, const std::optional<int>& limit) {
  PageBounds bounds;
  if (limit) bounds.limit = static_cast<std::size_t>(*limit);
  if (!cursor) return bounds;
  const auto digits = cursor->starts_with('o') ? std::string_view(*cursor).substr(1) : std::string_view();
  const auto offset = number_of("cursor", digits, 0, 1'000'000'000);
  if (!offset) {
    return base::fail(base::ErrorCode::invalid, "cursor: not one this daemon gave out", "begin again without it");
  }
  bounds.offset = *offset;
  return bounds;
}

base::Result<PageBounds> page_bounds(const AdminQuery& query) {
  std::optional<int> limit;
  if (const auto text = find_parameter(query, "limit")) {
    const auto number = number_of("limit", *text, 1, k_limit_max);
    if (!number) return tl::unexpected(number.error());
    limit = static_cast<int>(*number);
  }
  return page_bounds(find_parameter(query, "cursor"), limit);
}

base::Error not_found(std::string_view what, std::string_view name, const std::vector<std::string>& names) {
  const auto close = base::nearest(name, names);
  return {base::ErrorCode::not_found,
          "no " + std::string(what) + " named '" + base::escape_for_terminal(name.substr(0, 128)) + "'",
          close ? "did you mean '" + *close + "'?" : std::string()};
}

}  // namespace cr::server::admin
