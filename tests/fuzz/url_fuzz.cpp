// SPDX-License-Identifier: MIT
// Base addresses of providers: what is accepted is a host, a port and a path that can stand in a request as they are,
// and its canonical text means the same again.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/text.h"
#include "base/url.h"
#include "check.h"
#include "http/message/head_fields.h"
#include "http/message/head_writer.h"

using cr::base::IpAddress;
using cr::base::Scheme;
using cr::base::Url;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto url = Url::parse(text);
  if (!url) {
    CR_CHECK(cr::base::escape_for_terminal(url.error().message) == url.error().message);
    return 0;
  }
  CR_CHECK(url->port != 0 && !url->host.empty() && !url->path.ends_with('/'));
  if (url->host.find(':') != std::string::npos) CR_CHECK(IpAddress::parse(url->host).has_value());
  CR_CHECK(cr::http::message::is_host_and_port(url->authority()));

  std::string head;
  cr::http::message::HeadWriter writer(head);
  CR_CHECK(writer.request_line("POST", url->path, "/chat/completions") && writer.field("Host", url->authority()));

  const std::string scheme = url->scheme == Scheme::https ? "https://" : "http://";
  const auto again = Url::parse(scheme + url->authority() + url->path);
  CR_CHECK(again.has_value());
  CR_CHECK(again->scheme == url->scheme && again->host == url->host);
  CR_CHECK(again->port == url->port && again->path == url->path);
  return 0;
}
