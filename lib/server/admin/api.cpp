// SPDX-License-Identifier: MIT
#include "server/admin/api.h"

#include <charconv>
#include <exception>

#include "base/hide_keys.h"
#include "base/text.h"
#include "server/admin/routes.h"
#include "server/admin/status.h"
#include "server/admin/target.h"

namespace cr::server::admin {

namespace {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;

constexpr std::size_t k_reason_bytes_max = 512;
constexpr std::size_t k_idempotency_key_bytes_max = 128;
constexpr std::size_t k_what_bytes_max = 200;
constexpr int k_method_not_allowed = 405;

AdminAnswer refuse(const Error& error, const AdminRequest& request, int status) {
  return {status, base::Secret(cr::admin::error_json(error, request.request_id)), std::nullopt};
}

AdminAnswer refuse(const Error& error, const AdminRequest& request) {
  return refuse(error, request, admin_status(error.code));
}

struct Match {
  const Route* route = nullptr;
  std::vector<std::string> names;
  std::string other_methods;  // of the same path
};

Match match_route(const AdminTarget& target, std::string_view method) {
  Match match;
  for (const auto& route : admin_routes()) {
    auto names = match_pattern(route.pattern, target.segments);
    if (!names) continue;
    if (route.method == method) return {&route, std::move(*names), {}};
    match.other_methods += (match.other_methods.empty() ? "" : ", ") + std::string(route.method);
  }
  return match;
}

Result<void> take_dry_run(const Route& route, RouteCall& call) {
  const auto [begin, end] = call.query.equal_range("dry_run");
  if (begin == end || route.effect == Effect::reads) return {};
  for (auto at = begin; at != end; ++at) {
    if (at->second != "true" && at->second != "false") {
      return fail(ErrorCode::invalid, "dry_run: expected true or false");
    }
    if (at->second == "true") call.dry_run = ledger::Ledger::DryRun::yes;
  }
  call.query.erase("dry_run");
  return {};
}

Result<void> check_parameters(const Route& route, const AdminQuery& query) {
  if (route.parameters == "*") return {};
  const auto known = base::split_list(route.parameters, ' ');
  for (const auto& [name, value] : query) {
    if (query.count(name) > 1) {
      return fail(ErrorCode::invalid,
                  "parameter '" + base::escape_for_terminal(name.substr(0, 64)) + "' is there twice");
    }
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const auto close = base::nearest(name, known);
    return fail(ErrorCode::invalid, "unknown parameter '" + base::escape_for_terminal(name.substr(0, 64)) + "'",
                close ? "did you mean '" + *close + "'?" : std::string());
  }
  return {};
}

// If-Match: "5" or 5 (RFC 9110, 13.1.1: an entity tag is quoted; bare numbers are easier to type).
Result<ledger::IfRev> read_if_match(std::string_view text) {
  if (text.empty() || text == "*") return ledger::IfRev();
  if (text.size() > 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  std::int64_t rev = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), rev);
  if (code != std::errc() || end != text.data() + text.size() || rev < 0) {
    return fail(ErrorCode::invalid, "If-Match: expected the rev of the object, a whole number");
  }
  return ledger::IfRev(rev);
}

Result<void> check_words(const AdminRequest& request) {
  if (request.actor.reason.size() > k_reason_bytes_max || !base::is_valid_utf8(request.actor.reason) ||
      base::escape_for_terminal(request.actor.reason) != request.actor.reason) {
    return fail(ErrorCode::invalid, "X-Crd-Reason: expected at most 512 bytes of UTF-8 without control characters");
  }
  const auto& key = request.idempotency_key;
  if (key.size() > k_idempotency_key_bytes_max || base::escape_for_terminal(key) != key) {
    return fail(ErrorCode::invalid,
                "Idempotency-Key: expected at most 128 characters, none of them a control character");
  }
  return {};
}

Result<void> prepare(const Route& route, RouteCall& call) {
  if (auto done = check_words(call.request); !done) return done;
  if (auto done = take_dry_run(route, call); !done) return done;
  if (auto done = check_parameters(route, call.query); !done) return done;
  auto if_rev = read_if_match(call.request.if_match);
  if (!if_rev) return tl::unexpected(if_rev.error());
  call.if_rev = *if_rev;
  return {};
}

Error no_route(const AdminRequest& request, const Match& match) {
  const auto shown = base::escape_for_terminal(std::string_view(request.target).substr(0, 200));
  if (!match.other_methods.empty()) {
    return {ErrorCode::invalid, request.method + " is not possible on " + shown, "possible: " + match.other_methods};
  }
  return {ErrorCode::not_found, "no such address in the admin API: " + shown,
          "this is crd " CR_VERSION " with admin API v1; see crd-admin-api(7)"};
}

}  // namespace

AdminApi::AdminApi(ledger::Ledger& ledger, AdminHooks hooks, base::Log& log)
    : ledger_(ledger), hooks_(std::move(hooks)), log_(log) {}

AdminAnswer AdminApi::answer(const AdminRequest& request) {
  try {
    // Scrapers ask for /metrics, wherever they ask.
    const auto target = parse_target(request.target == "/metrics" ? "/admin/v1/metrics" : request.target);
    if (!target) return refuse(target.error(), request);
    auto match = match_route(*target, request.method);
    if (match.route == nullptr) {
      const auto error = no_route(request, match);
      return refuse(error, request, match.other_methods.empty() ? admin_status(error.code) : k_method_not_allowed);
    }
    RouteCall call{*this, request,         std::move(match.names), target->query, ledger::Ledger::DryRun::no,
                   {},    base::wall_now()};
    if (auto ready = prepare(*match.route, call); !ready) return refuse(ready.error(), request);
    return run_once(*match.route, call);
  } catch (const std::exception& error) {
    // For the log alone, and without what may be a key: its text may quote what was sent.
    const auto what = base::hide_keys(std::string_view(error.what()).substr(0, k_what_bytes_max));
    log_.error("admin request failed",
               {{"request_id", request.request_id}, {"method", request.method}, {"what", what}});
    return refuse({ErrorCode::internal, "the daemon failed on this request", "report it, with the request_id"},
                  request);
  }
}

AdminAnswer AdminApi::run(const Route& route, RouteCall& call) {
  auto result = route.run(call);
  int status = 0;
  if (result) {
    status = result->status;
  } else {
    const bool stale = result.error().code == ErrorCode::conflict && call.if_rev.has_value();
    status = stale ? k_status_rev_mismatch : admin_status(result.error().code);
  }
  if (route.effect == Effect::changes && !call.is_dry_run()) {
    const auto& actor = call.request.actor;
    log_.info("admin change", {{"method", std::string(route.method)},
                               {"route", std::string(route.pattern)},
                               {"object", call.names.empty() ? std::string() : base::hide_keys(call.name())},
                               {"status", std::to_string(status)},
                               {"uid", std::to_string(actor.uid)},
                               {"pid", std::to_string(actor.pid)},
                               {"request_id", call.request.request_id}});
  }
  return result ? std::move(*result) : refuse(result.error(), call.request, status);
}

AdminAnswer AdminApi::run_once(const Route& route, RouteCall& call) {
  const auto& request = call.request;
  const bool repeatable = route.effect == Effect::changes && request.method == "POST" && !call.is_dry_run();
  if (!repeatable || request.idempotency_key.empty()) return run(route, call);
  // Another user's key is another key: nobody gets at an answer that was not his.
  const auto scope = std::to_string(request.actor.uid) + " " + request.method + " " + request.target;
  auto before = replay_.begin(scope, request.idempotency_key, ledger_.digest(request.body), base::steady_now());
  if (!before) return refuse(before.error(), request);
  if (*before) return {(*before)->status, (*before)->body->clone(), (*before)->rev};
  std::optional<StoredAnswer> stored;
  try {
    auto answer = run(route, call);
    if (answer.status < 400) {
      stored = StoredAnswer{answer.status, std::make_shared<const base::Secret>(answer.body.clone()), answer.rev};
    }
    replay_.finish(scope, request.idempotency_key, std::move(stored));
    return answer;
  } catch (...) {
    replay_.finish(scope, request.idempotency_key, std::nullopt);
    throw;
  }
}

}  // namespace cr::server::admin
