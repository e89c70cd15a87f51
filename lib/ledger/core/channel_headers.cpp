// SPDX-License-Identifier: MIT
// Which headers a channel may add to its requests.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "ledger/core/channel_rules.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::size_t k_headers_max = 16;
constexpr std::size_t k_header_bytes_max = 4096;  // all of them, names and values

enum class Why { written, framing, credential, client };
struct Reserved {
  std::string_view name;
  Why why;
};
constexpr std::array k_reserved{
    Reserved{"host", Why::written},
    Reserved{"user-agent", Why::written},
    Reserved{"content-type", Why::written},
    Reserved{"accept-encoding", Why::written},
    Reserved{"anthropic-version", Why::written},
    Reserved{"content-length", Why::framing},
    Reserved{"content-encoding", Why::framing},
    Reserved{"content-range", Why::framing},
    Reserved{"transfer-encoding", Why::framing},
    Reserved{"connection", Why::framing},
    Reserved{"keep-alive", Why::framing},
    Reserved{"proxy-connection", Why::framing},
    Reserved{"te", Why::framing},
    Reserved{"trailer", Why::framing},
    Reserved{"upgrade", Why::framing},
    Reserved{"http2-settings", Why::framing},
    Reserved{"expect", Why::framing},
    Reserved{"range", Why::framing},
    Reserved{"authorization", Why::credential},
    Reserved{"proxy-authorization", Why::credential},
    Reserved{"x-api-key", Why::credential},
    Reserved{"api-key", Why::credential},
    Reserved{"x-goog-api-key", Why::credential},
    Reserved{"cookie", Why::credential},
    Reserved{"set-cookie", Why::credential},
    Reserved{"accept", Why::client},
    Reserved{"idempotency-key", Why::client},
};

tl::unexpected<base::Error> bad_header(std::string_view name, const std::string& why, std::string hint = {}) {
  return base::fail(ErrorCode::invalid, "header '" + base::escape_for_terminal(name.substr(0, 64)) + "': " + why,
                    std::move(hint));
}

Result<void> check_not_reserved(std::string_view name) {
  const auto* found =
      std::find_if(k_reserved.begin(), k_reserved.end(), [&](const Reserved& row) { return row.name == name; });
  if (found == k_reserved.end()) return {};
  switch (found->why) {
    case Why::written:
      return bad_header(name, "crd writes it itself", "leave it out");
    case Why::framing:
      return bad_header(name, "it decides how the message is framed or answered, which is crd's to say",
                        "leave it out");
    case Why::credential:
      return bad_header(name, "it carries a credential, and headers are shown to everyone who may see channels",
                        "set the provider's key with: crctl channel set-key");
    case Why::client:
      return bad_header(name, "it is each client's own and is passed on", "leave it out");
  }
  return {};
}

// tchar of RFC 9110, 5.6.2, in lower case.
bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

Result<void> check_header(const std::string& name, const std::string& value) {
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_name_byte)) {
    return bad_header(name, "not a header's name", "write it like 'Name: value'");
  }
  if (auto checked = check_not_reserved(name); !checked) return checked;
  const bool visible = std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (value.empty() || !visible || value.front() == ' ' || value.back() == ' ') {
    return bad_header(name, "its value is empty, has blanks around it, or bytes that are not visible ASCII");
  }
  return {};
}

}  // namespace

Result<void> check_headers(const std::map<std::string, std::string>& headers) {
  if (headers.size() > k_headers_max) {
    return base::fail(ErrorCode::invalid, "headers: more than " + std::to_string(k_headers_max));
  }
  std::size_t bytes = 0;
  for (const auto& [name, value] : headers) {
    bytes += name.size() + value.size();
    if (auto checked = check_header(name, value); !checked) return checked;
  }
  if (bytes <= k_header_bytes_max) return {};
  return base::fail(ErrorCode::invalid,
                    "headers: over " + std::to_string(k_header_bytes_max) + " bytes of names and values together");
}

}  // namespace cr::ledger
