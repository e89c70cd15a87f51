// SPDX-License-Identifier: MIT
// Request and response heads: the same verdict however the bytes are cut, and nothing out of bounds in what is
// accepted.
#include <cstdint>
#include <string>
#include <string_view>

#include "check.h"
#include "http/head.h"

namespace {

using namespace cr::http;

constexpr HeadLimits k_limits{256, 256, 2048, 20};

// Feeds the bytes in steps, as a connection would, until there is a verdict.
template <class Parser, class Head>
HeadResult parse_in_steps(std::string_view bytes, std::size_t step, Head& head) {
  Parser parser(k_limits);
  HeadResult result;
  std::size_t seen = 0;
  for (std::size_t have = std::min(step, bytes.size());; have = std::min(have + step, bytes.size())) {
    result = parser.parse(bytes.substr(0, have), seen, head);
    seen = have;
    if (result.state != HeadState::need_more || have == bytes.size()) return result;
  }
}

bool points_into(std::string_view part, std::string_view bytes) {
  return part.empty() || (part.data() >= bytes.data() && part.data() + part.size() <= bytes.data() + bytes.size());
}

template <class Head>
void check_fields(const Head& head, std::string_view bytes) {
  CR_CHECK(head.fields.size() <= k_limits.fields_max);
  CR_CHECK(!(head.chunked && head.content_length));
  for (const Field& field : head.fields) {
    CR_CHECK(!field.name.empty() && points_into(field.name, bytes) && points_into(field.value, bytes));
    CR_CHECK(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
    CR_CHECK(field.name.find_first_of(std::string_view("\r\n\0 \t:", 6)) == std::string_view::npos);
  }
}

template <class Parser, class Head>
bool check_steps(std::string_view bytes, std::size_t step, Head& head) {
  const HeadResult whole = parse_in_steps<Parser>(bytes, bytes.size() + 1, head);
  Head in_steps;
  const HeadResult stepped = parse_in_steps<Parser>(bytes, step, in_steps);
  CR_CHECK(whole.state == stepped.state);
  if (whole.state == HeadState::refused) CR_CHECK(whole.status == stepped.status && !whole.reason.empty());
  if (whole.state != HeadState::complete) return false;
  CR_CHECK(whole.bytes == stepped.bytes && whole.bytes <= bytes.size());
  CR_CHECK(head.fields.size() == in_steps.fields.size());
  CR_CHECK(head.content_length == in_steps.content_length && head.chunked == in_steps.chunked);
  check_fields(head, bytes);
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] % 32 + std::size_t{1};
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  RequestHead request;
  if (check_steps<RequestHeadParser>(bytes, step, request)) {
    // An absolute target without a path means "/", which stands nowhere in the bytes.
    CR_CHECK((request.path == "/" || points_into(request.path, bytes)) && points_into(request.query, bytes));
    CR_CHECK(request.minor_version == 0 || request.minor_version == 1);
    CR_CHECK(request.count("content-length") <= 1 && request.count("host") <= 1);
  }
  ResponseHead response;
  if (check_steps<ResponseHeadParser>(bytes, step, response)) {
    CR_CHECK(response.status >= 100 && response.status <= 999);
  }
  return 0;
}
