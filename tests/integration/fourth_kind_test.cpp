// SPDX-License-Identifier: MIT
// A kind of provider that only tests have (tests/fourth_kind), in a crd of its own, before a provider that takes
// nothing else: what a kind has to say of itself is all that the rest of crd needs.
#include <cstdlib>
#include <filesystem>

#include "integration/gateway.h"
#include "support/programs.h"

namespace cr::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr const char* k_chat_path = "/v1/deployments/fake-a/chat/completions?api-version=2024-10-21";

// The programs of tests/fourth_kind instead of the usual ones, for as long as this lives.
class OtherPrograms {
 public:
  OtherPrograms() {
    const auto build = std::filesystem::path(crd_program()).parent_path().parent_path().parent_path();
    ::setenv("CR_TEST_CRD", (build / "tests/fourth_kind/crd_fourth_kind").c_str(), 1);
    ::setenv("CR_TEST_CRCTL", (build / "tests/fourth_kind/crctl_fourth_kind").c_str(), 1);
  }
  ~OtherPrograms() {
    ::unsetenv("CR_TEST_CRD");
    ::unsetenv("CR_TEST_CRCTL");
  }
  OtherPrograms(const OtherPrograms&) = delete;
  OtherPrograms& operator=(const OtherPrograms&) = delete;
};

class FourthKind : public testing::Test {
 protected:
  FourthKind() {
    hosted_.behave({{"deployments", true}, {"times", -1}});
    gateway_.also_billed_by(hosted_);
    create("hosted", "deployment");
    for (const auto* model : {"o-fake", "alias"}) gateway_.set_price(model);
  }

  void create(const std::string& name, const std::string& kind) {
    gateway_.daemon.must({"group", "create", name});
    gateway_.daemon.must({"channel", "create", name, "--kind", kind, "--base-url", hosted_.url(), "--models",
                          "fake-*,o-*", "--map", "alias=fake-b", "--key-stdin", "--allow-private", "--group", name},
                         "sk-hosted-0123456789-wxyz\n");
  }
  std::string token(const std::string& name, const std::string& group) {
    return gateway_.token(name, {"--group", group, "--quota", "5"});
  }
  Json last() { return hosted_.requests().back(); }

  OtherPrograms programs_;
  FakeUpstream hosted_;
  Gateway gateway_;
};

// Without crd: what the provider takes, and what it does not.
TEST_F(FourthKind, ItsProviderTakesNothingElse) {
  gateway_.leave_end_unchecked();  // what is asked past crd is not in its ledger
  HttpClient client{Listener(hosted_.port())};
  const Headers key{{"api-key", "sk-1"}};
  const auto status = [&](const std::string& path, const Headers& headers) {
    return client.post(path, chat().dump(), headers).status;
  };
  EXPECT_EQ(status(k_chat_path, key), 200);
  EXPECT_EQ(status("/v1/deployments/fake-a/chat/completions", key), 404) << "no api-version";
  EXPECT_EQ(status("/v1/chat/completions?api-version=2024-10-21", key), 404) << "no deployment";
  EXPECT_EQ(status("/v1/deployments/fake-a/responses?api-version=2024-10-21", key), 404);
  EXPECT_EQ(status(k_chat_path, {{"authorization", "Bearer sk-1"}}), 401);
  EXPECT_EQ(status(k_chat_path, {}), 401);
}

TEST_F(FourthKind, IsSpokenToAsItsFileSays) {
  const auto key = token("t", "hosted");
  gateway_.daemon.must({"price", "set", "fake-a", "--default-output", "1000"});
  const auto answer = gateway_.post(key, chat("fake-a", {{"store", true}, {"user", "u-1"}}));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(Json::parse(answer.body)["usage"]["prompt_tokens"], 10);
  EXPECT_EQ(hosted_.tally()["arrived"], 1);
  const auto seen = last();
  EXPECT_EQ(seen["target"], k_chat_path);
  EXPECT_EQ(seen["model"], "fake-a");
  EXPECT_THAT(seen["headers"], Contains(Json::array({"api-key", "sk-hosted-0123456789-wxyz"})));
  EXPECT_THAT(seen["headers"].dump(), Not(HasSubstr("authorization")));
  const auto body = Json::parse(seen["body"].get<std::string>());
  EXPECT_FALSE(body.contains("store") || body.contains("user")) << body;
  EXPECT_TRUE(body.contains("max_tokens")) << "the bound that the quota needs: " << body;
  EXPECT_EQ(gateway_.posted("t"), 10 * 1000 + 20 * 2000);
  EXPECT_EQ(gateway_.reserved("t"), 0);
  EXPECT_EQ(gateway_.request(answer)["channel"], "hosted");
}

TEST_F(FourthKind, ItsStreamIsAskedForItsUsageAndMeteredByItsDialect) {
  const auto key = token("t", "hosted");
  const auto answer = gateway_.post(key, chat("fake-a", {{"stream", true}}));
  ASSERT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("[DONE]"));
  EXPECT_THAT(answer.body, Not(HasSubstr("\"usage\":{"))) << "crd asked for it, not the client";
  EXPECT_EQ(Json::parse(last()["body"].get<std::string>())["stream_options"]["include_usage"], true);
  EXPECT_EQ(gateway_.posted("t"), 10 * 1000 + 20 * 2000);
}

TEST_F(FourthKind, ModelsAreMappedEncodedAndBoundedByItsFile) {
  const auto key = token("t", "hosted");
  ASSERT_EQ(gateway_.post(key, chat("alias")).status, 200);
  EXPECT_THAT(last()["target"].get<std::string>(), HasSubstr("/deployments/fake-b/chat/"));
  gateway_.daemon.must({"price", "set", "o-fake", "--default-output", "1000"});
  ASSERT_EQ(gateway_.post(key, chat("o-fake")).status, 200);
  EXPECT_TRUE(Json::parse(last()["body"].get<std::string>()).contains("max_completion_tokens"));
  gateway_.set_price("fake-../x?y");
  EXPECT_EQ(gateway_.post(key, chat("fake-../x?y")).status, 200);
  EXPECT_THAT(last()["target"].get<std::string>(), HasSubstr("/deployments/fake-..%2Fx%3Fy/chat/completions?api-"));
  ASSERT_EQ(gateway_.post(key, {{"model", "fake-a"}, {"input", "hello"}}, "/v1/embeddings").status, 200);
  EXPECT_THAT(last()["target"].get<std::string>(), HasSubstr("/deployments/fake-a/embeddings?api-version="));
  EXPECT_EQ(gateway_.posted("t"), 3 * (10 * 1000 + 20 * 2000) + 10 * 1000);
}

TEST_F(FourthKind, ServesWhatItsFileSaysAndNothingElse) {
  const auto key = token("t", "hosted");
  const auto arrived = hosted_.tally()["arrived"];
  EXPECT_EQ(gateway_.post(key, {{"model", "fake-a"}, {"input", "hi"}}, "/v1/responses").status, 404);
  EXPECT_EQ(gateway_.post(key, chat("fake-a", {{"max_tokens", 5}}), "/v1/messages").status, 404);
  EXPECT_EQ(hosted_.tally()["arrived"], arrived);
  EXPECT_EQ(gateway_.posted("t"), 0);
}

TEST_F(FourthKind, IsProbedAndKeptAsTheOthersAre) {
  auto& daemon = gateway_.daemon;
  EXPECT_THAT(daemon.must({"channel", "test", "hosted", "--model", "fake-a"}),
              testing::StartsWith("ok: fake-a answered 200 in "));
  EXPECT_EQ(last()["target"], k_chat_path);
  EXPECT_EQ(daemon.restart(), 0);
  EXPECT_EQ(daemon.must({"channel", "show", "hosted", "--field", "kind"}), "deployment\n");
  ASSERT_EQ(gateway_.post(token("t", "hosted"), chat()).status, 200);
  const auto unknown = daemon.crctl({"channel", "create", "x", "--kind", "gopher", "--models", "m"});
  EXPECT_THAT(unknown.err, HasSubstr("'gopher' is not one of openai, anthropic, echo, deployment"));
}

// The kinds that differ from it in path and credential are refused where it is served, and nobody pays for that.
TEST_F(FourthKind, AnotherKindIsRefusedThere) {
  create("wrong", "openai");
  const auto tried = gateway_.daemon.crctl({"channel", "test", "wrong", "--model", "fake-a"});
  EXPECT_EQ(tried.exit, 1);
  EXPECT_THAT(tried.err, HasSubstr("knows no such address or model"));
  EXPECT_EQ(gateway_.post(token("t", "wrong"), chat()).status, 404);
  EXPECT_EQ(last()["status"], 404);
  EXPECT_EQ(gateway_.posted("t"), 0);
}

// The usual programs do not know it: not what is typed, nor what comes over the admin socket.
TEST(KindsOfCrd, AreThree) {
  BookedDaemon daemon;
  const auto typed = daemon.crctl({"channel", "create", "x", "--kind", "deployment", "--models", "m"});
  EXPECT_EQ(typed.exit, 2);
  EXPECT_THAT(typed.err, HasSubstr("'deployment' is not one of openai, anthropic, echo\n"));
  const Json channel{{"name", "x"}, {"kind", "deployment"}, {"models", {"m"}}};
  const auto sent = HttpClient(daemon.socket()).post("/admin/v1/channels", channel.dump());
  EXPECT_EQ(sent.status, 400) << sent.body;
  EXPECT_THAT(sent.body, HasSubstr("kind: expected one of"));
  EXPECT_THAT(sent.body, Not(HasSubstr("deployment")));
}

}  // namespace
}  // namespace cr::test
