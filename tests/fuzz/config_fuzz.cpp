// SPDX-License-Identifier: MIT
// crd.toml: whatever stands in it is taken or refused with a sentence fit for a terminal; what is taken says the same
// when it is shown and read again, and keeps to the limits between keys.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.h"
#include "check.h"
#include "server/config/config.h"

namespace {

using namespace cr::server::config;

void check_together(const Config& config) {
  CR_CHECK(!config.listen.empty() && !config.state_dir.empty() && !config.admin_socket.empty());
  CR_CHECK(config.admin_socket.size() <= 107 || config.admin_socket.starts_with(config.state_dir));
  CR_CHECK(config.workers >= 0 && config.limits.connections_max >= 1);
  CR_CHECK(config.relay.body_bytes_max <= config.relay.memory / 2 &&
           config.relay.event_bytes_max <= config.relay.memory / 4);
  CR_CHECK(config.limits.head.head_bytes_max >= config.limits.head.field_bytes_max);
  CR_CHECK(config.tls.cert.empty() == config.tls.key.empty());
  CR_CHECK(config.relay.trust_proxies == !config.trusted_proxies.empty());
  CR_CHECK(!config.key_prefix.empty() && config.key_prefix.size() <= 16);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Surroundings around{false, {}, {}, {}, "/home/someone"};
  const auto config = parse_config(text, "crd.toml", around);
  if (!config) {
    const auto& error = config.error();
    CR_CHECK(!error.message.empty() && error.message.size() < 2000);
    CR_CHECK(cr::base::escape_for_terminal(error.message) == error.message);
    CR_CHECK(cr::base::escape_for_terminal(error.hint) == error.hint);
    return 0;
  }
  check_together(*config);
  const auto shown = show_config(*config);
  const auto again = parse_config(shown, "crd.toml", around);
  CR_CHECK(again.has_value());
  CR_CHECK(show_config(*again) == shown);
  CR_CHECK(check_reload(*config, *again).has_value());
  return 0;
}
