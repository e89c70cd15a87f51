// SPDX-License-Identifier: MIT
// Bodies as they come, fed piece by piece: what is held, what is refused, what is passed on.
#include "relay/request/body_source.h"

#include <gmock/gmock.h>

#include <span>

#include "support/deflated.h"

namespace cr::relay::request {
namespace {

using dialect::Endpoint;
using dialect::RefusalCode;
using http::server::ReadOutcome;
using testing::HasSubstr;

constexpr std::uint64_t k_mib = 1 << 20;

std::string text_of(std::span<const http::asio::const_buffer> buffers) {
  std::string text;
  for (const auto& buffer : buffers) text.append(static_cast<const char*>(buffer.data()), buffer.size());
  return text;
}

std::string field(std::string_view name, std::string_view value) {
  return "--b\r\nContent-Disposition: form-data; name=\"" + std::string(name) + "\"\r\n\r\n" + std::string(value) +
         "\r\n";
}
const std::string k_file_begin = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
const std::string k_end = "\r\n--b--\r\n";

class BodySourceTest : public testing::Test {
 protected:
  BodySourceTest() {
    token_.id = base::TokenId{3};
    token_.name = "ci";
  }
  // The body of a request with these fields; what its head alone is refused for, if anything.
  std::optional<RefusalCode> begin(Endpoint endpoint, std::vector<http::message::Field> fields) {
    head_.fields = std::move(fields);
    body_.emplace(head_, endpoint, settings_, now_);
    return code_of(body_->begin(budget_, token_));
  }
  std::optional<RefusalCode> begin_json() {
    return begin(Endpoint::chat_completions, {{"content-type", "application/json"}});
  }
  std::optional<RefusalCode> begin_form() {
    return begin(Endpoint::audio_transcriptions, {{"content-type", "multipart/form-data; boundary=b"}});
  }
  static std::optional<RefusalCode> code_of(const BodySource::MaybeRefusal& refusal) {
    return refusal ? std::optional(refusal->code) : std::nullopt;
  }
  std::optional<RefusalCode> take(std::string_view piece) { return code_of(body_->take(piece, false)); }
  std::optional<RefusalCode> finish() { return code_of(body_->finish()); }

  http::message::RequestHead head_;
  policy::Settings settings_;
  ledger::TokenRecord token_;
  base::MemoryBudget budget_{{4 * k_mib, 0}};
  base::SteadyTime now_{std::chrono::hours(1)};
  std::optional<BodySource> body_;
};

TEST_F(BodySourceTest, the_head_says_what_can_be_read) {
  struct Row {
    Endpoint endpoint;
    std::string_view type, coding;
    std::optional<RefusalCode> refused;
  };
  const std::vector<Row> rows = {
      {Endpoint::chat_completions, "application/json", "", {}},
      {Endpoint::chat_completions, "Application/JSON; charset=utf-8", "", {}},
      {Endpoint::chat_completions, "application/jsonl", "", RefusalCode::unsupported_media_type},
      {Endpoint::chat_completions, "text/plain", "", RefusalCode::unsupported_media_type},
      {Endpoint::chat_completions, "", "", RefusalCode::unsupported_media_type},
      {Endpoint::chat_completions, "application/json", "gzip", {}},
      {Endpoint::chat_completions, "application/json", "identity", {}},
      {Endpoint::chat_completions, "application/json", "br", RefusalCode::unsupported_encoding},
      {Endpoint::audio_transcriptions, "multipart/form-data; boundary=b", "", {}},
      {Endpoint::audio_transcriptions, "application/json", "", RefusalCode::unsupported_media_type},
      {Endpoint::response_by_id, "", "br", {}},
  };
  for (const auto& row : rows) {
    std::vector<http::message::Field> fields;
    if (!row.type.empty()) fields.push_back({"content-type", row.type});
    if (!row.coding.empty()) fields.push_back({"content-encoding", row.coding});
    EXPECT_EQ(begin(row.endpoint, std::move(fields)), row.refused) << row.type << " " << row.coding;
  }
}

TEST_F(BodySourceTest, why_there_is_no_more_of_it) {
  struct Row {
    ReadOutcome outcome;
    std::optional<RefusalCode> refused;
    bool client_left = false;
  };
  for (const auto& row : {
           Row{ReadOutcome::ok, {}},
           Row{ReadOutcome::too_large, RefusalCode::body_too_large},
           Row{ReadOutcome::no_room, RefusalCode::overloaded},
           Row{ReadOutcome::timed_out, RefusalCode::body_timeout},
           Row{ReadOutcome::refused, RefusalCode::bad_framing},
           Row{ReadOutcome::closed, RefusalCode::bad_framing, true},
       }) {
    ASSERT_FALSE(begin_json());
    EXPECT_EQ(code_of(body_->refusal_of(row.outcome)), row.refused) << static_cast<int>(row.outcome);
    EXPECT_EQ(body_->client_left(), row.client_left) << static_cast<int>(row.outcome);
  }
}

TEST_F(BodySourceTest, pieces_are_held_as_they_come) {
  ASSERT_FALSE(begin_json());
  EXPECT_FALSE(take("{\"model\":"));
  EXPECT_FALSE(take("\"m\"}"));
  EXPECT_FALSE(finish());
  EXPECT_EQ(body_->bytes(), "{\"model\":\"m\"}");
  EXPECT_TRUE(body_->is_replayable());
  EXPECT_FALSE(body_->streams());
  EXPECT_EQ(body_->came_at(), now_);
  EXPECT_EQ(body_->size(true).bytes, 13U);
  EXPECT_EQ(body_->forwarded_bytes(20), 20U);
}

TEST_F(BodySourceTest, a_body_without_room_is_refused_with_the_tokens_name) {
  ASSERT_FALSE(begin_json());
  const std::string half(3 * k_mib / 2, ' ');  // a token has a share of half of all
  EXPECT_FALSE(take(half));
  const auto refusal = body_->take(half, false);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code, RefusalCode::overloaded);
  EXPECT_THAT(refusal->message, HasSubstr("token 'ci'"));
  EXPECT_GT(budget_.used(), 0U);
  body_.reset();
  EXPECT_EQ(budget_.used(), 0U);
}

TEST_F(BodySourceTest, a_compressed_body_is_undone_at_every_cut) {
  const std::string text = R"({"model":"m","messages":[{"role":"user","content":"hello hello hello"}]})";
  const auto coded = test::gzip(text);
  for (std::size_t cut = 0; cut <= coded.size(); ++cut) {
    ASSERT_FALSE(
        begin(Endpoint::chat_completions, {{"content-type", "application/json"}, {"content-encoding", "gzip"}}));
    ASSERT_FALSE(take(std::string_view(coded).substr(0, cut)));
    ASSERT_FALSE(take(std::string_view(coded).substr(cut)));
    ASSERT_FALSE(finish());
    ASSERT_EQ(body_->bytes(), text);
  }
}

TEST_F(BodySourceTest, a_compressed_body_is_bounded_by_what_it_comes_to) {
  const auto begin_gzip = [&] {
    return begin(Endpoint::chat_completions, {{"content-type", "application/json"}, {"content-encoding", "gzip"}});
  };
  ASSERT_FALSE(begin_gzip());
  EXPECT_EQ(take("no gzip at all"), RefusalCode::invalid_encoding);
  ASSERT_FALSE(begin_gzip());
  EXPECT_FALSE(take(test::gzip("{}").substr(0, 12)));
  EXPECT_EQ(finish(), RefusalCode::invalid_encoding) << "cut";
  ASSERT_FALSE(begin_gzip());
  EXPECT_EQ(finish(), RefusalCode::invalid_encoding) << "nothing came";
  settings_.body_bytes_max = 1000;
  ASSERT_FALSE(begin_gzip());
  EXPECT_EQ(take(test::gzip(std::string(1001, 'a'))), RefusalCode::body_too_large);
  settings_.body_bytes_max = 64 * k_mib;
  ASSERT_FALSE(begin_gzip());
  const auto bomb = body_->take(test::gzip(std::string(2 * k_mib, 'a')), false);
  ASSERT_TRUE(bomb);
  EXPECT_EQ(bomb->code, RefusalCode::body_too_large);
  EXPECT_THAT(bomb->message, HasSubstr("hundred times"));
}

TEST_F(BodySourceTest, a_small_form_is_a_body_like_any_other) {
  ASSERT_FALSE(begin_form());
  const auto text = field("model", "m") + k_file_begin + "sound" + k_end;
  EXPECT_FALSE(take(text));
  EXPECT_FALSE(finish());
  EXPECT_TRUE(body_->is_form());
  EXPECT_FALSE(body_->streams());
  EXPECT_TRUE(body_->is_replayable());
  EXPECT_EQ(body_->bytes(), text);
  EXPECT_EQ(body_->content_type(), "multipart/form-data; boundary=b");
  dialect::RequestScanner scanner;
  const auto scan = body_->scan(scanner);
  ASSERT_TRUE(scan);
  EXPECT_EQ(scan->model, "m");
  EXPECT_EQ(body_->size(true).told_bytes, text.size());
}

TEST_F(BodySourceTest, a_form_that_is_cut_or_has_no_model_is_refused) {
  ASSERT_FALSE(begin_form());
  EXPECT_FALSE(take(field("model", "m")));
  EXPECT_EQ(finish(), RefusalCode::invalid_multipart);
  settings_.body_bytes_max = 1000;
  ASSERT_FALSE(begin_form());
  EXPECT_FALSE(take(k_file_begin));
  const auto late = body_->take(std::string(1000, 's'), false);
  ASSERT_TRUE(late);
  EXPECT_EQ(late->code, RefusalCode::body_too_large);
  EXPECT_EQ(late->param, "model");
  settings_.upload_bytes_max = 500;
  ASSERT_FALSE(begin_form());
  EXPECT_EQ(take(std::string(501, 's')), RefusalCode::body_too_large);
}

// A form whose beginning is held; its rest comes once a channel has that.
class StreamedFormTest : public BodySourceTest {
 protected:
  void begin_stream(std::optional<std::uint64_t> length) {
    settings_.body_bytes_max = 64;
    head_.content_length = length;
    head_.chunked = !length;
    ASSERT_FALSE(begin_form());
    begin_ = field("model", "m") + k_file_begin;
    ASSERT_FALSE(take(begin_));
    ASSERT_TRUE(body_->streams());
  }
  bool admit(std::string_view piece, bool ended = false) { return body_->admit(ReadOutcome::ok, piece, ended); }
  std::string begin_;
};

TEST_F(StreamedFormTest, its_length_is_the_clients_with_what_edits_add) {
  begin_stream(5000);
  EXPECT_FALSE(body_->is_chunked());
  EXPECT_EQ(body_->forwarded_bytes(begin_.size() + 3), 5003U);
  EXPECT_EQ(body_->size(false).bytes, 5000U);
  EXPECT_EQ(body_->last_chunk(), "");
  ASSERT_TRUE(admit("sound"));
  EXPECT_EQ(text_of(body_->pass("sound")), "sound");
  EXPECT_FALSE(body_->is_replayable());
  EXPECT_EQ(body_->bytes(), "");
}

TEST_F(StreamedFormTest, in_chunks_the_held_part_is_one_and_each_piece_another) {
  begin_stream(std::nullopt);
  EXPECT_TRUE(body_->is_chunked());
  EXPECT_EQ(body_->forwarded_bytes(begin_.size()), std::nullopt);
  EXPECT_EQ(body_->frame_held(0x1f), "1f\r\n");
  EXPECT_EQ(body_->size(false).bytes, settings_.upload_bytes_max) << "what it may come to";
  EXPECT_EQ(body_->size(true).bytes, begin_.size());
  ASSERT_TRUE(admit("sound"));
  EXPECT_EQ(text_of(body_->pass("sound")), "5\r\nsound\r\n");
  EXPECT_EQ(body_->size(true).bytes, begin_.size() + 5);
  EXPECT_EQ(body_->last_chunk(), "0\r\n\r\n");
}

TEST_F(StreamedFormTest, its_last_piece_goes_only_once_the_form_is_whole) {
  begin_stream(std::nullopt);
  EXPECT_TRUE(body_->is_replayable());
  EXPECT_FALSE(admit("sound", true));
  ASSERT_TRUE(body_->has_late_refusal());
  EXPECT_EQ(body_->late_refusal()->code, RefusalCode::invalid_multipart);
  EXPECT_FALSE(body_->is_replayable());
  begin_stream(std::nullopt);
  EXPECT_TRUE(admit(k_end, true));
  EXPECT_FALSE(body_->has_late_refusal());
}

TEST_F(StreamedFormTest, it_may_not_ask_for_more_than_is_reserved) {
  begin_stream(std::nullopt);
  body_->limit_choices(1);
  EXPECT_FALSE(admit("\r\n" + field("n", "2") + "--b--\r\n"));
  EXPECT_EQ(body_->late_refusal()->param, "n");
}

TEST_F(StreamedFormTest, a_client_that_leaves_is_noted) {
  begin_stream(std::nullopt);
  EXPECT_FALSE(body_->client_left());
  EXPECT_FALSE(body_->admit(ReadOutcome::closed, {}, false));
  EXPECT_TRUE(body_->client_left());
  begin_stream(std::nullopt);
  EXPECT_FALSE(body_->admit(ReadOutcome::timed_out, {}, false));
  EXPECT_EQ(body_->late_refusal()->code, RefusalCode::body_timeout);
  EXPECT_FALSE(body_->client_left());
}

TEST_F(StreamedFormTest, a_piece_that_went_nowhere_spends_it) {
  begin_stream(std::nullopt);
  body_->lose_piece();
  EXPECT_FALSE(body_->is_replayable());
}

}  // namespace
}  // namespace cr::relay::request
