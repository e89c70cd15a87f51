// SPDX-License-Identifier: MIT
// What the fake upstream was told to do wrong, and what it has seen: shared by its connections. Thread-safe.
//
// POST /control takes one behaviour or an array of them; each serves `times` requests (default 1, -1 = for ever), the
// first that matches is used up first. Members, all optional:
//   model, endpoint, authorization_end   serve only these ("fake-a", "chat/completions", the key's last four)
//   contains, bound_over   serve only requests whose body has this text in it, whose output bound is above that
//   status, body, headers, content_type   answer this instead (headers: object)
//   events               a stream of these texts instead, byte for byte (array)
//   raw                  write these bytes and close (not even HTTP, if you like)
//   head_delay_ms, event_delay_ms
//   cut_after            close after N events (-1 = before the head; of a plain answer after N bytes); "reset": true =
//   by RST
//   silent_after         say nothing more after N events or bytes, in the same way, until the client leaves; of a
//   stream that has no more events than that, after its last error_after          an error event after N events, then
//   the end usage: false, done: false   leave out the usage, the [DONE] gzip: true           compress the (plain)
//   answer flood_events, flood_bytes   a stream begins with so many events of so many bytes, numbered, before its usual
//   ones; what the socket holds of them is little, so that they stand still soon after the reader does blob_bytes each
//   "{blob}" in `body` and `events` stands for so many letters A billed: false        nobody worked on it: nothing is
//   consumed works_on: true       it is made to its end whoever leaves: all of it is consumed from the start tier the
//   service tier that answers, whatever was asked for answers_as           the model that answers instead of the asked
//   one, at its own price close: true          close after a complete answer without having said so piece_bytes,
//   piece_delay_ms   write the answer in pieces deployments: true    be a provider of which only
//   /v1/deployments/MODEL/chat/completions?api-version=... and
//   .../embeddings are there (else 404), for who sends an api-key (else 401); `store` in a body is refused (400)
//   early: true          answer before the body is read, and read none of it; "stop_reading": true: do not answer
//   either
//
// What crd asks by itself, by its User-Agent, is counted apart, as "probes": nothing else of it is in the counts, no
// gate holds it, and it meets only behaviours that are for ever. It is billed apart, and so are tests of channels,
// which are told by their words alone.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "support/fake_bill.h"
#include "support/fake_model.h"
#include "support/http_server.h"

namespace cr::test {

struct Behaviour {
  std::int64_t times = 1;
  std::string model, endpoint, authorization_end, contains, tier, answers_as;
  std::optional<std::int64_t> bound_over;
  std::optional<int> status;
  std::optional<std::string> body, raw;
  std::map<std::string, std::string> headers;
  std::string content_type;
  std::optional<std::vector<std::string>> events;
  std::chrono::milliseconds head_delay{0}, event_delay{0}, piece_delay{0};
  std::optional<std::int64_t> cut_after, silent_after, error_after;
  bool reset = false, usage = true, done = true, gzip = false, close = false, early = false, stop_reading = false;
  bool billed = true, works_on = false;
  bool deployments = false;
  std::size_t blob_bytes = 0, piece_bytes = 0, flood_events = 0, flood_bytes = 0;

  static Behaviour from_json(const nlohmann::json& json);  // throws std::invalid_argument that names an unknown member
};

// One request, as the witness keeps it. `consumed` is what a provider would have done the work for, so far; `ending` is
// empty while it runs, then complete, refused, gone, cut, silent, error or raw.
struct Witnessed {
  std::uint64_t id = 0;
  std::string endpoint, model, authorization_end, ending;
  std::optional<std::int64_t> bound;
  bool stream = false;
  bool probe = false;
  bool own = false;  // a probe, or a test of a channel
  int status = 0;
  std::int64_t flood = 0;  // events of it that went into the socket
  FakeUsage consumed;
  FakeSale sale;
  std::shared_ptr<const FakeBill> prices;  // as they were when it came
  std::int64_t bill() const { return prices->of(sale, consumed); }
  std::optional<FakeUsage> reported;
  HttpRequest request;
  std::string answer_id() const;   // the x-request-id of its answer: unique
  nlohmann::json to_json() const;  // without headers and body
};

// The event of a flood, for whoever wants to know that it came as it was sent.
std::string flood_event(std::size_t number, std::size_t bytes);

class World {
 public:
  void add(Behaviour behaviour);
  Behaviour take(const Witnessed& seen);
  std::optional<Behaviour> take_early(const std::string& endpoint);
  void reset();                                    // bills stay: nobody's debts are forgotten
  void change_price(const nlohmann::json& price);  // {"model": "m", "--input": "1"}: FakeBill::change

  // The record of a request that has come. It is kept true ahead of the bytes: what a client can have seen is counted.
  std::uint64_t arrive(Witnessed seen);
  void note_head();     // a request whose body is still to come
  void note_partial();  // one whose body broke off: it does not arrive
  void note(std::uint64_t id, const std::function<void(Witnessed&)>& change);

  // A closed gate holds every answer before its head (after = -1) or after N events, until it is opened.
  void close_gate(std::int64_t after);
  void open_gate();
  bool pass_gate(std::int64_t at, const Wire& wire);  // false when the client left first

  nlohmann::json tally() const;
  nlohmann::json requests() const;
  nlohmann::json request(std::uint64_t id) const;
  // Of everything since the start, in nano-dollars: {"requests": N, "own": N, "running": N, "answers": [{"id":
  // "req_...", "bill": N, "whole": true}]}. A whole answer is one that was sent to its end and told its usage.
  nlohmann::json bill() const;
  // Until each named count is at least that; false at the deadline.
  bool wait_for(const std::map<std::string, std::int64_t>& least, std::chrono::milliseconds deadline);

 private:
  std::map<std::string, std::int64_t> counts() const;
  // Without what a reset has put out of sight.
  // (Clang 14 cannot read a std::ranges::subrange of GCC 12's library.)
  struct Sight {
    std::map<std::uint64_t, Witnessed>::const_iterator from, to;
    auto begin() const { return from; }
    auto end() const { return to; }
  };
  Sight in_sight() const { return {seen_.upper_bound(forgotten_), seen_.end()}; }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Behaviour> behaviours_;
  std::map<std::uint64_t, Witnessed> seen_;
  std::uint64_t last_id_ = 0, forgotten_ = 0;
  std::shared_ptr<const FakeBill> prices_ = std::make_shared<const FakeBill>();
  std::int64_t held_ = 0;
  std::int64_t heads_ = 0, partial_ = 0;
  bool gate_closed_ = false;
  std::int64_t gate_after_ = -1;
};

}  // namespace cr::test
