// SPDX-License-Identifier: MIT
// Pulse: a stream that stands still. The comments it gets are its worker's pulse: between two of them the worker has
// looked at all its clients and deadlines. With `workers = 1` and `comment_interval = "1s"`.
#pragma once

#include "integration/gateway.h"

namespace cr::test {

class Pulse {
 public:
  explicit Pulse(Gateway& gateway) : client_(gateway.daemon.listener()) {
    gateway.upstream.behave({{"model", "fake-b"}, {"silent_after", 1}});
    const auto key = gateway.token("pulse", {"--quota", "1"});
    client_.send(raw_request("POST", "/v1/chat/completions", key, chat("fake-b", {{"stream", true}}).dump()));
    head_ = *client_.read_head();
    client_.read_event(head_);
  }
  void wait(int beats = 2) {
    for (; beats > 0; --beats) EXPECT_EQ(client_.read_event(head_), ":\n\n");
  }

 private:
  RawClient client_;
  RawHead head_;
};

}  // namespace cr::test
