// SPDX-License-Identifier: MIT
// FakeShelf: the responses that the fake provider keeps, each for the key that made it: asked for by another one, it is
// not there. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "support/fake_call.h"
#include "support/http_server.h"

namespace cr::test {

class FakeShelf {
 public:
  // What an answer of "responses" leaves behind.
  void keep(const std::string& key, const FakeAnswer& answer);
  // What is wrong with the previous response that a request names; nothing if it names none, or one that is here.
  std::optional<FakeAnswer> complaint(const std::string& key, const Json& request);
  // Of a request below "responses/".
  FakeAnswer answer(const std::string& key, const HttpRequest& request, const std::string& endpoint);

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Json> kept_;  // key, id
};

}  // namespace cr::test
