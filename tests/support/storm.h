// SPDX-License-Identifier: MIT
// Storm: many requests at once, each on a connection of its own, from one thread. All connections stand before the
// first byte of a request is sent, so that the requests come as close together as a machine can send them.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace cr::test {

// Whole requests with "Connection: close" (storm_request), one each; how many got which status (0 = no answer).
// Throws std::runtime_error past k_deadline.
std::map<int, int> storm(int port, const std::vector<std::string>& requests);
std::string storm_request(const std::string& key, const std::string& json,
                          const std::string& path = "/v1/chat/completions");

}  // namespace cr::test
