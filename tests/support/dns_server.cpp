// SPDX-License-Identifier: MIT
#include "support/dns_server.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

namespace cr::test {

namespace {

// RFC 1035, 4.1: a header of twelve bytes, then one question.
constexpr std::size_t k_header_bytes = 12;
constexpr std::uint16_t k_type_a = 1, k_type_aaaa = 28;
constexpr int k_no_such_name = 3;

void append_16(std::string& out, std::uint32_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value));
}

std::string data_of(const std::string& address, std::uint16_t type) {
  const bool is_v6 = address.find(':') != std::string::npos;
  if (is_v6 != (type == k_type_aaaa)) return {};
  char bytes[16];
  if (::inet_pton(is_v6 ? AF_INET6 : AF_INET, address.c_str(), bytes) != 1) return {};
  return {bytes, is_v6 ? 16U : 4U};
}

}  // namespace

DnsServer::DnsServer() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  if (fd_ < 0 || ::bind(fd_, reinterpret_cast<sockaddr*>(&name), size) != 0 ||
      ::getsockname(fd_, reinterpret_cast<sockaddr*>(&name), &size) != 0) {
    throw std::runtime_error("the fake DNS server cannot listen");
  }
  port_ = ntohs(name.sin_port);
  thread_ = std::thread([this] { run(); });
}

DnsServer::~DnsServer() {
  ::shutdown(fd_, SHUT_RDWR);  // wakes the thread, connected or not
  thread_.join();
  ::close(fd_);
}

void DnsServer::set(const std::string& name, DnsRecords records) {
  const std::lock_guard lock(mutex_);
  names_[name] = std::move(records);
}

int DnsServer::asked(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = asked_.find(name);
  return found == asked_.end() ? 0 : found->second;
}

void DnsServer::run() {
  for (;;) {
    char bytes[1500];
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const auto got = ::recvfrom(fd_, bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got <= 0) return;
    const auto answer = answer_to(std::string(bytes, static_cast<std::size_t>(got)));
    if (!answer.empty()) {
      (void)::sendto(fd_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }
}

std::string DnsServer::answer_to(const std::string& query) {
  std::string name;
  std::size_t at = k_header_bytes;
  while (at < query.size() && query[at] != 0) {
    const auto length = static_cast<unsigned char>(query[at]);
    name += (name.empty() ? "" : ".") + query.substr(at + 1, length);
    at += 1U + length;
  }
  if (at + 5 > query.size()) return {};
  const auto question = query.substr(k_header_bytes, at + 5 - k_header_bytes);
  const auto type = static_cast<std::uint16_t>((static_cast<unsigned char>(query[at + 1]) << 8) |
                                               static_cast<unsigned char>(query[at + 2]));
  const std::lock_guard lock(mutex_);
  if (type == k_type_a) ++asked_[name];
  const auto found = names_.find(name);
  if (found != names_.end() && found->second.silent) return {};
  std::string records;
  std::uint32_t count = 0;
  for (const auto& address : found == names_.end() ? std::vector<std::string>() : found->second.addresses) {
    const auto data = data_of(address, type);
    if (data.empty()) continue;
    ++count;
    append_16(records, 0xc00c);  // the question's name
    append_16(records, type);
    append_16(records, 1);
    append_16(records, found->second.ttl_s >> 16);
    append_16(records, found->second.ttl_s & 0xffff);
    append_16(records, static_cast<std::uint32_t>(data.size()));
    records += data;
  }
  std::string answer = query.substr(0, 2);
  append_16(answer, 0x8180U | (found == names_.end() ? k_no_such_name : 0U));
  append_16(answer, 1);
  append_16(answer, count);
  append_16(answer, 0);
  append_16(answer, 0);
  return answer + question + records;
}

}  // namespace cr::test
