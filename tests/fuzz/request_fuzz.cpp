// SPDX-License-Identifier: MIT
// Request bodies: the scanner's verdict against another parser's, and every splice against a second scan.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "billing/reservation.h"
#include "check.h"
#include "dialect/request_scan.h"
#include "provider/echo.h"

namespace {

using namespace cr::billing;
using namespace cr::dialect;
using namespace cr::provider;
using nlohmann::json;

// The other parser's verdict. Numbers beyond a double's range are JSON all the same; it stops at them.
struct Verdict final : nlohmann::json_sax<json> {
  bool valid = true;
  bool stopped_at_number = false;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    valid = false;
    stopped_at_number = error.id == 406;
    return false;
  }
};

void check_refused(const Refusal& refusal, std::string_view body) {
  CR_CHECK(row_of(refusal.code).status == 400);
  CR_CHECK(!refusal.message.empty());
  CR_CHECK(json::accept(error_body(refusal, Dialect::openai, "req")));
  CR_CHECK(json::accept(error_body(refusal, Dialect::anthropic, "req")));
  if (refusal.code != RefusalCode::invalid_json) return;
  // Ours refuses more than the grammar does: a byte order mark, depth, and documents that are no object.
  if (body.starts_with("\xef\xbb\xbf") || refusal.message.find("nested") != std::string::npos) return;
  // The other parser takes a NUL for the end.
  if (body.find('\0') != std::string_view::npos) return;
  const json other = json::parse(body, nullptr, false);
  CR_CHECK(!other.is_object());
}

bool is_inside(const Span& span, std::string_view body) {
  return span.begin < span.end && span.end <= body.size();
}

void check_spans(const RequestScan& scan, std::string_view body) {
  const auto text = [body](const Span& span) { return body.substr(span.begin, span.end - span.begin); };
  if (scan.model_value) CR_CHECK(is_inside(*scan.model_value, body));
  if (scan.names_model) CR_CHECK(scan.model_value && body[scan.model_value->begin] == '"');
  CR_CHECK(body[scan.first_member - 1] == '{');
  CR_CHECK(!scan.model.empty() && scan.model.size() <= 256);
  CR_CHECK(scan.choices >= 1 && scan.messages >= 0);
  if (scan.bound_value) CR_CHECK(text(*scan.bound_value) == std::to_string(scan.output_bound.value()));
  if (scan.stream_options_value) CR_CHECK(is_inside(*scan.stream_options_value, body));
}

void check_edits(RequestScanner& scanner, Endpoint endpoint, const RequestScan& scan, std::string_view body) {
  Rewrite rewrite;
  rewrite.model = "a \"model\"\n";
  rewrite.output_bound = 17;
  rewrite.bound_field = endpoint == Endpoint::responses ? "max_output_tokens" : "max_tokens";
  // Where text comes out, it has a bound and a stream with usage.
  const bool of_text = output_of(endpoint) == Output::text && !takes_form(endpoint);
  if (!of_text) rewrite.output_bound.reset();
  rewrite.ask_for_usage = of_text;
  const auto edits = plan_edits(scan, rewrite);
  for (std::size_t i = 1; i < edits.size(); ++i) CR_CHECK(edits[i - 1].place.end <= edits[i].place.begin);
  const std::string edited = apply_edits(body, edits);
  CR_CHECK(edited.size() == edited_size(body, edits));
  // Where the API has a model of its own for a request without one, that model is written.
  if (scan.names_model) CR_CHECK(apply_edits(body, plan_edits(scan, Rewrite{})) == body);

  const auto again = scanner.scan(endpoint, edited);
  CR_CHECK(again.has_value());
  CR_CHECK(again->model == *rewrite.model);
  if (of_text) CR_CHECK(again->output_bound == 17 && again->include_usage == true);
  if (!of_text) CR_CHECK(again->output_bound == scan.output_bound && again->include_usage == scan.include_usage);
  CR_CHECK(again->stream == scan.stream && again->choices == scan.choices && again->messages == scan.messages);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static RequestScanner scanner;
  const auto endpoint = static_cast<Endpoint>(data[0] % k_endpoint_count);
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto scan = scanner.scan(endpoint, body);
  if (!scan) {
    check_refused(scan.error(), body);
    return 0;
  }
  Verdict other;
  json::sax_parse(body, &other);
  CR_CHECK(other.valid || other.stopped_at_number);
  check_spans(*scan, body);
  check_edits(scanner, endpoint, *scan, body);
  CR_CHECK(text_tokens_ceiling(body.size(), *scan) + scan->image_bytes + scan->sound_bytes >
           static_cast<std::int64_t>(body.size()));
  if (echo_answers(endpoint)) CR_CHECK(!echo_answer(endpoint, body, *scan, "id", {}).pieces.empty());
  return 0;
}
