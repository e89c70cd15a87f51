// SPDX-License-Identifier: MIT
#include "relay/request/local_endpoints.h"

#include <poll.h>

#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "relay/request/admission.h"
#include "relay/request/balance_bodies.h"
#include "relay/request/persistence.h"

namespace cr::relay::request {

namespace asio = http::asio;

namespace {

using Json = nlohmann::ordered_json;
using dialect::Refusal;
using dialect::RefusalCode;

constexpr std::string_view k_models = "/v1/models";

std::string unescape_path(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

Json model_json(const std::string& name, bool anthropic, base::Time since) {
  if (anthropic)
    return {{"type", "model"}, {"id", name}, {"display_name", name}, {"created_at", base::format_rfc3339(since)}};
  return {{"id", name}, {"object", "model"}, {"created", base::to_unix_ms(since) / 1000}, {"owned_by", "code-router"}};
}

constexpr std::size_t k_entries_a_turn = 2000;  // of channels, looked at before others have their turn
constexpr std::size_t k_names_a_turn = 200;     // written

// Others have their turn on this worker. False: the client has left meanwhile, or is cut.
http::Task<bool> give_way(http::server::Connection& client) {
  const asio::use_awaitable_t<http::Executor> token;
  co_await asio::post(client.executor(), token);
  pollfd entry{client.fd(), POLLRDHUP, 0};
  co_return !client.is_cut() && ::poll(&entry, 1, 0) == 0;
}

// What the token's groups serve; null if the client left meanwhile.
http::Task<std::shared_ptr<const routing::ModelNames>> names_for(WorkerContext& worker,
                                                                 http::server::Connection& client,
                                                                 const Caller& caller) {
  const auto names = worker.model_lists().find(worker.directory(), caller.token->settings->groups);
  while (!names->build(k_entries_a_turn)) {
    if (!co_await give_way(client)) co_return nullptr;
  }
  co_return names;
}

// What the caller's smallest request costs; none if the client left meanwhile.
http::Task<std::optional<base::Credits>> least_for(WorkerContext& worker, http::server::Connection& client,
                                                   const Caller& caller) {
  if (!caller.limited()) co_return base::Credits();
  const auto directory = worker.directory();
  const auto now = base::wall_now();
  auto& kept = worker.shared().least_costs;
  if (const auto known = kept.find(*directory, *caller.token, now)) co_return known->least.value_or(base::Credits());
  const auto names = co_await names_for(worker, client, caller);
  if (!names) co_return std::nullopt;
  LeastCostSearch search(*directory, caller.token, now);
  std::size_t turn = 0;
  for (const auto& name : names->names()) {
    if (++turn % k_names_a_turn == 0 && !co_await give_way(client)) co_return std::nullopt;
    search.look_at(name);
  }
  kept.put(*directory, *caller.token, now, search.least());
  co_return search.least().value_or(base::Credits());
}

// Anthropic's SDK says which API version it speaks; OpenAI's does not. Empty if the client left meanwhile.
http::Task<std::string> models_body(http::server::Connection& client, const routing::ModelNames& names,
                                    const Admission& admission, bool anthropic) {
  const routing::ModelFilter filter(admission.caller().token->settings->model_set);
  const auto now = base::wall_now();
  std::string body = anthropic ? R"({"data":[)" : R"({"object":"list","data":[)";
  const std::string* first = nullptr;
  const std::string* last = nullptr;
  std::size_t turn = 0;
  for (const auto& name : names.names()) {
    if (++turn % k_names_a_turn == 0 && !co_await give_way(client)) co_return std::string();
    if (!filter.allows(name) || !admission.can_pay(name, names.targets_of(name), now)) continue;
    if (last != nullptr) body += ',';
    body += model_json(name, anthropic, admission.caller().token->created_at).dump();
    if (first == nullptr) first = &name;
    last = &name;
  }
  body += ']';
  if (anthropic) {
    body += R"(,"has_more":false,"first_id":)" + (first == nullptr ? Json() : Json(*first)).dump();
    body += R"(,"last_id":)" + (last == nullptr ? Json() : Json(*last)).dump();
  }
  co_return body + "}";
}

// An empty body: the client left meanwhile.
http::Task<tl::expected<std::string, Refusal>> body_about_models(WorkerContext& worker,
                                                                 http::server::Connection& client,
                                                                 const Admission& admission,
                                                                 const http::message::RequestHead& head,
                                                                 OwnAnswer what) {
  const bool anthropic = head.find("anthropic-version").has_value();
  const auto names = co_await names_for(worker, client, admission.caller());
  if (!names) co_return std::string();
  if (what == OwnAnswer::models) co_return co_await models_body(client, *names, admission, anthropic);
  const auto wanted = unescape_path(head.path.substr(k_models.size() + 1));
  if (!names->names().contains(wanted) || !admission.lists(wanted, names->targets_of(wanted), base::wall_now())) {
    co_return tl::unexpected(
        Refusal{RefusalCode::model_not_found, "no such model for this token: see GET /v1/models", "model", {}});
  }
  co_return model_json(wanted, anthropic, admission.caller().token->created_at).dump();
}

std::string_view name_of(OwnAnswer what) {
  switch (what) {
    case OwnAnswer::models:
      return "models";
    case OwnAnswer::model:
      return "model";
    case OwnAnswer::token:
      return "token";
    case OwnAnswer::billing_subscription:
      return "billing_subscription";
    case OwnAnswer::billing_usage:
      return "billing_usage";
  }
  return {};
}

// It has no row, as what these addresses give has none: it is told in the log and the metrics, and counts against its
// token.
void note_refusal(WorkerContext& worker, Admission& admission, const Refusal& refusal, OwnAnswer what,
                  const std::string& request_id) {
  auto& shared = worker.shared();
  shared.metrics.count(refusal.code);
  const auto now = base::steady_now();
  admission.note_refused(refusal.code, now);
  if (worker.settings()->log_requests == policy::LogRequests::none || !shared.refusal_log.admits(refusal.code, now))
    return;
  const auto& row = dialect::row_of(refusal.code);
  const auto& token = admission.caller().token;
  shared.log.warning("request failed", {{"request_id", request_id},
                                        {"token", token ? token->name : std::string()},
                                        {"endpoint", std::string(name_of(what))},
                                        {"status", std::to_string(row.status)},
                                        {"error", std::string(row.name)}});
}

// `op`: null if the ledger did not answer in time.
tl::expected<std::string, Refusal> about_balance(const Caller& caller, const ledger::QueryOp* op, base::Credits least,
                                                 OwnAnswer what) {
  if (op == nullptr || !op->readable) return tl::unexpected(ledger_unreadable());
  const auto& balance = std::get<ledger::BalanceQuery>(op->query);
  if (!balance.found) {
    return tl::unexpected(Refusal{RefusalCode::invalid_api_key, "the API key stopped working just now", {}, {}});
  }
  if (what == OwnAnswer::token) return token_body(caller, balance, least);
  return what == OwnAnswer::billing_subscription ? subscription_body(caller, balance) : usage_body(balance);
}

// Likewise.
http::Task<tl::expected<std::string, Refusal>> body_about_balance(WorkerContext& worker,
                                                                  http::server::Connection& client,
                                                                  const Caller& caller, OwnAnswer what) {
  auto op = std::make_unique<ledger::QueryOp>(ledger::QueryOp{ledger::BalanceQuery{caller.token->id}});
  LedgerWait wait(worker, client);
  co_await wait.query(op);
  if (!op && wait.end() != LedgerWait::End::late) co_return std::string();
  const auto least = co_await least_for(worker, client, caller);
  if (!least) co_return std::string();
  co_return about_balance(caller, op.get(), *least, what);
}

}  // namespace

std::optional<OwnAnswer> find_own_answer(std::string_view path) {
  if (path == k_models) return OwnAnswer::models;
  if (path.starts_with("/v1/models/") && path.size() > k_models.size() + 1) return OwnAnswer::model;
  if (path == "/v1/token") return OwnAnswer::token;
  if (path == "/v1/dashboard/billing/subscription") return OwnAnswer::billing_subscription;
  if (path == "/v1/dashboard/billing/usage") return OwnAnswer::billing_usage;
  return std::nullopt;
}

http::Task<Persistence> give_own_answer(WorkerContext& worker, http::server::Connection& client,
                                        const http::message::RequestHead& head, OwnAnswer what, base::RequestId id) {
  const auto request_id = id.to_string();
  const auto settings = worker.settings();
  const auto directory = worker.directory();
  const bool about_models = what == OwnAnswer::models || what == OwnAnswer::model;
  const bool anthropic = about_models && head.find("anthropic-version").has_value();
  const auto dialect = anthropic ? dialect::Dialect::anthropic : dialect::Dialect::openai;
  const auto to = answer_for(head, dialect, request_id, *settings);
  worker.shared().requests_total.fetch_add(1, std::memory_order_relaxed);

  std::optional<Refusal> refusal;
  Admission admission(*directory, worker.shared().health, worker.shared().rates);
  if (head.method != http::message::Method::get && head.method != http::message::Method::head) {
    refusal = Refusal{RefusalCode::method_not_allowed, "this address answers GET and HEAD only", "GET, HEAD", {}};
  } else if (!worker.shared().ledger.fresh()) {
    refusal = ledger_unavailable();
  } else {
    refusal = admission.identify(head, client.peer(), *settings, worker.key_reader(), worker.shared().ledger.now());
    worker.note_source(admission.caller(), client.peer());
    if (!refusal) refusal = admission.ask(base::steady_now(), settings->refusals_per_second);
  }
  tl::expected<std::string, Refusal> body;
  if (refusal) {
    body = tl::unexpected(std::move(*refusal));
  } else if (about_models) {
    body = co_await body_about_models(worker, client, admission, head, what);
  } else {
    body = co_await body_about_balance(worker, client, admission.caller(), what);
  }
  if (body && body->empty()) co_return Persistence::close;
  if (!body) note_refusal(worker, admission, body.error(), what, request_id);
  const auto persistence = persistence_after(head, client, worker.shared().is_draining());
  const auto text = body ? json_text(200, *body, to, persistence) : refusal_text(body.error(), to, persistence);
  const bool written = co_await client.write(text);
  co_return written ? persistence : Persistence::close;
}

}  // namespace cr::relay::request
