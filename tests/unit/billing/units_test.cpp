// SPDX-License-Identifier: MIT
// What is charged for beside plain model tokens: read from requests and answers, bounded, and summed.
#include <gtest/gtest.h>

#include <limits>

#include "billing/price_rules.h"
#include "billing/reservation.h"
#include "unit/dialect/meter_of.h"

namespace cr::billing {
namespace {

using base::Credits;

dialect::RequestScan scan(dialect::Endpoint endpoint, std::string_view body) {
  dialect::RequestScanner scanner;
  auto found = scanner.scan(endpoint, body);
  EXPECT_TRUE(found) << body << found.error().message;
  return found ? *found : dialect::RequestScan{};
}

TEST(Units, CharactersOfSpeechAreUnicodeCharacters) {
  struct Row {
    std::string_view input;
    std::int64_t characters;
  };
  for (const Row& row : {
           Row{"", 0},
           Row{"hello", 5},
           Row{"h\u00e9llo \u20ac", 7},
           Row{"\U0001d11e", 1},
           Row{R"(a\n\"\\\/b)", 6},
           Row{R"(\u0041\u20AC)", 2},
           Row{R"(\uD834\uDD1E)", 1},
           Row{R"(\ud834\udd1e\ud7ff\ue000)", 3},
       }) {
    const auto found =
        scan(dialect::Endpoint::audio_speech, R"({"model":"m","input":")" + std::string(row.input) + "\"}");
    EXPECT_EQ(found.characters, row.characters) << row.input;
  }
}

TEST(Units, AQueryIsReadAnewForEachDocument) {
  const auto found =
      scan(dialect::Endpoint::rerank, R"({"model":"m","query":"12345678","documents":["a","b",{"text":"c"}]})");
  EXPECT_EQ(found.documents, 3);
  EXPECT_EQ(found.repeated_bytes, 3 * 10);  // with its quotes
  EXPECT_FALSE(found.unbounded_media);
  EXPECT_EQ(text_tokens_ceiling(100, found), 100 + 30 + 64 + 4 * 16);
  EXPECT_TRUE(
      scan(dialect::Endpoint::rerank, R"({"model":"m","query":"q","documents":[{"image":"u"}]})").unbounded_media);
}

TEST(Units, TheDefaultModelIsWrittenIntoTheBody) {
  struct Row {
    std::string_view body, expected;
  };
  for (const Row& row : {
           Row{R"({"input":"a"})", R"({"model":"omni-moderation-latest","input":"a"})"},
           Row{R"({"input":"a","model":null})", R"({"input":"a","model":"omni-moderation-latest"})"},
           Row{R"({"input":"a","model":"m"})", R"({"input":"a","model":"m"})"},
       }) {
    const auto found = scan(dialect::Endpoint::moderations, row.body);
    EXPECT_EQ(dialect::apply_edits(row.body, dialect::plan_edits(found, {})), row.expected);
  }
  const auto found = scan(dialect::Endpoint::moderations, R"({"input":"a"})");
  dialect::Rewrite mapped;
  mapped.model = "other";
  EXPECT_EQ(dialect::apply_edits(R"({"input":"a"})", dialect::plan_edits(found, mapped)),
            R"({"model":"other","input":"a"})");
}

TEST(Units, ALongCacheIsSeenWhereverItIsAskedFor) {
  for (const std::string_view members : {
           R"("cache_control":{"type":"ephemeral","ttl":"1h"})",
           R"("system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral","ttl":"1h"}}])",
           R"("tools":[{"name":"t","cache_control":{"ttl":"\u0031h","type":"ephemeral"}}])",
           R"("messages":[{"role":"user","content":[{"type":"tool_result","content":[
              {"type":"text","text":"a","cache_control":{"ttl":"1h"}}]}]}])",
       }) {
    EXPECT_TRUE(scan(dialect::Endpoint::messages, R"({"model":"m",)" + std::string(members) + "}").long_cache)
        << members;
  }
  for (const std::string_view members : {
           R"("cache_control":{"type":"ephemeral"})",
           R"("cache_control":null)",
           R"("system":[{"type":"text","text":"ttl 1h","cache_control":{"type":"ephemeral","ttl":"5m"}}])",
           R"("metadata":{"ttl":"1h"})",
       }) {
    EXPECT_FALSE(scan(dialect::Endpoint::messages, R"({"model":"m",)" + std::string(members) + "}").long_cache)
        << members;
  }
}

Price all_units() {
  Price price;
  price.per_request = Credits::from_nano(7);
  price.per_image = Credits::from_nano(40'000'000);
  price.per_character = Rate{15'000'000'000};
  price.per_second = Credits::from_nano(100'000);
  return price;
}

TEST(Units, AreSummedExactly) {
  constexpr auto k_max = std::numeric_limits<std::int64_t>::max();
  struct Row {
    const char* name;
    std::int64_t images, characters, audio_ms, search_units, millionths, nano;
  };
  for (const Row& row : {
           Row{"a request", 0, 0, 0, 0, 1'000'000, 7},
           Row{"search units take its place", 0, 0, 0, 3, 1'000'000, 21},
           Row{"images", 2, 0, 0, 0, 1'000'000, 80'000'007},
           Row{"characters", 0, 3, 0, 0, 1'000'000, 45'007},
           Row{"a millisecond", 0, 0, 1, 0, 1'000'000, 107},
           Row{"all, with a multiplier", 1, 1, 1, 1, 1'500'000, (40'000'000 + 15'000 + 100 + 7) * 3 / 2 + 1},
           Row{"negative counts are none", -1, -1, -1, -1, 1'000'000, 7},
           Row{"saturates", k_max, k_max, k_max, k_max, 1'000'000'000, k_max},
       }) {
    dialect::Usage usage;
    usage.images = row.images;
    usage.characters = row.characters;
    usage.audio_ms = row.audio_ms;
    usage.search_units = row.search_units;
    EXPECT_EQ(cost(all_units(), Multiplier{row.millionths}, usage).nano(), row.nano) << row.name;
  }
}

TEST(Units, AnHourInTheCacheCostsTwiceTheInput) {
  Price price;
  price.input = Rate{3'000'000'000};
  price.cache_write = Rate{3'750'000'000};
  dialect::Usage usage;
  usage.input_tokens = 100;
  usage.cache_write_tokens = 50;
  usage.long_cache_write_tokens = 20;
  EXPECT_EQ(cost(price, {}, usage).nano(), 50 * 3000 + 30 * 3750 + 20 * 6000);
  usage.long_cache_write_tokens = 99;
  EXPECT_EQ(cost(price, {}, usage).nano(), 50 * 3000 + 50 * 6000) << "never more than was written";
  price.cache_write = Rate{9'000'000'000};
  EXPECT_EQ(base_rates(price).cache_write_hour.nano_per_million, 9'000'000'000) << "nor less than what is kept shorter";
  price.other.cache_write_hour = Rate{7'000'000'000};
  EXPECT_EQ(base_rates(price).cache_write_hour.nano_per_million, 7'000'000'000) << "as the price says";
}

TEST(Units, HaveACeiling) {
  dialect::RequestScan asked;
  asked.choices = 3;
  asked.characters = 20;
  asked.documents = 150;
  const Price by_units = all_units();
  EXPECT_EQ(units_ceiling(by_units, dialect::Endpoint::images_generations, 10, asked)->images, 3);
  EXPECT_EQ(units_ceiling(by_units, dialect::Endpoint::audio_speech, 10, asked)->characters, 20);
  EXPECT_EQ(units_ceiling(by_units, dialect::Endpoint::rerank, 199, asked)->search_units, 2);
  EXPECT_EQ(units_ceiling(by_units, dialect::Endpoint::rerank, 200 * 51, asked)->search_units, 3);
  EXPECT_EQ(units_ceiling(by_units, dialect::Endpoint::images_edits, 10, asked)->images, 3);
  EXPECT_EQ(units_ceiling(by_units, dialect::Endpoint::audio_transcriptions, 750 * 60, asked)->audio_ms, 60'001);
  EXPECT_EQ(units_ceiling(by_units, dialect::Endpoint::chat_completions, 10, asked), dialect::Usage{});

  Price by_tokens;
  by_tokens.output = Rate{40'000'000'000};
  EXPECT_EQ(units_ceiling(by_tokens, dialect::Endpoint::images_generations, 10, asked), std::nullopt);
  EXPECT_EQ(units_ceiling(by_tokens, dialect::Endpoint::audio_speech, 10, asked), std::nullopt);
  EXPECT_TRUE(units_ceiling(by_tokens, dialect::Endpoint::chat_completions, 10, asked)) << "its bound is written";
  by_tokens.context_tokens = 1000;
  EXPECT_EQ(units_ceiling(by_tokens, dialect::Endpoint::images_generations, 10, asked)->output_tokens, 3000);
  by_tokens.max_output_tokens = 300;
  EXPECT_EQ(units_ceiling(by_tokens, dialect::Endpoint::images_generations, 10, asked)->output_tokens, 900);
}

TEST(Units, AreHeldWithTheInput) {
  auto price = all_units();
  price.input = Rate{1'000'000};
  price.output = Rate{2'000'000};
  price.output_image_tokens = 50;
  RequestTerms request;
  request.endpoint = dialect::Endpoint::images_generations;
  request.text_tokens = 10;
  dialect::RequestScan scan;
  scan.choices = 2;
  const auto reserve = [&](std::int64_t available) {
    const auto route = RouteCeiling::of(price, {}, request, {.scan = &scan}, 10);
    return size_reservation({request, {route.value()}}, Credits::from_nano(available));
  };
  const auto size = reserve(80'000'217);
  ASSERT_TRUE(size);
  EXPECT_EQ(size->amount.nano(), 10 + 7 + 80'000'000 + 200);
  EXPECT_FALSE(size->write_bound) << "no request can bound them";
  EXPECT_FALSE(reserve(80'000'216));

  price = Price{};
  price.input = price.cache_write = Rate{1'000'000};
  request = RequestTerms{};
  request.text_tokens = 100;
  request.client_bound = 1;
  request.long_cache = true;
  EXPECT_EQ(reserve(1000)->amount.nano(), 200);
}

TEST(Units, APriceMustChargeByWhatAnEndpointIsMeteredBy) {
  Price tokens, image, character, second, request;
  tokens.input = Rate{1};
  image.per_image = Credits::from_nano(1);
  character.per_character = Rate{1};
  second.per_second = Credits::from_nano(1);
  request.per_request = Credits::from_nano(1);
  for (int i = 0; i < dialect::k_endpoint_count; ++i) {
    const auto endpoint = static_cast<dialect::Endpoint>(i);
    const bool free = dialect::is_free(endpoint);
    EXPECT_TRUE(can_meter(Price{}, endpoint)) << "a price of 0 is free";
    EXPECT_TRUE(can_meter(tokens, endpoint));
    EXPECT_TRUE(can_meter(request, endpoint));
    EXPECT_EQ(can_meter(image, endpoint), free || dialect::makes_images(endpoint)) << i;
    EXPECT_EQ(can_meter(character, endpoint), free || endpoint == dialect::Endpoint::audio_speech) << i;
    EXPECT_EQ(can_meter(second, endpoint), free || dialect::hears_sound(endpoint)) << i;
  }
}

// --- answers ---
dialect::Meter read(dialect::Endpoint endpoint, std::string_view body) {
  dialect::Meter meter = dialect::meter_of(endpoint, dialect::UsageEvent::forward);
  meter.observe_body(body);
  return meter;
}

// Of text in, of pictures out.
dialect::Usage of_images(std::int64_t input, std::int64_t output) {
  dialect::Usage usage{input, 0, 0, output};
  usage.image_output_tokens = output;
  return usage;
}

TEST(Units, ImagesOfAnAnswerAreCounted) {
  const auto three = read(dialect::Endpoint::images_generations, R"({"data":[{"url":"a"},{"b64_json":"iVBO"},{}]})");
  EXPECT_EQ(three.images(), 3);
  EXPECT_EQ(three.usage(), std::nullopt);
  EXPECT_EQ(read(dialect::Endpoint::images_generations, R"({"data":[]})").images(), 0);
  EXPECT_EQ(read(dialect::Endpoint::images_generations, R"({"error":{"message":"no"}})").images(), std::nullopt);
  EXPECT_EQ(read(dialect::Endpoint::images_generations, R"({"data":[{"url":"a")").images(), std::nullopt) << "cut";
  EXPECT_EQ(read(dialect::Endpoint::embeddings, R"({"data":[{},{}]})").images(), std::nullopt);
  const auto told = read(dialect::Endpoint::images_generations,
                         R"({"data":[{}],"usage":{"total_tokens":284,"input_tokens":12,"output_tokens":272,
                             "input_tokens_details":{"text_tokens":12,"image_tokens":0}}})");
  EXPECT_EQ(told.usage(), of_images(12, 272));
}

TEST(Units, EachImageOfAStreamBringsItsUsage) {
  dialect::Meter meter = dialect::meter_of(dialect::Endpoint::images_generations, dialect::UsageEvent::forward);
  const auto see = [&meter](std::string_view data) { meter.observe({data, "", data}); };
  see(R"({"type":"image_generation.partial_image","b64_json":"AAAA","partial_image_index":0})");
  EXPECT_EQ(meter.images(), std::nullopt);
  for (int i = 0; i < 2; ++i)
    see(R"({"type":"image_generation.completed","b64_json":"AAAA","usage":{"input_tokens":5,"output_tokens":70}})");
  EXPECT_EQ(meter.images(), 2);
  EXPECT_EQ(meter.usage(), of_images(10, 140));
  EXPECT_FALSE(meter.ended()) << "another image may come";
}

TEST(Units, SumsOfImagesStayPlausible) {
  dialect::Meter meter = dialect::meter_of(dialect::Endpoint::images_generations, dialect::UsageEvent::forward);
  constexpr std::string_view k_data =
      R"({"type":"image_generation.completed","usage":{"input_tokens":1099511627776,"output_tokens":1099511627776}})";
  for (int i = 0; i < 3; ++i) meter.observe({k_data, "", k_data});
  constexpr std::int64_t k_most = std::int64_t{1} << 40;
  EXPECT_EQ(meter.usage(), of_images(k_most, k_most));
}

TEST(Units, SpeechInEventsEndsWithItsUsage) {
  dialect::Meter meter = dialect::meter_of(dialect::Endpoint::audio_speech, dialect::UsageEvent::forward);
  const auto see = [&meter](std::string_view data) { meter.observe({data, "", data}); };
  see(R"({"type":"speech.audio.delta","audio":"AAAA"})");
  EXPECT_FALSE(meter.ended());
  see(R"({"type":"speech.audio.done","usage":{"input_tokens":14,"output_tokens":101,"total_tokens":115}})");
  EXPECT_TRUE(meter.ended());
  dialect::Usage spoken{14, 0, 0, 101};
  spoken.audio_output_tokens = 101;
  EXPECT_EQ(meter.usage(), spoken);
}

TEST(Units, ARerankTellsTokensOrSearchUnits) {
  struct Row {
    const char* name;
    std::string_view body;
    std::optional<dialect::Usage> usage;
    std::optional<std::int64_t> search_units;
  };
  for (const Row& row : {
           Row{"Jina", R"({"results":[],"usage":{"total_tokens":38}})", dialect::Usage{38, 0, 0, 0}, std::nullopt},
           Row{"Voyage", R"({"object":"list","data":[{"index":0}],"usage":{"total_tokens":26}})",
               dialect::Usage{26, 0, 0, 0}, std::nullopt},
           Row{"both fields", R"({"usage":{"prompt_tokens":30,"total_tokens":38}})", dialect::Usage{30, 0, 0, 0},
               std::nullopt},
           Row{"Cohere", R"({"results":[],"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":2}}})",
               std::nullopt, 2},
           Row{"no meta", R"({"results":[],"meta":null})", std::nullopt, std::nullopt},
           Row{"a fraction", R"({"meta":{"billed_units":{"search_units":1.5}}})", std::nullopt, 2},
       }) {
    const auto meter = read(dialect::Endpoint::rerank, row.body);
    EXPECT_EQ(meter.usage(), row.usage) << row.name;
    EXPECT_EQ(meter.search_units(), row.search_units) << row.name;
  }
}

TEST(Units, AnthropicSplitsWhatItWroteToItsCache) {
  struct Row {
    const char* name;
    std::string_view usage;
    std::int64_t written, kept_long;
  };
  for (const Row& row : {
           Row{"both", R"("cache_creation_input_tokens":30,"cache_creation":{"ephemeral_5m_input_tokens":20,
                          "ephemeral_1h_input_tokens":10})",
               30, 10},
           Row{"the split alone", R"("cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":10})",
               30, 10},
           Row{"the sum alone", R"("cache_creation_input_tokens":30)", 30, 0},
           Row{"null", R"("cache_creation_input_tokens":30,"cache_creation":null)", 30, 0},
       }) {
    const std::string body = R"({"usage":{"input_tokens":5,"output_tokens":1,)" + std::string(row.usage) + "}}";
    dialect::Usage expected{5 + row.written, 0, row.written, 1};
    expected.long_cache_write_tokens = row.kept_long;
    EXPECT_EQ(read(dialect::Endpoint::messages, body).usage(), expected) << row.name;
  }
}

}  // namespace
}  // namespace cr::billing
