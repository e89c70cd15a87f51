// SPDX-License-Identifier: MIT
#include "support/unruly_provider.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <utility>

namespace cr::test {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A request that comes this long after a surplus was in its sender's socket was sent by somebody who did not look. Far
// above what a peer needs, and what a busy machine may keep it from looking.
constexpr milliseconds k_race{500};
constexpr milliseconds k_late{20};
constexpr std::size_t k_edge = std::size_t{16} * 1024;  // of crd's receive buffer, and of a TLS record

struct Step {
  std::string bytes;
  milliseconds after{0};
  bool surplus = false;
};

struct Script {
  std::vector<Step> steps;
  enum class End { keep, close, reset } end = End::keep;
  bool key_update = false;
};

std::string body_of(const std::string& nonce) {
  return R"({"id":"x","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":")" +
         nonce +
         R"("},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30}})";
}

std::string head_of(const std::string& framing, const std::string& status = "200 OK",
                    const std::string& type = "application/json", const std::string& version = "1.1") {
  return "HTTP/" + version + " " + status + "\r\nContent-Type: " + type + "\r\n" + framing + "\r\n";
}
std::string length_of(const std::string& body) {
  return "Content-Length: " + std::to_string(body.size()) + "\r\n";
}
std::string sized(const std::string& nonce) {
  return head_of(length_of(body_of(nonce))) + body_of(nonce);
}

std::string chunk(const std::string& bytes) {
  std::array<char, 32> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
  return size.data() + bytes + "\r\n";
}
const std::string k_chunked = "Transfer-Encoding: chunked\r\n";

std::string chunked(const std::string& nonce) {
  const auto body = body_of(nonce);
  return head_of(k_chunked) + chunk(body.substr(0, 9)) + chunk(body.substr(9)) + "0\r\n\r\n";
}
std::string stream(const std::string& nonce) {
  return head_of(k_chunked, "200 OK", "text/event-stream") + chunk("data: " + body_of(nonce) + "\n\n") +
         chunk("data: [DONE]\n\n") + "0\r\n\r\n";
}
// So long that it ends where the buffer does that it is read into.
std::string at_edge(const std::string& nonce) {
  auto body = body_of(nonce);
  const auto digits = std::string("Content-Length: 16000\r\n");
  body.insert(1, k_edge - head_of(digits).size() - body.size(), ' ');
  return head_of(length_of(body)) + body;
}

Script keeping(Manner manner, const std::string& nonce) {
  const auto whole = sized(nonce);
  Script script;
  switch (manner) {
    case Manner::chunked:
      script.steps = {{chunked(nonce)}};
      break;
    case Manner::dribbled:
      for (const char byte : whole) script.steps.push_back({std::string(1, byte)});
      break;
    case Manner::halves:
      script.steps = {{whole.substr(0, whole.size() / 2)}, {whole.substr(whole.size() / 2), k_late}};
      break;
    case Manner::early_hints:
      script.steps = {{"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"}, {whole, milliseconds(2)}};
      break;
    case Manner::many_interims:
      for (int i = 0; i < 20; ++i) script.steps.push_back({"HTTP/1.1 102 Processing\r\n\r\n"});
      script.steps.push_back({whole});
      break;
    case Manner::event_stream:
      script.steps = {{stream(nonce)}};
      break;
    case Manner::http_1_0_kept:
      script.steps = {
          {head_of("Connection: keep-alive\r\n" + length_of(body_of(nonce)), "200 OK", "application/json", "1.0") +
           body_of(nonce)}};
      break;
    case Manner::no_content:
      script.steps = {{"HTTP/1.1 204 No Content\r\n\r\n"}};
      break;
    case Manner::no_content_of_a_stream:
      script.steps = {{head_of("", "204 No Content", "text/event-stream")}};
      break;
    default:
      script.steps = {{whole}};
      script.key_update = manner == Manner::key_update;
  }
  return script;
}

Script ending(Manner manner, const std::string& nonce) {
  const auto whole = sized(nonce);
  const auto body = body_of(nonce);
  Script script;
  script.end = Script::End::close;
  switch (manner) {
    case Manner::no_length:
      script.steps = {{head_of("") + body}};
      break;
    case Manner::http_1_0:
      script.steps = {{head_of("", "200 OK", "application/json", "1.0") + body}};
      break;
    case Manner::says_close:
      script.steps = {{head_of("Connection: close\r\n" + length_of(body)) + body}};
      break;
    case Manner::not_modified:
      script.steps = {{head_of(length_of(body), "304 Not Modified")}};
      break;
    case Manner::too_short:
      script.steps = {{whole.substr(0, whole.size() - 7)}};
      break;
    case Manner::chunks_unended:
      script.steps = {{head_of(k_chunked) + chunk(body)}};
      break;
    case Manner::resets_before:
      script.end = Script::End::reset;
      break;
    case Manner::resets_inside:
      script.steps = {{whole.substr(0, whole.size() - 9)}};
      script.end = Script::End::reset;
      break;
    case Manner::interim_then_close:
      script.steps = {{"HTTP/1.1 103 Early Hints\r\n\r\n"}};
      break;
    case Manner::early_refusal:
      script.steps = {{head_of(length_of(body), "400 Bad Request") + body}};
      break;
    case Manner::closes_before:
      break;
    default:
      script.steps = {{whole}};
  }
  return script;
}

Script saying_more(Manner manner, const std::string& nonce) {
  const auto whole = sized(nonce);
  const auto together = [](const std::string& answer, const std::string& more) {
    return std::vector<Step>{{answer}, {more, milliseconds(0), true}};
  };
  const auto later = [](const std::string& answer, const std::string& more) {
    return std::vector<Step>{{answer}, {more, k_late, true}};
  };
  Script script;
  switch (manner) {
    case Manner::twice_late:
      script.steps = later(whole, whole);
      break;
    case Manner::byte_more:
      script.steps = together(whole, "H");
      break;
    case Manner::byte_late:
      script.steps = later(whole, "\n");
      break;
    case Manner::too_long:
      script.steps = together(whole, R"(,"more":")" + nonce + "\"}");
      break;
    case Manner::behind_chunks:
      script.steps = together(chunked(nonce), whole);
      break;
    case Manner::behind_a_stream:
      script.steps = together(stream(nonce), stream(nonce));
      break;
    case Manner::behind_no_content:
      script.steps = together("HTTP/1.1 204 No Content\r\n\r\n", whole);
      break;
    case Manner::no_content_with_a_body:
      script.steps = together(head_of(length_of(body_of(nonce)), "204 No Content"), body_of(nonce));
      break;
    case Manner::at_the_edge:
      script.steps = together(at_edge(nonce), whole);
      break;
    case Manner::at_the_edge_late:
      script.steps = later(at_edge(nonce), whole);
      break;
    case Manner::idle_408:
      script.steps = later(whole, head_of("Connection: close\r\nContent-Length: 0\r\n", "408 Request Timeout"));
      script.end = Script::End::close;
      break;
    case Manner::idle_interim:
      script.steps = later(whole, "HTTP/1.1 100 Continue\r\n\r\n");
      break;
    default:
      script.steps = together(whole, whole);
  }
  return script;
}

Script script_of(Manner manner, const std::string& nonce) {
  if (says_more(manner)) return saying_more(manner, nonce);
  return keeps(manner) ? keeping(manner, nonce) : ending(manner, nonce);
}

}  // namespace

std::string nonce_in(std::string_view text) {
  constexpr std::string_view k_begin = "nonce-";
  const auto at = text.find(k_begin);
  if (at == std::string_view::npos) return {};
  const auto end = text.find_first_not_of("0123456789", at + k_begin.size());
  return std::string(text.substr(at, end - at));
}

std::string name_of(Manner manner) {
  constexpr std::array<const char*, k_manners> k_names{
      "sized",         "chunked",           "dribbled",          "halves",
      "early_hints",   "many_interims",     "event_stream",      "http_1_0_kept",
      "no_content",    "no_content_stream", "key_update",        "no_length",
      "http_1_0",      "says_close",        "closes_unsaid",     "not_modified",
      "too_short",     "chunks_unended",    "closes_before",     "resets_before",
      "resets_inside", "interim_close",     "early_refusal",     "twice",
      "twice_late",    "byte_more",         "byte_late",         "too_long",
      "behind_chunks", "behind_a_stream",   "behind_no_content", "no_content_with_a_body",
      "at_the_edge",   "at_the_edge_late",  "idle_408",          "idle_interim"};
  return k_names.at(static_cast<std::size_t>(manner));
}

namespace {

// crd's own question whether it is there: answered well, and not counted.
bool is_probe(const std::string& request) {
  return request.substr(0, request.find("\r\n\r\n")).find("(probe)") != std::string::npos;
}

}  // namespace

// What was said on a connection that nobody had asked for.
struct UnrulyProvider::Said {
  bool counted = false;  // the connection: by its first request, since it may be crd's own question
  bool more = false;
  bool late = false;  // apart from the answer: a request may have been on its way already
  Clock::time_point at;
};

UnrulyProvider::UnrulyProvider(const std::optional<Certificate>& certificate, std::uint32_t seed)
    : tls_(certificate ? ServerPeer::context_of(*certificate) : nullptr), random_(seed) {
  listener_ = std::make_unique<TcpListener>([this](int fd) { serve(fd); });
}

UnrulyProvider::~UnrulyProvider() {
  listener_.reset();
}

std::string UnrulyProvider::url() const {
  return (tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(listener_->port()) + "/v1";
}

void UnrulyProvider::next(Manner manner) {
  const std::lock_guard lock(mutex_);
  named_.push_back(manner);
}

void UnrulyProvider::wait_done(std::size_t requests) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, std::chrono::seconds(30), [&] { return done_ >= requests; }))
    throw std::runtime_error("the unruly provider was not asked often enough");
}

std::size_t UnrulyProvider::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}
std::size_t UnrulyProvider::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}
std::set<std::string> UnrulyProvider::raced() const {
  const std::lock_guard lock(mutex_);
  return raced_;
}
std::set<std::string> UnrulyProvider::trusting() const {
  const std::lock_guard lock(mutex_);
  return trusting_;
}

Manner UnrulyProvider::take_manner() {
  const std::lock_guard lock(mutex_);
  if (named_.empty()) return static_cast<Manner>(std::uniform_int_distribution<int>(0, k_manners - 1)(random_));
  const auto manner = named_.front();
  named_.pop_front();
  return manner;
}

void UnrulyProvider::serve(int fd) {
  ServerPeer peer(fd, tls_.get());
  if (!peer.accept()) return;
  Said said;
  while (serve_one(peer, said)) continue;
}

// A request, with its body unless it is to be answered early. Nothing: the peer has left.
std::optional<Manner> UnrulyProvider::read_request(ServerPeer& peer, std::string& request) {
  std::optional<Manner> manner;
  std::size_t wanted = std::string::npos;
  std::array<char, 4096> bytes{};
  while (request.size() < wanted) {
    const auto got = peer.read(bytes.data(), bytes.size());
    if (got <= 0) return std::nullopt;
    request.append(bytes.data(), static_cast<std::size_t>(got));
    const auto end = request.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    if (!manner) manner = is_probe(request) ? Manner::sized : take_manner();
    if (manner == Manner::early_refusal) break;
    const auto length = request.find("content-length: ");
    wanted = end + 4 + (length < end ? std::stoul(request.substr(length + 16)) : 0);
  }
  return manner;
}

bool UnrulyProvider::serve_one(ServerPeer& peer, Said& said) {
  std::string request;
  const auto read = read_request(peer, request);
  if (!read) return false;
  const auto manner = *read;
  const auto nonce = nonce_in(request);
  const auto script = script_of(manner, nonce);
  if (is_probe(request)) {
    for (const auto& step : script.steps) peer.write(step.bytes);
    peer.say_goodbye();
    return false;
  }
  {
    const std::lock_guard lock(mutex_);
    ++requests_;
    if (!std::exchange(said.counted, true)) ++connections_;
    const bool raced = said.late && Clock::now() - said.at < k_race;
    if (said.more) (raced ? raced_ : trusting_).insert(nonce);
  }
  // All that comes at once leaves at once.
  bool alive = true;
  peer.cork(true);
  for (const auto& step : script.steps) {
    if (step.after.count() > 0) {
      peer.cork(false);
      if (step.surplus && peer.has_come(step.after)) break;
      if (!step.surplus) std::this_thread::sleep_for(step.after);
      peer.cork(true);
    }
    alive = alive && peer.write(step.bytes);
    if (step.surplus) said = {true, true, step.after.count() > 0, Clock::now()};
    if (manner == Manner::dribbled) peer.cork(false);
  }
  if (script.key_update) peer.update_key();
  peer.cork(false);
  said.at = Clock::now();
  const bool keep = alive && script.end == Script::End::keep;
  if (!keep && script.end == Script::End::reset) peer.end_by_reset();
  if (!keep && script.end != Script::End::reset) peer.say_goodbye();
  const std::lock_guard lock(mutex_);
  ++done_;
  changed_.notify_all();
  return keep;
}

}  // namespace cr::test
