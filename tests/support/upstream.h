// SPDX-License-Identifier: MIT
// FakeUpstream: the fake_upstream program, started, and its control endpoint as functions. JSON as text; one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "support/client.h"
#include "support/process.h"

namespace cr::test {

class FakeUpstream {
 public:
  struct Options {
    int port = 0;            // 0 = a free one
    std::string tally_file;  // gets a line for each ended request; outlives the process
  };
  FakeUpstream() : FakeUpstream(Options{}) {}
  explicit FakeUpstream(const Options& options);  // throws std::runtime_error
  void kill9();
  int port() const { return port_; }
  std::string url() const;  // http://127.0.0.1:PORT/v1

  void behave(const nlohmann::json& behaviour);  // fake_behaviour.h
  void reset();
  void close_gate(std::int64_t after = -1);
  void open_gate();
  nlohmann::json tally();
  nlohmann::json requests();
  nlohmann::json bill();  // World::bill, fake_behaviour.h
  void change_price(const nlohmann::json& price);
  // The tally once `count` ("arrived", "held", "finished", "gone", ...) is at least `least`; throws past the deadline.
  nlohmann::json wait_for(const std::string& count, std::int64_t least);

 private:
  nlohmann::json control(const std::string& method, const std::string& path, const std::string& body);

  Process process_;
  int port_;
};

}  // namespace cr::test
