// SPDX-License-Identifier: MIT
#include "relay/request/wrong_path.h"

#include <gmock/gmock.h>

namespace cr::relay::request {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr auto k_openai = dialect::Dialect::openai;
constexpr auto k_anthropic = dialect::Dialect::anthropic;

TEST(WrongPath, SaysWhichBaseUrlToSet) {
  struct Row {
    std::string path, said;
    dialect::Dialect dialect = k_openai;
  };
  const std::string with_version = "set the client's base URL to gw:8787/v1";
  for (const Row& row : {
           Row{"/v1/v1/chat/completions", "/v1 twice: " + with_version},
           Row{"/v1/v1/v1/chat/completions", "/v1 twice: " + with_version},
           Row{"/v1//v1/embeddings", "/v1 twice: " + with_version},
           Row{"/v1/v1/messages", "/v1 twice: set the client's base URL to gw:8787, without /v1", k_anthropic},
           Row{"/v1/v1/messages/count_tokens", "set the client's base URL to gw:8787, without /v1", k_anthropic},
           Row{"/v1/v1/models", "/v1 twice: " + with_version},
           Row{"/v1/v1/responses/resp_1", "/v1 twice: " + with_version},
           Row{"/chat/completions", "for /v1/chat/completions " + with_version},
           Row{"/models", "for /v1/models " + with_version},
           Row{"/models/fake-a", with_version},
           Row{"/messages", "for /v1/messages " + with_version, k_anthropic},
           Row{"/responses/resp_1/cancel", with_version},
           Row{"/v1/chat/completions/", "a slash at its end: leave it out"},
           Row{"/v1/models/", "a slash at its end: leave it out"},
           Row{"/v1/messages//", "a slash at its end: leave it out", k_anthropic},
           Row{"//v1/chat/completions", "a doubled slash: " + with_version},
           Row{"/v1//chat/completions", "a doubled slash: " + with_version},
           Row{"/v1//messages", "a doubled slash: " + with_version, k_anthropic},
           Row{"/api/v1/chat/completions", "for /v1/chat/completions " + with_version},
           Row{"/v1/chat/completions/chat/completions", "for /v1/chat/completions " + with_version},
           Row{"/v1beta/openai/embeddings", "for /v1/embeddings " + with_version},
           Row{"/v1", "GET /v1/models"},
           Row{"/v1/", "GET /v1/models"},
           Row{"/v1/responses/compact", "/v1/responses/compact is not relayed by this gateway yet"},
           Row{"/v1/responses/input_tokens", "/v1/responses/input_tokens is not relayed by this gateway yet"},
       }) {
    const auto wrong = explain_wrong_path(row.path, "gw:8787");
    EXPECT_EQ(wrong.refusal.code, dialect::RefusalCode::unknown_endpoint);
    EXPECT_THAT(wrong.refusal.message, AllOf(HasSubstr(row.said), Not(HasSubstr("crctl")))) << row.path;
    EXPECT_EQ(wrong.dialect, row.dialect) << row.path;
  }
}

TEST(WrongPath, RepeatsNothingOfWhatItDoesNotKnow) {
  for (const std::string path : {"/v1/nothing-here", "/admin/v1/tokens", "/v1/batches",
                                 "/v1beta/models/x:generateContent", "/secret/models/x", "/v1/responses/secret/x"}) {
    const auto wrong = explain_wrong_path(path, "gw");
    EXPECT_EQ(wrong.refusal.message,
              "no such endpoint here: GET /v1/models lists the models, POST /v1/chat/completions asks one")
        << path;
  }
  const auto far = explain_wrong_path(std::string(100'000, '/') + "v1/models", "gw");
  EXPECT_THAT(far.refusal.message, HasSubstr("no such endpoint here"));
  EXPECT_THAT(explain_wrong_path("/v1/v1/models", "").refusal.message, HasSubstr("this gateway's address/v1"));
}

TEST(WrongPath, NoIdIsRepeated) {
  EXPECT_THAT(explain_wrong_path("/models/secret", "gw").refusal.message, HasSubstr("for /v1/models/{model} set"));
  EXPECT_THAT(explain_wrong_path("/responses/secret", "gw").refusal.message,
              HasSubstr("for /v1/responses/{response_id} set"));
}

}  // namespace
}  // namespace cr::relay::request
