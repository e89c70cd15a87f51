// SPDX-License-Identifier: MIT
// BusyClients: several clients that send plain and streamed requests of every price (priced_bodies.h), one after the
// other each, until crd is gone. Each request carries a mark in `idempotency-key`, which a provider gets to see: it
// ties an answer to the witness's record.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace cr::test {

struct SentRequest {
  std::string mark;
  int status = 0;          // 0 = no head came
  std::string request_id;  // crd's, of the head
  bool whole = false;      // the answer came to its proper end
};

class BusyClients {
 public:
  struct Options {
    int port = 0;
    std::vector<std::string> keys;
    int clients = 4;
    std::uint32_t seed = 0;
  };
  explicit BusyClients(Options options);
  ~BusyClients();
  BusyClients(const BusyClients&) = delete;
  BusyClients& operator=(const BusyClients&) = delete;

  void wait_for_heads(std::size_t count);  // until so many answers have begun, or all clients have ended
  std::vector<SentRequest> sent();         // waits until crd is gone and they have noticed
  const std::string& trouble() const { return trouble_; }  // what should not happen, after sent(); empty if nothing

 private:
  void run(int number);
  bool send_one(class RawClient& client, const std::string& mark, std::mt19937& random);
  void note_head();

  const Options options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<SentRequest> sent_;
  std::string trouble_;
  std::size_t heads_ = 0;
  int running_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace cr::test
