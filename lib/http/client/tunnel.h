// SPDX-License-Identifier: MIT
// A tunnel through an HTTP proxy: CONNECT (RFC 9110, 9.3.6). Its answer is read strictly and into bounded room.
// Worker thread; the deadline is the caller's, who cancels the socket.
#pragma once

#include <string>

#include "base/result.h"
#include "base/url.h"
#include "http/dns/egress_policy.h"
#include "http/net/net.h"

namespace cr::http::client {

// Whether a proxy may be asked for this host: it resolves names itself, so what is or means a private address by its
// text alone (127.0.0.1, 127.1, 0x7f000001, localhost) is `forbidden` here unless `privates` allows it.
base::Result<void> check_tunnel_host(const std::string& host, dns::PrivateAddresses privates);

// On a socket connected to the proxy. Then the next byte on it is the target's. `upstream` tells what was answered.
Task<base::Result<void>> open_tunnel(Socket& socket, const base::Url& target);

}  // namespace cr::http::client
