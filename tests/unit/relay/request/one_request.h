// SPDX-License-Identifier: MIT
// OneRequest: a request as its Exchange has it once a route was found, without a socket, a store or a worker: what the
// tests of its parts stand on. The ledger is a real one over an engine that only keeps what it is told.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledger/core/directory_builder.h"
#include "ledger/core/engine.h"
#include "relay/request/failover.h"
#include "relay/request/ledger_entry.h"

namespace cr::relay::request {

// What settlements it was told stay in its queue.
class KeepingEngine : public ledger::Engine {
 public:
  explicit KeepingEngine(base::Log& log) : Engine(Setup{{}, vault(), {}, log}) {}

  base::Result<void> start() override { return {}; }
  void close() override {}
  base::Result<void> write(const ledger::AdminJob::Change&, ledger::Ledger::DryRun) override { return {}; }
  base::Result<void> read(const std::function<base::Result<void>(ledger::Reports&)>&, Reading) override { return {}; }
  void stop_reads() override {}
  void keep_requests(std::chrono::milliseconds) override {}
  void fail(const std::string& trouble) { writable_status().set_trouble(trouble); }

 private:
  static token::Vault vault() {
    return std::move(*token::Vault::make(base::Secret(std::string(token::Vault::k_master_bytes, 'a'))));
  }
};

// Input tokens cost 1,000 nano-dollars each, output tokens 2,000. The token has a quota, so that requests are reserved.
class OneRequest {
 public:
  explicit OneRequest(dialect::Endpoint at = dialect::Endpoint::chat_completions) : endpoint(at) {
    token.id = base::TokenId{3};
    token.name = "ci";
    token.account = base::AccountId{1};
    token.settings.edit().groups = {"default"};
    token.quota = base::Credits::from_nano(1'000'000'000);
    account.id = base::AccountId{1};
    account.name = "team";
    price.model = "m";
    price.input = price.cached_input = price.cache_write = base::Rate{1'000'000'000};
    price.output = {2'000'000'000};
    head.method = http::message::Method::post;
    head.fields = {{"content-type", "application/json"}};
    add_channel("main", ledger::ChannelKind::openai);
  }
  ledger::ChannelRecord& add_channel(const std::string& name, ledger::ChannelKind kind) {
    auto channel = std::make_shared<ledger::ChannelRecord>();
    channel->id = base::ChannelId{static_cast<std::int64_t>(channels.size()) + 1};
    channel->rev = 1;
    channel->name = name;
    channel->kind = kind;
    channel->groups = {"default"};
    channel->models = {"m"};
    channel->model_set = token::ModelSet::parse({"m"}).value();
    channel->priority = -static_cast<std::int64_t>(channels.size());
    channels.push_back(channel);
    return *channel;
  }

  // Of what was set until now: the request is read, admitted and led to its first route.
  void begin(std::string text) {
    body_text = std::move(text);
    health.use(settings.health);
    build_directory();
    context.emplace(head, endpoint, base::RequestId::make(now), ledger::DirectorySnapshot(directory),
                    std::make_shared<const policy::Settings>(settings));
    admission.emplace(*directory, health, rates, endpoint);
    expect_none(admission->identify({key, directory->find_token("ci"), directory->find_account(account.id), address},
                                    std::nullopt, now));
    body.emplace(head, endpoint, *context->settings, context->started);
    expect_none(body->begin(memory, token));
    expect_none(body->take(body_text, true));
    expect_none(body->finish());
    auto scan = body->scan(scanner);
    ASSERT_TRUE(scan) << scan.error().message;
    expect_none(admission->allow(std::move(*scan)));
    expect_none(admission->route(nullptr, now, base::steady_now(), 0));
    expect_none(admission->check_price(body->size(false)));
    entry.emplace(*context, *admission, *body, LedgerEntry::Books{ledger, metrics, log, refusal_log}, now);
    entry->charge_to(admission->routes().tries.front());
    failover.emplace(admission->routes().tries, health, settings.tries_max);
  }
  // As the ledger thread grants a reservation of what is `available`, or not. What is held; none: refused.
  std::optional<base::Credits> reserve(base::Credits available = base::Credits::from_nano(1'000'000'000)) {
    const std::vector<std::int64_t> output_rates(admission->routes().tries.size(), 1000);
    auto& op = entry->make_reservation(now, output_rates);
    reserved = op->facts;
    unseen = op->unseen;
    const auto amount = op->size(available);
    op->outcome = amount ? ledger::ReserveOutcome::reserved : ledger::ReserveOutcome::no_token_credit;
    op->amount = amount.value_or(base::Credits());
    const auto refusal = entry->take_reservation(now);
    EXPECT_EQ(refusal.has_value(), !amount.has_value());
    return amount;
  }
  // What the ledger was told since the last call.
  std::vector<ledger::Settlement> settled() {
    auto& queue = engine->queue();
    ledger::WorkQueue::Batch batch;
    if (queue.backlog() > 0) queue.take(batch, {.retry_at = base::SteadyTime()});
    queue.committed(batch.settlements.size());
    return std::move(batch.settlements);
  }
  std::optional<ledger::Settlement> settled_once() {
    auto all = settled();
    EXPECT_EQ(all.size(), 1U);
    if (all.size() != 1) return std::nullopt;
    return std::move(all.front());
  }

  static void expect_none(const std::optional<dialect::Refusal>& refusal) { EXPECT_FALSE(refusal) << refusal->message; }

  dialect::Endpoint endpoint;
  base::Log log{{.level = base::LogLevel::error}};
  KeepingEngine* engine = new KeepingEngine(log);  // the ledger's
  ledger::Ledger ledger{std::unique_ptr<ledger::Engine>(engine)};
  Metrics metrics;
  RefusalLog refusal_log{log};
  routing::CircuitBreaker health;
  routing::RateLimiter rates;
  base::MemoryBudget memory{{std::uint64_t{64} << 20, 0}};
  dialect::RequestScanner scanner;

  ledger::TokenRecord token;
  ledger::AccountRecord account;
  ledger::PriceRecord price;
  std::vector<std::shared_ptr<ledger::ChannelRecord>> channels;
  http::message::RequestHead head;
  policy::Settings settings;
  token::IpAddress address = token::IpAddress::parse("192.0.2.7").value();
  base::Time now = base::from_unix_ms(1'800'000'000'000);

  std::string body_text;
  std::shared_ptr<const ledger::KeyRecord> key;
  std::shared_ptr<const ledger::Directory> directory;
  std::optional<RequestContext> context;
  std::optional<Admission> admission;
  std::optional<BodySource> body;
  std::optional<LedgerEntry> entry;
  std::optional<Failover> failover;
  ledger::RequestFacts reserved;  // as the ledger got them
  std::optional<ledger::UnseenCost> unseen;

 private:
  void build_directory() {
    ledger::Directory::Impl impl;
    ledger::GroupRecord group;
    group.name = "default";
    group.multiplier_millionths = 1'000'000;
    impl.put_group(std::make_shared<const ledger::GroupRecord>(group));
    impl.put_account(std::make_shared<const ledger::AccountRecord>(account));
    impl.put_token(std::make_shared<const ledger::TokenRecord>(token));
    ledger::KeyRecord record;
    record.id = base::KeyId{5};
    record.token = token.id;
    key = std::make_shared<const ledger::KeyRecord>(record);
    impl.put_keys(token.id, {key});
    for (const auto& channel : channels) impl.put_channel(channel);
    impl.put_price(std::make_shared<const ledger::PriceRecord>(price));
    directory =
        std::make_shared<const ledger::Directory>(std::make_shared<const ledger::Directory::Impl>(std::move(impl)));
  }
};

// A chat of exactly `bytes` bytes, which is estimated at a token for each four of them.
inline std::string chat_of(std::size_t bytes, const std::string& members = {}) {
  const std::string begin = R"({"model":"m",)" + members + R"("messages":[{"role":"user","content":")";
  const std::string end = R"("}]})";
  return begin + std::string(bytes - begin.size() - end.size(), 'x') + end;
}

}  // namespace cr::relay::request
