// SPDX-License-Identifier: MIT
// Keys where nobody should find them: in crd's memory after a request, in rows and log lines.
#include <fcntl.h>
#include <unistd.h>

#include "integration/form.h"
#include "integration/gateway.h"
#include "support/programs.h"

namespace cr::test {
namespace {

using testing::HasSubstr;
using testing::Not;

// How often crd's memory holds a text; none where this user may not read it.
std::optional<std::size_t> copies_of(Daemon& daemon, const std::string& text) {
  const auto proc = "/proc/" + std::to_string(daemon.process().pid());
  const int memory = ::open((proc + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
  if (memory < 0) return std::nullopt;
  std::size_t copies = 0;
  std::ifstream maps(proc + "/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long first = 0, end = 0;
    char rights[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &first, &end, rights) != 3 || rights[1] != 'w') continue;
    std::string bytes(end - first, '\0');
    const auto got = ::pread(memory, bytes.data(), bytes.size(), static_cast<off_t>(first));
    if (got <= 0) continue;
    bytes.resize(static_cast<std::size_t>(got));
    for (auto at = bytes.find(text); at != std::string::npos; at = bytes.find(text, at + 1)) ++copies;
  }
  ::close(memory);
  return copies;
}

class Secrets : public testing::TestWithParam<Wire> {};

TEST_P(Secrets, NoClientsKeyStaysInMemory) {
  if (is_sanitized()) GTEST_SKIP() << "a sanitizer's own maps are larger than can be read";
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("ci");
  auto wrong = key;
  wrong[wrong.size() / 2] = wrong[wrong.size() / 2] == 'a' ? 'b' : 'a';
  gateway.daemon.restart();  // who made the key may have left it
  if (!copies_of(gateway.daemon, key)) GTEST_SKIP() << "this user may not read crd's memory";
  const std::string padded = "X-Pad: " + std::string(15'000, 'x') + "\r\nX-Pad-2: " + std::string(15'000, 'x') + "\r\n";
  const auto large = chat("fake-a", {{"metadata", {{"pad", std::string(200'000, 'x')}}}}).dump();
  const std::string path = "/v1/chat/completions";
  for (int i = 0; i < 8; ++i) {
    RawClient client(gateway.daemon.listener());
    for (const auto& request : {raw_request("POST", path, key, chat().dump()), raw_request("POST", path, key, large),
                                raw_request("POST", path, key, chat().dump(), padded),
                                raw_request("GET", "/v1/models", key), raw_request("POST", path, wrong, chat().dump()),
                                raw_request("GET", "/v1/token", "", "", "x-api-key: " + key + "\r\n"),
                                raw_request("POST", path, key, chat("fake-a", {{"stream", true}}).dump())}) {
      // In two pieces, so that a head moves to a larger buffer.
      ASSERT_TRUE(client.send(std::string_view(request).substr(0, request.size() / 2)));
      ASSERT_TRUE(client.send(std::string_view(request).substr(request.size() / 2)));
      const auto head = client.read_head();
      ASSERT_TRUE(head);
      client.read_body(*head);
    }
    RawClient cut(gateway.daemon.listener());
    cut.send(raw_request("POST", path, key, large).substr(0, 5'000));
    RawClient behind(gateway.daemon.listener());
    behind.send(raw_request("POST", path, key, chat().dump()) + raw_request("GET", "/v1/models", key));
    const auto head = behind.read_head();
    ASSERT_TRUE(head);
    behind.read_body(*head);
  }
  while (metric_of(gateway.daemon, "crd_connections") != 0) std::this_thread::yield();
  gateway.flush();
  EXPECT_GT(copies_of(gateway.daemon, gateway.daemon.state_dir()), 0U) << "what is there is found";
  EXPECT_EQ(copies_of(gateway.daemon, key), 0U);
  EXPECT_EQ(copies_of(gateway.daemon, wrong), 0U);
}

TEST_P(Secrets, NoKeyThatWasSentAsAModelIsKept) {
  DaemonOptions options;
  options.tables = "[log]\nrequests = \"all\"\n";
  Gateway gateway(over(GetParam(), options));
  const auto key = gateway.token("ci");
  const std::string theirs = "sk-proj-Ab12Cd34Ef56Gh78Ij90Kl12Mn34";
  for (const auto& model : {key, theirs, std::string("sk-ant-api03-short")}) {
    const auto refused = gateway.post(key, chat(model));
    EXPECT_GE(refused.status, 400) << refused.body;
  }
  // What a channel lists is a model, whatever it looks like; what passes by a pattern may be anything.
  const std::string listed = "ft-7Hq2Zk9Lm4Xc8Vb1Nn6Pa3";
  gateway.daemon.must({"channel", "create", "odd", "--kind", "openai", "--base-url", gateway.upstream.url(), "--models",
                       listed + ",wild/*", "--key-stdin", "--allow-private"},
                      "sk-provider-5678\n");
  EXPECT_EQ(gateway.post(key, chat(listed)).status, 200);
  EXPECT_EQ(gateway.post(key, chat("wild/" + theirs)).status, 200);
  gateway.flush();
  gateway.daemon.stop();
  const auto models = gateway.daemon.sql("SELECT DISTINCT model FROM request");
  std::string kept;
  for (const auto& row : models) kept += row[0] + "\n";
  const auto log = gateway.daemon.log();
  for (const auto& text : {kept, log}) {
    EXPECT_THAT(text, HasSubstr(listed));
    EXPECT_THAT(text, HasSubstr("not shown: it may be a key"));
    EXPECT_THAT(text, Not(HasSubstr(key)));
    EXPECT_THAT(text, Not(HasSubstr(theirs)));
    EXPECT_THAT(text, Not(HasSubstr("api03-short")));
  }
}

TEST_P(Secrets, AProvidersErrorDoesNotTellItsKey) {
  Gateway gateway(over(GetParam()));
  const auto key = gateway.token("ci");
  for (const std::size_t padding : {std::size_t{0}, std::size_t{300'000}}) {
    for (const bool stream : {false, true}) {
      const Json error{{"error",
                        {{"message", "Incorrect header: Bearer sk-provider-1234"},
                         {"type", "invalid_request_error"},
                         {"pad", std::string(padding, 'x')},
                         {"code", "bad_request"}}}};
      gateway.upstream.behave({{"status", 400}, {"body", error.dump()}});
      const auto answer = gateway.post(key, chat("fake-a", {{"stream", stream}}));
      EXPECT_EQ(answer.status, 400) << answer.body.substr(0, 200);
      EXPECT_THAT(answer.body, Not(HasSubstr("sk-provider")));
      EXPECT_THAT(answer.body, HasSubstr("Incorrect header: Bearer ****************"));
      EXPECT_EQ(answer.body.size(), error.dump().size());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Wires, Secrets, testing::Values(Wire::plain, Wire::tls), wire_name);

}  // namespace
}  // namespace cr::test
