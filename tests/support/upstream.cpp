// SPDX-License-Identifier: MIT
#include "support/upstream.h"

#include <csignal>
#include <stdexcept>
#include <vector>

namespace cr::test {

namespace {

std::vector<std::string> command(const FakeUpstream::Options& options) {
  std::vector<std::string> argv{CR_TEST_FAKE_UPSTREAM};
  if (options.port != 0) argv.insert(argv.end(), {"--port", std::to_string(options.port)});
  if (!options.tally_file.empty()) argv.insert(argv.end(), {"--tally", options.tally_file});
  return argv;
}

}  // namespace

FakeUpstream::FakeUpstream(const Options& options) : process_({.argv = command(options), .env = {}, .directory = {}}) {
  const auto line = process_.wait_for_line(Stream::out, "listening ");
  if (!line) throw std::runtime_error("fake_upstream did not start: " + process_.err());
  port_ = std::stoi(line->substr(line->rfind(' ') + 1));
}

void FakeUpstream::kill9() {
  process_.signal(SIGKILL);
  process_.wait();
}

std::string FakeUpstream::url() const {
  return "http://127.0.0.1:" + std::to_string(port_) + "/v1";
}

void FakeUpstream::behave(const nlohmann::json& behaviour) {
  control("POST", "/control", behaviour.dump());
}
void FakeUpstream::reset() {
  control("POST", "/control/reset", "");
}
void FakeUpstream::close_gate(std::int64_t after) {
  control("POST", "/control/gate", nlohmann::json{{"after", after}}.dump());
}
void FakeUpstream::open_gate() {
  control("POST", "/control/open", "");
}
nlohmann::json FakeUpstream::tally() {
  return control("GET", "/control/tally", "");
}
nlohmann::json FakeUpstream::requests() {
  return control("GET", "/control/requests", "");
}

nlohmann::json FakeUpstream::bill() {
  return control("GET", "/control/bill", "");
}
void FakeUpstream::change_price(const nlohmann::json& price) {
  control("POST", "/control/price", price.dump());
}

nlohmann::json FakeUpstream::wait_for(const std::string& count, std::int64_t least) {
  auto answer = control("GET", "/control/wait?timeout_ms=30000&" + count + "=" + std::to_string(least), "");
  if (!answer["reached"].get<bool>())
    throw std::runtime_error("the fake upstream never counted " + std::to_string(least) + " " + count + ": " +
                             answer.dump());
  return answer;
}

nlohmann::json FakeUpstream::control(const std::string& method, const std::string& path, const std::string& body) {
  HttpClient client(port_);
  const auto answer = client.call(method, path, body, {});
  if (answer.status != 200) throw std::runtime_error(method + " " + path + ": " + answer.error + answer.body);
  return nlohmann::json::parse(answer.body);
}

}  // namespace cr::test
