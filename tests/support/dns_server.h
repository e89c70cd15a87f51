// SPDX-License-Identifier: MIT
// DnsServer: answers for the names a test gave it, by UDP on loopback. A name it was not told of does not exist.
// A thread of its own.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace cr::test {

struct DnsRecords {
  std::vector<std::string> addresses;  // v4 and v6
  std::uint32_t ttl_s = 60;
  bool silent = false;  // asked, it says nothing
};

class DnsServer {
 public:
  DnsServer();
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  void set(const std::string& name, DnsRecords records);
  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int asked(const std::string& name) const;  // queries for its A record

 private:
  void run();
  std::string answer_to(const std::string& query);

  int fd_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::map<std::string, DnsRecords> names_;
  std::map<std::string, int> asked_;
  std::thread thread_;
};

}  // namespace cr::test
