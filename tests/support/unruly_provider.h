// SPDX-License-Identifier: MIT
// UnrulyProvider: a provider, plain or over TLS, that answers in every way that connections can be answered in: in
// pieces, twice, too long, too short, late, without a length, not at all. Each answer carries the nonce ("nonce-17") of
// the request it belongs to, and so does what is sent beyond it, so that whoever gets another's can tell. Threads of
// its own.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "support/certificates.h"
#include "support/server_peer.h"
#include "support/tcp_listener.h"

namespace cr::test {

// What it does with one request. Those of the first group leave the connection good for the next request; those of the
// second end it; those of the third say more than they were asked for.
enum class Manner {
  sized,
  chunked,
  dribbled,
  halves,
  early_hints,
  many_interims,
  event_stream,
  http_1_0_kept,
  no_content,
  no_content_of_a_stream,
  key_update,  // over TLS; else as sized

  no_length,
  http_1_0,
  says_close,
  closes_unsaid,
  not_modified,
  too_short,
  chunks_unended,
  closes_before,
  resets_before,
  resets_inside,
  interim_then_close,
  early_refusal,

  twice,
  twice_late,
  byte_more,
  byte_late,
  too_long,
  behind_chunks,
  behind_a_stream,
  behind_no_content,
  no_content_with_a_body,
  at_the_edge,
  at_the_edge_late,
  idle_408,
  idle_interim,
};
inline constexpr int k_manners = static_cast<int>(Manner::idle_interim) + 1;
std::string name_of(Manner manner);
inline bool keeps(Manner manner) {
  return manner < Manner::no_length;
}
inline bool says_more(Manner manner) {
  return manner >= Manner::twice;
}

class UnrulyProvider {
 public:
  // Without a certificate it speaks plain HTTP. `seed`: of the manners of requests that none was named for.
  UnrulyProvider(const std::optional<Certificate>& certificate, std::uint32_t seed);
  ~UnrulyProvider();
  UnrulyProvider(const UnrulyProvider&) = delete;
  UnrulyProvider& operator=(const UnrulyProvider&) = delete;

  std::string url() const;
  void next(Manner manner);  // of the next request that comes
  // Until so many requests have been answered, and all that was to be said beyond it is in the peer's socket.
  void wait_done(std::size_t requests);
  std::size_t requests() const;
  std::size_t connections() const;
  // Nonces of requests that came right behind something that nobody had asked for: no peer can have seen it in time.
  std::set<std::string> raced() const;
  // Nonces of requests that came on a connection long after something had been said there that nobody had asked for.
  std::set<std::string> trusting() const;

 private:
  struct Said;
  void serve(int fd);
  bool serve_one(ServerPeer& peer, Said& said);
  std::optional<Manner> read_request(ServerPeer& peer, std::string& request);
  Manner take_manner();

  const std::shared_ptr<ssl_ctx_st> tls_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Manner> named_;
  std::mt19937 random_;
  std::size_t done_ = 0, requests_ = 0, connections_ = 0;
  std::set<std::string> raced_, trusting_;
  std::unique_ptr<TcpListener> listener_;
};

// The first "nonce-17" in `text`; empty if there is none.
std::string nonce_in(std::string_view text);

}  // namespace cr::test
