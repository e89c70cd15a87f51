// SPDX-License-Identifier: MIT
// AdminFixture: the admin server on a real socket over a real ledger, and clients of it.
#pragma once

#include <gmock/gmock.h>

#include "admin/client.h"
#include "relay/routing/router.h"
#include "server/admin/server.h"
#include "unit/ledger/ledger_fixture.h"

namespace cr::server::admin {

using base::ErrorCode;
using cr::admin::CallOptions;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class AdminFixture : public ledger::LedgerFixture {
 protected:
  void SetUp() override {
    open();
    server_options_.socket_path = (folder_ / "admin.sock").string();
    start();
  }
  void TearDown() override { server_.reset(); }

  void start() {
    server_.reset();
    auto started = AdminServer::start(server_options_, *ledger_, hooks(), log_);
    ASSERT_TRUE(started.has_value()) << started.error().message;
    server_ = std::move(*started);
  }
  AdminServer::Hooks hooks() {
    AdminServer::Hooks hooks;
    hooks.status = [] {
      cr::admin::Status status;
      status.state = "running";
      return status;
    };
    hooks.check_config = [](const std::string& text, const std::string& name) {
      return cr::admin::ConfigChecked{text.empty(), name + ": " + (text.empty() ? "own" : "given")};
    };
    hooks.reload = [this] {
      ++reloads_;
      return cr::admin::ConfigChecked{true, "reloaded"};
    };
    hooks.test_channel = [](const std::string& name,
                            const cr::admin::ChannelTestRequest& request) -> base::Result<cr::admin::ChannelTest> {
      return cr::admin::ChannelTest{true, request.model.value_or(""), 200, 1, 2, name, {}};
    };
    hooks.health = &health_;
    hooks.rates = &rates_;
    hooks.least_costs = &least_costs_;
    hooks.tries_max = [] { return 3u; };
    hooks.refusals_per_second = [] { return std::int64_t{2}; };
    return hooks;
  }

  cr::admin::Client client() const {
    return cr::admin::Client({server_options_.socket_path, std::chrono::seconds(30), {}});
  }
  base::Result<cr::admin::RawAnswer> call(std::string_view method, std::string_view path, std::string_view body = {},
                                          const CallOptions& options = {}) const {
    return client().call(method, path, body, options);
  }
  template <class Answer>
  Answer get(std::string_view path) const {
    auto answer = client().get<Answer>(path);
    EXPECT_TRUE(answer.has_value()) << path << ": " << answer.error().message;
    return answer ? std::move(*answer) : Answer{};
  }
  template <class Answer, class Body>
  Answer send(std::string_view method, std::string_view path, const Body& body, const CallOptions& options = {}) const {
    auto answer = client().send<Answer>(method, path, body, options);
    EXPECT_TRUE(answer.has_value()) << method << " " << path << ": " << answer.error().message;
    return answer ? std::move(*answer) : Answer{};
  }
  template <class Answer>
  Answer send_text(std::string_view method, std::string_view path, std::string_view body,
                   const CallOptions& options = {}) const {
    auto answer = call(method, path, body, options);
    EXPECT_TRUE(answer.has_value()) << method << " " << path << ": " << answer.error().message;
    auto parsed = cr::admin::from_json<Answer>(answer ? std::string_view(answer->body) : std::string_view("{}"));
    EXPECT_TRUE(parsed.has_value());
    return parsed ? std::move(*parsed) : Answer{};
  }
  base::Error refused(std::string_view method, std::string_view path, std::string_view body = {},
                      const CallOptions& options = {}) const {
    const auto answer = call(method, path, body, options);
    EXPECT_FALSE(answer.has_value()) << method << " " << path << " was done";
    return answer ? base::Error{} : answer.error();
  }
  cr::admin::TokenWithKey create(const std::string& name, std::optional<ledger::Credits> quota = std::nullopt) const {
    cr::admin::TokenCreate create;
    create.name = name;
    create.quota = quota;
    return send<cr::admin::TokenWithKey>("POST", "/tokens", create);
  }
  std::size_t audit_rows() const {
    return get<cr::admin::Page<cr::admin::AuditEntry>>("/audit?limit=1000").items.size();
  }

  static CallOptions dry_run() {
    CallOptions options;
    options.dry_run = true;
    return options;
  }
  static CallOptions if_rev(std::int64_t rev) {
    CallOptions options;
    options.if_rev = rev;
    return options;
  }
  static CallOptions once(std::string key) {
    CallOptions options;
    options.idempotency_key = std::move(key);
    return options;
  }

  relay::routing::CircuitBreaker health_;
  relay::routing::RateLimiter rates_;
  relay::request::LeastCosts least_costs_;
  AdminServer::Options server_options_;
  std::unique_ptr<AdminServer> server_;
  int reloads_ = 0;
};

}  // namespace cr::server::admin
