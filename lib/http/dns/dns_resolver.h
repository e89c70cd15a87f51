// SPDX-License-Identifier: MIT
// DnsResolver: resolves names by the hosts file and DNS, on a thread of its own with its own event loop, for all
// workers. Remembers answers as long as their records say, within the limits of NameCache, and failures for a moment;
// those who ask for one name at once share one query. Any thread may ask. Ends before the loops of those who wait: a
// late answer is posted to one of them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "http/dns/name_cache.h"

namespace cr::http::dns {

class DnsResolver {
 public:
  // `upstream` if the name does not resolve or no server can be reached, `timeout` if none answered, `unavailable` if
  // too much is asked at once or the library cannot be set up. Messages go on from "the upstream's": "name does not
  // resolve: ...".
  using Done = std::function<void(const base::Result<Addresses>& answer)>;

  // `servers`: "127.0.0.1:53", "[::1]:53"; none = those of /etc/resolv.conf, read again when it has changed and no
  // query is under way.
  static base::Result<std::unique_ptr<DnsResolver>> start(std::vector<std::string> servers);
  ~DnsResolver();  // who still waits is not answered
  DnsResolver(const DnsResolver&) = delete;
  DnsResolver& operator=(const DnsResolver&) = delete;

  // `done` is called once, or never if this ends first, on the thread of this object: it must hand the answer on, and
  // not block. The addresses come in the order of RFC 6724.
  void look_up(std::string_view name, Done done);

 private:
  struct Impl;
  explicit DnsResolver(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cr::http::dns
