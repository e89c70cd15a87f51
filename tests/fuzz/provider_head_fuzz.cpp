// SPDX-License-Identifier: MIT
// Heads of providers' answers: the same verdict however the bytes are cut, where a body ends told in one way only, and
// what is accepted says the same when it is written again.
#include <cstdint>
#include <string>
#include <string_view>

#include "head_checks.h"

namespace {

using namespace cr::http::message;
using namespace cr::fuzz;

bool has_no_body(int status) {
  return status < 200 || status == 204 || status == 304;
}

void check_again(const ResponseHead& head) {
  if (head.minor_version != 1) return;
  std::string line;
  HeadWriter(line).status_line(head.status);
  const auto text = written(line, head);
  ResponseHead again;
  read_written<ResponseHeadParser>(text, head, again);
  CR_CHECK(again.status == head.status);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] % 32 + std::size_t{1};
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  ResponseHead head;
  if (!check_steps<ResponseHeadParser>(bytes, step, head)) return 0;
  CR_CHECK(head.status >= 100 && head.status <= 599);
  CR_CHECK(head.minor_version == 0 || head.minor_version == 1);
  if (has_no_body(head.status)) CR_CHECK(!head.chunked && head.content_length == 0U);
  // Without a length the end of the connection is the end of the body: nothing can follow.
  if (!head.chunked && !head.content_length) CR_CHECK(!head.keep_alive);
  check_again(head);
  return 0;
}
