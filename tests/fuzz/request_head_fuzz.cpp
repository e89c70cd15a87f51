// SPDX-License-Identifier: MIT
// Heads of requests: the same verdict however the bytes are cut, nothing out of bounds in what is accepted, and what is
// accepted says the same when it is written again.
#include <cstdint>
#include <string>
#include <string_view>

#include "head_checks.h"

namespace {

using namespace cr::http::message;
using namespace cr::fuzz;

// The writer speaks HTTP/1.1 only, where a missing Host is refused and connections are kept.
void check_again(const RequestHead& head) {
  std::string line;
  CR_CHECK(HeadWriter(line).request_line(head.method_text, head.target));
  if (head.minor_version != 1) return;
  const auto text = written(line, head);
  RequestHead again;
  read_written<RequestHeadParser>(text, head, again);
  CR_CHECK(again.method_text == head.method_text && again.method == head.method && again.target == head.target);
  CR_CHECK(again.path == head.path && again.query == head.query && again.expect_continue == head.expect_continue);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] % 32 + std::size_t{1};
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  RequestHead head;
  if (!check_steps<RequestHeadParser>(bytes, step, head)) return 0;
  // An absolute target without a path means "/", which stands nowhere in the bytes.
  CR_CHECK((head.path == "/" || points_into(head.path, bytes)) && points_into(head.query, bytes));
  CR_CHECK(head.path.starts_with('/') || (head.path == "*" && head.method == Method::options));
  CR_CHECK(head.minor_version == 0 || head.minor_version == 1);
  CR_CHECK(head.count("content-length") <= 1 && head.count("transfer-encoding") <= 1);
  CR_CHECK(head.count("host") <= 1 && head.count("authorization") <= 1);
  CR_CHECK(!(head.chunked && head.minor_version == 0));
  check_again(head);
  return 0;
}
