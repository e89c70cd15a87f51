// SPDX-License-Identifier: MIT
#include "integration/busy_clients.h"

#include <exception>
#include <nlohmann/json.hpp>
#include <optional>

#include "integration/priced_bodies.h"
#include "support/client.h"

namespace cr::test {

BusyClients::BusyClients(Options options) : options_(std::move(options)), running_(options_.clients) {
  for (int number = 0; number < options_.clients; ++number) threads_.emplace_back([this, number] { run(number); });
}

BusyClients::~BusyClients() {
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void BusyClients::wait_for_heads(std::size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return heads_ >= count || running_ == 0; });
}

std::vector<SentRequest> BusyClients::sent() {
  for (auto& thread : threads_) thread.join();
  return sent_;
}

void BusyClients::note_head() {
  const std::lock_guard lock(mutex_);
  ++heads_;
  changed_.notify_all();
}

void BusyClients::run(int number) {
  std::mt19937 random(options_.seed * 100 + static_cast<std::uint32_t>(number));
  std::optional<RawClient> client;
  try {
    client.emplace(options_.port);
  } catch (const std::exception&) {
    // Killed before this one got to it.
  }
  try {
    const std::string name = std::to_string(options_.seed) + '-' + std::to_string(number) + '-';
    for (int i = 0; client && send_one(*client, name + std::to_string(i), random); ++i) continue;
  } catch (const std::exception& error) {
    const std::lock_guard lock(mutex_);
    trouble_ = error.what();
  }
  const std::lock_guard lock(mutex_);
  --running_;
  changed_.notify_all();
}

// False: the connection is gone.
bool BusyClients::send_one(RawClient& client, const std::string& mark, std::mt19937& random) {
  const auto below = [&](std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
  };
  const auto [path, body] = priced_body(random, 44);
  const auto& key = options_.keys[below(options_.keys.size())];
  SentRequest sent{.mark = mark, .request_id = {}};
  const bool went = client.send(raw_request("POST", path, key, body.dump(), "Idempotency-Key: " + mark + "\r\n"));
  const auto head = went ? client.read_head() : std::nullopt;
  if (head) {
    sent.status = head->status;
    sent.request_id = head->header("x-request-id");
    note_head();
    if (head->header("transfer-encoding") == "chunked") {
      while (client.read_event(*head)) continue;
    } else {
      client.read_body(*head);
    }
    sent.whole = client.clean_end();
  }
  const std::lock_guard lock(mutex_);
  sent_.push_back(sent);
  return sent.whole;
}

}  // namespace cr::test
