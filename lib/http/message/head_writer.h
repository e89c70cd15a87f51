// SPDX-License-Identifier: MIT
// HeadWriter: appends the head of an HTTP/1.1 message to a string the caller keeps, so that a warm string never
// allocates. What would break out of its place (a line end in a value, a blank in a target) is refused: false, nothing
// written. One thread; `out` outlives the writer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace cr::http::message {

class HeadWriter {
 public:
  explicit HeadWriter(std::string& out) : out_(out) {}

  void status_line(int status);  // 100 to 999
  bool request_line(std::string_view method, std::string_view target, std::string_view target_rest = {});
  bool field(std::string_view name,
             std::string_view value);  // refused: a name that is no token; CR, LF, NUL in a value
  bool field(std::string_view name, std::uint64_t number);
  // A value in two parts, so that a credential need not be copied together: "Bearer " and the key.
  bool field(std::string_view name, std::string_view scheme, std::string_view rest);
  void end();  // the blank line

 private:
  std::string& out_;
};

// "Not Found"; of a status we never send, its class: "Client Error".
std::string_view reason_phrase(int status);

// IMF-fixdate (RFC 9110, 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT". Made once a second and thread; the view holds until
// the thread asks for another second.
std::string_view http_date(base::Time time);

}  // namespace cr::http::message
