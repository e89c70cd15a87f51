// SPDX-License-Identifier: MIT
// EgressPolicy: names to the addresses a worker may connect to. DnsResolver are asked for on another thread; what comes
// back is judged here, and connected to without asking again. One a worker; worker thread only.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "http/dns/dns_resolver.h"
#include "http/net/net.h"

namespace cr::http::dns {

enum class PrivateAddresses { refuse, allow };

class EgressPolicy {
 public:
  struct Wait;
  // A look-up under way, for who may want to end it from another coroutine of the worker.
  class LookUp {
   public:
    void cancel();

   private:
    friend class EgressPolicy;
    std::shared_ptr<Wait> wait_;
  };

  EgressPolicy(asio::io_context& io, DnsResolver& names) : io_(io), names_(names) {}
  // Addresses in the order of RFC 6724. `upstream` if the name has none or cancel() came first, `forbidden` if all are
  // loopback, private, link-local or metadata addresses and `privates` refuses them, `timeout` at the deadline, and
  // what DnsResolver fails by. Messages go on from "the upstream's": "name does not resolve: ...".
  Task<base::Result<std::vector<asio::ip::tcp::endpoint>>> resolve(const std::string& host, std::uint16_t port,
                                                                   PrivateAddresses privates,
                                                                   std::chrono::milliseconds timeout, LookUp& look_up);

 private:
  asio::io_context& io_;
  DnsResolver& names_;
};

// What of these may be connected to; `forbidden` if nothing is left. A mapped, translated or tunnelled form of a
// private address is private too.
base::Result<std::vector<asio::ip::tcp::endpoint>> permitted(std::vector<asio::ip::tcp::endpoint> endpoints,
                                                             PrivateAddresses privates);

}  // namespace cr::http::dns
