// SPDX-License-Identifier: MIT
// Forms: the reader says the same however the bytes are cut; contents and the bytes between them add up to the form;
// the scanner's model is where it says; a renamed form is again one, with the new name.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "check.h"
#include "dialect/openai/form_scan.h"

namespace {

using namespace cr::dialect;
using namespace cr::dialect::openai;

struct Part {
  std::string name, content;
  std::uint64_t begin = 0;
  bool operator==(const Part&) const = default;
};

struct Read {
  std::vector<Part> parts;
  bool refused = false, done = false;
  bool operator==(const Read&) const = default;
};

Read read(std::string_view body, std::size_t piece) {
  MultipartReader reader("b");
  Read out;
  while (!body.empty() && !out.refused) {
    const auto input = body.substr(0, piece);
    const auto step = reader.step(input);
    CR_CHECK(step.consumed <= input.size());
    CR_CHECK(step.consumed > 0 || step.state == PartState::data);
    body.remove_prefix(step.consumed);
    if (step.state == PartState::head) out.parts.push_back({reader.head().name, {}, reader.offset()});
    if (step.state == PartState::data) out.parts.back().content.append(step.data);
    out.refused = step.state == PartState::refused;
    if (out.refused) CR_CHECK(!reader.reason().empty());
  }
  out.done = reader.done();
  return out;
}

std::optional<Refusal> scan(FormScanner& scanner, std::string_view body, std::size_t piece) {
  while (!body.empty()) {
    if (auto refusal = scanner.push(body.substr(0, piece))) return refusal;
    body.remove_prefix(std::min(piece, body.size()));
  }
  return scanner.finish();
}

void check_scan(std::string_view body, std::size_t piece) {
  FormScanner whole("b"), pieces("b");
  const auto refusal = scan(whole, body, body.size());
  const auto other = scan(pieces, body, piece);
  CR_CHECK(refusal.has_value() == other.has_value());
  if (refusal) {
    CR_CHECK(refusal->code == other->code && refusal->message == other->message);
    CR_CHECK(row_of(refusal->code).status == 400);
    return;
  }
  const auto& found = whole.scan();
  CR_CHECK(found.model == pieces.scan().model && found.stream == pieces.scan().stream);
  CR_CHECK(found.model_value->begin == pieces.scan().model_value->begin);
  CR_CHECK(body.substr(found.model_value->begin, found.model_value->end - found.model_value->begin) == found.model);
  CR_CHECK(!found.model.empty() && found.model.size() <= 256 && found.choices >= 1);
  Rewrite rewrite;
  rewrite.model = "another";
  FormScanner again("b");
  const auto renamed = apply_edits(body, plan_form_edits(found, rewrite));
  CR_CHECK(!scan(again, renamed, renamed.size()));
  CR_CHECK(again.scan().model == "another" && again.scan().choices == found.choices);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = data[0] % 64 + std::size_t{1};
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = read(body, body.size());
  CR_CHECK(whole == read(body, piece));
  for (const auto& part : whole.parts) {
    CR_CHECK(body.substr(part.begin, part.content.size()) == part.content);
    CR_CHECK(part.content.find("\r\n--b") == std::string::npos);
  }
  check_scan(body, piece);

  const std::string type(body);
  if (const auto boundary = multipart_boundary("multipart/form-data; " + type)) {
    CR_CHECK(!boundary->empty() && boundary->size() <= 70);
    CR_CHECK(multipart_boundary(multipart_content_type(*boundary)) == *boundary);
  }
  return 0;
}
