// SPDX-License-Identifier: MIT
// Every listing is read while every kind of record is written: a reader sees one version of the directory from its
// first row to its last. Meant for the address and the thread sanitizer.
#include <atomic>
#include <thread>

#include "dialect/endpoint.h"
#include "unit/server/admin/fixture.h"

namespace cr::server::admin {
namespace {

constexpr int k_channels = 60;  // those that stay
constexpr int k_rounds = 12;    // of each writer

// A temporary snapshot cannot be looked into: what it gave would be gone before the next line.
template <class Holder>
concept Dereferenced = requires(Holder&& holder) {
  *std::forward<Holder>(holder);
};
template <class Holder>
concept Followed = requires(Holder&& holder) {
  std::forward<Holder>(holder).operator->();
};
static_assert(Dereferenced<ledger::DirectorySnapshot&> && Followed<ledger::DirectorySnapshot&>);
static_assert(Dereferenced<const ledger::DirectorySnapshot&> && Followed<const ledger::DirectorySnapshot&>);
static_assert(!Dereferenced<ledger::DirectorySnapshot> && !Followed<ledger::DirectorySnapshot>);
static_assert(!Dereferenced<const ledger::DirectorySnapshot> && !Followed<const ledger::DirectorySnapshot>);

struct Call {
  std::string method, path, body{};
};
using Calls = std::vector<Call>;  // one after the other, again and again
using Round = std::function<Calls(int round)>;

std::string text(int number) {
  return std::to_string(number);
}

const Calls k_reads[] = {
    {{"GET", "/channels?limit=1000"}, {"GET", "/names/channels"}, {"POST", "/channels/stays-3/test", "{}"}},
    {{"GET", "/channels/stays-1"}, {"GET", "/names/models"}, {"GET", "/models"}},
    {{"GET", "/models?token=t1"}, {"GET", "/models?group=g1"}, {"GET", "/status"}},
    {{"GET", "/tokens"}, {"GET", "/tokens/t1"}, {"GET", "/names/tokens"}},
    {{"POST", "/tokens/verify", R"({"key":"sk-never-issued-0123456789"})"},
     {"POST", "/tokens/t1/check", R"({"model":"m-1"})"},
     {"GET", "/routes?token=t1&model=m-1"}},
    {{"GET", "/groups"}, {"GET", "/names/groups"}, {"GET", "/groups/g1"}},
    {{"GET", "/accounts"}, {"GET", "/names/accounts"}, {"GET", "/accounts/a1"}},
    {{"GET", "/prices?limit=1000"}, {"GET", "/prices/m-1"}, {"GET", "/usage?by=day"}, {"GET", "/audit"}},
};

const Round k_writes[] = {
    [](int round) -> Calls {
      const auto name = "/channels/stays-" + text(round % k_channels);
      return {{"PATCH", name, R"({"note":")" + text(round) + R"(","models":{"add":["extra-*"]}})"},
              {"PATCH", name, R"({"models":{"remove":["extra-*"]},"priority":)" + text(round) + "}"}};
    },
    [](int) -> Calls {
      return {{"POST", "/channels", R"({"name":"goes","kind":"echo","models":["m-*","mine"],"groups":["g1"]})"},
              {"DELETE", "/channels/goes"}};
    },
    [](int round) -> Calls {
      const auto key = "sk-upstream-" + text(round) + "-0123456789abcdef";
      return {{"POST", "/channels/keyed/keys", R"({"action":"set","key":")" + key + R"("})"},
              {"POST", "/channels/keyed/keys", R"({"action":"add","key":"x)" + key + R"("})"}};
    },
    [](int round) -> Calls {
      return {{"PATCH", "/tokens/t1", R"({"note":")" + text(round) + R"("})"},
              {"POST", "/tokens/t2/rotate", R"({"grace_ms":0})"}};
    },
    [](int round) -> Calls {
      return {{"POST", "/tokens", R"({"name":"t-)" + text(round) + R"("})"}, {"DELETE", "/tokens/t-" + text(round)}};
    },
    [](int round) -> Calls {
      return {{"PATCH", "/groups/g1", R"({"note":")" + text(round) + R"("})"},
              {"POST", "/groups", R"({"name":"g-)" + text(round) + R"("})"},
              {"DELETE", "/groups/g-" + text(round)}};
    },
    [](int round) -> Calls {
      return {{"POST", "/accounts/a1/credit", R"({"amount":"1"})"},
              {"POST", "/accounts", R"({"name":"a-)" + text(round) + R"("})"},
              {"DELETE", "/accounts/a-" + text(round)}};
    },
    [](int round) -> Calls {
      const auto price = "/prices/p-" + text(round);
      return {{"PUT", price, R"({"input":"1","output":"2"})"}, {"DELETE", price}};
    },
};

class AdminSnapshots : public AdminFixture {
 protected:
  void SetUp() override {
    // Each call is a connection, which counts until its thread has seen the end of it.
    server_options_.connections_max = 128;
    AdminFixture::SetUp();
    const Calls makes = {
        {"POST", "/groups", R"({"name":"g1"})"},
        {"POST", "/accounts", R"({"name":"a1","quota":"100"})"},
        {"POST", "/tokens", R"({"name":"t1","groups":["g1","default"],"account":"a1"})"},
        {"POST", "/tokens", R"({"name":"t2"})"},
        {"PUT", "/prices/m-1", R"({"input":"1","output":"2"})"},
        {"POST", "/channels",
         R"({"name":"keyed","kind":"openai","base_url":"https://api.example.com/v1","models":["m"]})"}};
    for (const auto& make : makes) EXPECT_TRUE(call(make.method, make.path, make.body)) << make.body;
    make_channels();
  }

  // In one transaction: as many requests would each wait for a disk.
  void make_channels() {
    const auto done = ledger_->write([&](ledger::Store& store) -> base::Result<void> {
      for (int i = 0; i < k_channels; ++i) {
        ledger::NewChannel wanted;
        wanted.settings.name = "stays-" + text(i);
        wanted.settings.kind = ledger::ChannelKind::echo;
        wanted.settings.models = {"m-" + text(i), "m-1", "gpt-*"};
        wanted.settings.groups = {"default", "g1"};
        if (auto made = store.create_channel(std::move(wanted), actor_); !made) return tl::unexpected(made.error());
      }
      return {};
    });
    ASSERT_TRUE(done) << done.error().message;
  }

  void read_until(const std::atomic<bool>& stop, const Calls& calls) {
    while (!stop) {
      for (const auto& one : calls) {
        const auto answer = call(one.method, one.path, one.body);
        // `verify` has a rate, which refuses as any other reader is refused.
        if (!answer && answer.error().code == ErrorCode::exhausted) continue;
        EXPECT_TRUE(answer) << one.method << " " << one.path << ": " << answer.error().message;
        if (answer && one.path == "/channels?limit=1000") expect_whole(answer->body);
      }
    }
  }
  static void expect_whole(std::string_view body) {
    const auto page = cr::admin::from_json<cr::admin::Page<cr::admin::Channel>>(body);
    ASSERT_TRUE(page) << page.error().message;
    std::vector<std::string> names;
    for (const auto& channel : page->items) names.push_back(channel.name);
    EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
    for (int i = 0; i < k_channels; ++i) EXPECT_THAT(names, testing::Contains("stays-" + text(i)));
  }
  void write_rounds(const Round& round) {
    for (int i = 0; i < k_rounds; ++i) {
      for (const auto& one : round(i)) {
        const auto answer = call(one.method, one.path, one.body);
        EXPECT_TRUE(answer) << one.method << " " << one.path << ": " << answer.error().message;
      }
    }
  }
  // What workers do with a directory for each request.
  void route_until(const std::atomic<bool>& stop) {
    ledger::DirectoryReader reader(ledger_->directory());
    while (!stop) {
      const auto directory = reader.current();
      const auto token = directory->find_token("t1");
      ASSERT_NE(token, nullptr);
      EXPECT_EQ(relay::routing::reachable_models(directory, *token).empty(), false);
      const auto routes = relay::routing::find_routes(*directory, *token, "m-1", dialect::Endpoint::chat_completions,
                                                      health_, base::steady_now(), 1);
      EXPECT_GE(routes.tries.size(), static_cast<std::size_t>(k_channels));
      for (const auto& route : routes.tries) EXPECT_FALSE(route.channel->name.empty());
    }
  }
};

TEST_F(AdminSnapshots, every_listing_holds_while_every_record_is_written) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (const auto& calls : k_reads) readers.emplace_back([&] { read_until(stop, calls); });
  readers.emplace_back([&] { route_until(stop); });
  std::vector<std::thread> writers;
  for (const auto& round : k_writes) writers.emplace_back([&] { write_rounds(round); });
  for (auto& writer : writers) writer.join();
  stop = true;
  for (auto& reader : readers) reader.join();
}

}  // namespace
}  // namespace cr::server::admin
