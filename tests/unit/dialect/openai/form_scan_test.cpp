// SPDX-License-Identifier: MIT
#include "dialect/openai/form_scan.h"

#include <gtest/gtest.h>

#include <vector>

namespace cr::dialect::openai {
namespace {

std::string part(const std::string& head, const std::string& content) {
  return "--b\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + content + "\r\n";
}
std::string field(const std::string& name, const std::string& content) {
  return part("name=\"" + name + "\"", content);
}
const std::string k_file = part("name=\"file\"; filename=\"a.mp3\"\r\nContent-Type: audio/mpeg", "sound");

std::optional<Refusal> scan(FormScanner& scanner, std::string_view body, std::size_t piece) {
  while (!body.empty()) {
    if (auto refusal = scanner.push(body.substr(0, piece))) return refusal;
    body.remove_prefix(std::min(piece, body.size()));
  }
  return scanner.finish();
}

TEST(FormScan, FindsTheFieldsAtEveryCut) {
  const auto body = k_file + field("stream", "true") + field("model", "whisper-1") + field("n", "3") + "--b--\r\n";
  for (std::size_t piece = 1; piece <= body.size(); ++piece) {
    FormScanner scanner("b");
    const auto refusal = scan(scanner, body, piece);
    ASSERT_FALSE(refusal) << refusal->message;
    const auto& found = scanner.scan();
    EXPECT_EQ(found.model, "whisper-1");
    EXPECT_EQ(body.substr(found.model_value->begin, found.model_value->end - found.model_value->begin), "whisper-1");
    EXPECT_TRUE(found.stream);
    EXPECT_EQ(found.choices, 3);
    EXPECT_TRUE(found.unbounded_media);
  }
}

TEST(FormScan, TheModelIsKnownOnceItsPartHasEnded) {
  FormScanner scanner("b");
  EXPECT_FALSE(scanner.push(k_file + "--b\r\nContent-Disposition: form-data; name=model\r\n\r\nm\r\n--"));
  EXPECT_FALSE(scanner.has_model());
  EXPECT_FALSE(scanner.push("b"));
  EXPECT_TRUE(scanner.has_model());
}

// What Java's clients write unless they are told otherwise.
TEST(FormScan, LatinText) {
  const auto latin = [](const std::string& model) {
    FormScanner scanner("b");
    const auto refusal =
        scan(scanner, part("name=model\r\nContent-Type: text/plain; charset=ISO-8859-1", model) + "--b--\r\n", 3);
    return refusal ? std::string(row_of(refusal->code).name) : scanner.scan().model;
  };
  EXPECT_EQ(latin("whisper-1"), "whisper-1");
  EXPECT_EQ(latin("caf\xc3\xa9"), "invalid_value");
}

TEST(FormScan, RenamesTheModelInPlace) {
  const auto body = k_file + field("model", "m") + "--b--\r\n";
  FormScanner scanner("b");
  ASSERT_FALSE(scan(scanner, body, 7));
  Rewrite rewrite;
  rewrite.model = "other \"name\"";
  const auto edits = plan_form_edits(scanner.scan(), rewrite);
  EXPECT_EQ(apply_edits(body, edits), k_file + field("model", "other \"name\"") + "--b--\r\n");
  rewrite.model = "m";
  EXPECT_TRUE(plan_form_edits(scanner.scan(), rewrite).empty());
}

struct Row {
  std::string name;
  std::string body;
  RefusalCode code;
  std::string param;
};

TEST(FormScan, Refuses) {
  const auto model = field("model", "m");
  const std::vector<Row> rows = {
      {"D7 twice", model + k_file + model, RefusalCode::duplicate_key, "model"},
      {"D7 twice, different", model + field("model", "n"), RefusalCode::duplicate_key, "model"},
      {"case", field("Model", "m"), RefusalCode::duplicate_key, "model"},
      {"case, second", model + field("MODEL", "m"), RefusalCode::duplicate_key, "model"},
      {"Unicode fold", field("\xc5\xbftream", "true"), RefusalCode::duplicate_key, "stream"},
      {"array", model + field("model[]", "m"), RefusalCode::duplicate_key, "model"},
      {"index", model + field("model[0]", "m"), RefusalCode::duplicate_key, "model"},
      {"blank", model + field(" model", "m"), RefusalCode::duplicate_key, "model"},
      {"blank behind", model + field("model\t", "m"), RefusalCode::duplicate_key, "model"},
      {"stream twice", field("stream", "true") + field("stream", "true"), RefusalCode::duplicate_key, "stream"},
      {"n twice", field("n", "1") + field("n", "1"), RefusalCode::duplicate_key, "n"},
      {"missing", k_file, RefusalCode::invalid_value, "model"},
      {"empty", field("model", ""), RefusalCode::invalid_value, "model"},
      {"long", field("model", std::string(257, 'm')), RefusalCode::invalid_value, "model"},
      {"very long", field("model", std::string(100'000, 'm')), RefusalCode::invalid_value, "model"},
      {"not UTF-8", field("model", "m\xff"), RefusalCode::invalid_value, "model"},
      {"file", part("name=model; filename=m", "m"), RefusalCode::invalid_value, "model"},
      {"file*", part("name=model; filename*=UTF-8''m", "m"), RefusalCode::invalid_value, "model"},
      {"encoded", part("name=model\r\nContent-Transfer-Encoding: base64", "bQ=="), RefusalCode::invalid_value, "model"},
      {"charset", part("name=model\r\nContent-Type: text/plain; charset=utf-16", "m"), RefusalCode::invalid_value,
       "model"},
      {"stream", field("stream", "yes"), RefusalCode::invalid_value, "stream"},
      {"n zero", field("n", "0"), RefusalCode::invalid_value, "n"},
      {"n large", field("n", "129"), RefusalCode::invalid_value, "n"},
      {"n text", field("n", "1e1"), RefusalCode::invalid_value, "n"},
      {"n empty", field("n", ""), RefusalCode::invalid_value, "n"},
      {"D8 api_base", field("api_base", "http://x"), RefusalCode::invalid_value, "api_base"},
      {"D8 base_url", field("base_url", "http://x"), RefusalCode::invalid_value, "base_url"},
      {"D8 api_key", field("api_key", "x"), RefusalCode::invalid_value, "api_key"},
      {"D8 extra_headers", field("extra_headers", "{}"), RefusalCode::invalid_value, "extra_headers"},
      {"D8 look-alike", field("API_BASE", "http://x"), RefusalCode::invalid_value, "api_base"},
      {"_charset_", field("_charset_", "utf-7"), RefusalCode::invalid_value, "_charset_"},
      {"no end", model, RefusalCode::invalid_multipart, ""},
  };
  for (const auto& row : rows) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{5}, row.body.size() + 16}) {
      FormScanner scanner("b");
      const auto end = row.code == RefusalCode::invalid_multipart ? "" : "--b--\r\n";
      const auto refusal = scan(scanner, row.body + end, piece);
      ASSERT_TRUE(refusal) << row.name;
      EXPECT_EQ(refusal->code, row.code) << row.name << ": " << refusal->message;
      EXPECT_EQ(refusal->param, row.param) << row.name << ": " << refusal->message;
    }
  }
}

TEST(FormScan, OtherFieldsMayComeAsOftenAsTheyLike) {
  FormScanner scanner("b");
  const auto refusal =
      scan(scanner,
           field("include[]", "a") + field("include[]", "b") + field("prompt", std::string(9000, 'x')) +
               field("model", std::string(256, 'm')) + "--b--",
           100);
  EXPECT_FALSE(refusal);
}

}  // namespace
}  // namespace cr::dialect::openai
