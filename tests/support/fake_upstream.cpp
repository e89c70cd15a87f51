// SPDX-License-Identifier: MIT
// fake_upstream [--port N] [--tally FILE]: a provider for tests, as a process of its own, so that its count is an
// independent witness. Prints "listening PORT", then serves OpenAI's and Anthropic's endpoints (with or without /v1)
// and:
//   POST /control            behaviours (fake_behaviour.h)      POST /control/reset    forget behaviours and counts
//   GET  /control/tally      counts                             GET  /control/requests each request, headers and body
//   GET  /control/bill       what it charges (World::bill)      POST /control/price    another price (fake_bill.h)
//   POST /control/gate {"after": N}   hold answers: before the head, or after N events; POST /control/open lets them go
//   GET  /control/wait?arrived=3&held=1&timeout_ms=30000   until the counts are reached; "reached" says if they were
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <stdexcept>
#include <utility>

#include "support/deflated.h"
#include "support/fake_behaviour.h"
#include "support/fake_call.h"
#include "support/fake_model.h"
#include "support/fake_shelf.h"
#include "support/http_server.h"

namespace cr::test {
namespace {

using Json = nlohmann::json;

std::string chunk(std::string_view bytes) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + std::string(bytes) + "\r\n";
}

// One answer on its way out. Every step may end it.
class Answering {
 public:
  Answering(World& world, std::uint64_t id, const Behaviour& behaviour, FakeAnswer answer, Wire& wire, bool probe)
      : world_(world), id_(id), behaviour_(behaviour), answer_(std::move(answer)), wire_(wire), probe_(probe) {}

  After run() {
    if (behaviour_.events) {
      answer_.stream = true;
      answer_.events.clear();
      for (const auto& text : *behaviour_.events) answer_.events.push_back({with_blob(text), 0});
    }
    status_ = behaviour_.status.value_or(answer_.status);
    note([&](Witnessed& seen) {
      seen.status = status_;
      id_text_ = seen.answer_id();
    });
    begin_work();
    if ((!probe_ && !world_.pass_gate(-1, wire_)) || !wire_.pause(behaviour_.head_delay)) return end_with("gone");
    if (behaviour_.cut_after == -1) return cut();
    if (behaviour_.silent_after == -1) return fall_silent();
    if (behaviour_.raw) return end_with(send(*behaviour_.raw) ? "raw" : "gone");
    return streams() ? run_stream() : run_plain();
  }

 private:
  bool accepted() const { return status_ < 300; }
  bool streams() const { return answer_.stream && accepted() && !behaviour_.body; }

  // From here on it costs: what was sent is read at once, and what is asked of it made as its events say.
  void begin_work() {
    if (!accepted() || !behaviour_.billed || behaviour_.body || behaviour_.raw) return;
    note([&](Witnessed& seen) {
      seen.sale = answer_.sale;
      seen.consumed = answer_.usage;
      if (behaviour_.works_on) return;
      seen.consumed.output = 0;
      if (!answer_.stream) return;
      seen.consumed.input -= answer_.usage.searches * k_found;
      seen.consumed.searches = 0;
    });
  }
  void work_for(const FakeEvent& event) {
    if (!behaviour_.billed || behaviour_.works_on) return;
    note([&](Witnessed& seen) {
      seen.consumed.output += event.output_tokens;
      seen.consumed.searches += event.searches;
      seen.consumed.input += event.searches * k_found;
    });
  }

  std::string head(const std::string& framing) const {
    std::string type = streams() ? "text/event-stream" : accepted() ? answer_.content_type : "application/json";
    if (!behaviour_.content_type.empty()) type = behaviour_.content_type;
    std::string text = "HTTP/1.1 " + std::to_string(status_) + " " + std::string(reason_of(status_));
    text += "\r\nContent-Type: " + type + "\r\nx-request-id: " + id_text_ + "\r\nset-cookie: fake=1\r\n" + framing;
    for (const auto& [name, value] : behaviour_.headers) text += name + ": " + value + "\r\n";
    return text + "\r\n";
  }

  std::string with_blob(std::string text) const {
    constexpr std::string_view k_blob = "{blob}";
    const auto at = behaviour_.blob_bytes == 0 ? std::string::npos : text.find(k_blob);
    return at == std::string::npos ? text : text.replace(at, k_blob.size(), behaviour_.blob_bytes, 'A');
  }

  After run_plain() {
    std::string body = behaviour_.body ? with_blob(*behaviour_.body) : answer_.body;
    std::string framing;
    if (behaviour_.gzip) {
      body = gzip(body);
      framing = "Content-Encoding: gzip\r\n";
    }
    framing += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    const bool modelled = accepted() && !behaviour_.body;
    if (modelled) note([&](Witnessed& seen) { seen.consumed.output = answer_.usage.output; });
    if (behaviour_.cut_after) {
      send(head(framing) + body.substr(0, static_cast<std::size_t>(*behaviour_.cut_after)));
      return cut();
    }
    if (behaviour_.silent_after) {
      send(head(framing) + body.substr(0, static_cast<std::size_t>(*behaviour_.silent_after)));
      return fall_silent();
    }
    complete(modelled);
    return send(head(framing) + body) ? after_complete() : end_with("gone");
  }

  After run_stream() {
    if (!send(head("Transfer-Encoding: chunked\r\n")) || !send_flood()) return end_with("gone");
    std::int64_t at = 0;
    for (const auto& event : answer_.events) {
      if (at > 0 && !wire_.pause(behaviour_.event_delay)) return end_with("gone");
      if (!world_.pass_gate(at, wire_) || wire_.peer_gone()) return end_with("gone");
      if (behaviour_.cut_after == at) return cut();
      if (behaviour_.silent_after == at) return fall_silent();
      if (behaviour_.error_after == at) return break_off();
      work_for(event);
      if (static_cast<std::size_t>(++at) == answer_.events.size() && !behaviour_.cut_after)
        complete(!behaviour_.events);
      if (!send(chunk(event.text))) return end_with("gone");
    }
    if (behaviour_.cut_after) return cut();
    if (behaviour_.silent_after) return fall_silent();
    return send("0\r\n\r\n") ? after_complete() : end_with("gone");
  }

  bool send_flood() {
    const int little = 16 * 1024;
    if (behaviour_.flood_events > 0) ::setsockopt(wire_.fd(), SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
    for (std::size_t at = 0; at < behaviour_.flood_events; ++at) {
      if (!send(chunk(flood_event(at, behaviour_.flood_bytes)))) return false;
      note([](Witnessed& seen) { ++seen.flood; });
    }
    return true;
  }

  bool send(std::string_view bytes) {
    const std::size_t piece = behaviour_.piece_bytes ? behaviour_.piece_bytes : bytes.size();
    while (!bytes.empty()) {
      if (!wire_.write(bytes.substr(0, piece))) return false;
      bytes.remove_prefix(std::min(piece, bytes.size()));
      if (!bytes.empty() && !wire_.pause(behaviour_.piece_delay)) return false;
    }
    return true;
  }

  void note(const std::function<void(Witnessed&)>& change) { world_.note(id_, change); }

  void complete(bool modelled) {
    note([&](Witnessed& seen) {
      if (modelled && answer_.usage_told) seen.reported = answer_.usage;
      seen.ending = accepted() ? "complete" : "refused";
    });
  }
  After after_complete() const { return behaviour_.close ? After::close : After::keep; }

  After cut() {
    if (behaviour_.reset) wire_.reset();
    return end_with("cut");
  }

  After fall_silent() {
    wire_.wait([] { return false; });
    return end_with("silent");
  }

  After break_off() {
    const std::string error = fake_error("chat/completions", "server_error", "the fake broke");
    send(chunk("data: " + error + "\n\n") + "0\r\n\r\n");
    return end_with("error");
  }

  After end_with(const char* ending) {
    note([&](Witnessed& seen) { seen.ending = ending; });
    return After::close;
  }

  World& world_;
  const std::uint64_t id_;
  const Behaviour& behaviour_;
  FakeAnswer answer_;
  Wire& wire_;
  const bool probe_;
  int status_ = 0;
  std::string id_text_;
};

class Upstream {
 public:
  explicit Upstream(int tally_fd) : tally_fd_(tally_fd) {}

  // Before the body is read; true: answered, or never to be.
  bool serve_early(const HttpRequest& head, Wire& wire) {
    if (head.path().starts_with("/control") || is_probe(head)) return false;
    world_.note_head();
    const auto behaviour = world_.take_early(endpoint_of(head));
    if (!behaviour) return false;
    Witnessed seen;
    seen.request = head;
    seen.endpoint = endpoint_of(head);
    const auto id = world_.arrive(std::move(seen));
    if (!behaviour->stop_reading) Answering(world_, id, *behaviour, FakeAnswer(), wire, false).run();
    wire.wait([] { return false; });  // closing on unread bytes would reset the answer away
    if (behaviour->stop_reading) world_.note(id, [](Witnessed& ended) { ended.ending = "gone"; });
    return true;
  }

  After serve(const HttpRequest& request, Wire& wire) {
    const std::string path = request.path();
    if (path.starts_with("/control")) return control(path, request, wire);
    if (!request.whole) {
      world_.note_partial();
      return After::close;
    }
    const std::string endpoint = endpoint_of(request);
    Witnessed seen;
    seen.request = request;
    seen.endpoint = endpoint;
    seen.probe = is_probe(request);
    if (endpoint.starts_with("models")) return list_models(wire, std::move(seen));
    const auto body = request_json(endpoint, request.body);
    seen.own = seen.probe || is_channel_test(body);
    if (body.is_object() && body.contains("model") && body["model"].is_string()) seen.model = body["model"];
    const std::string key(request.header(endpoint.starts_with("messages") ? "x-api-key" : "authorization"));
    seen.authorization_end = key.substr(key.size() - std::min<std::size_t>(4, key.size()));
    const Behaviour behaviour = world_.take(seen);
    FakeAnswer answer =
        behaviour.deployments ? deployment_answer(seen, behaviour) : provider_answer(endpoint, key, request, behaviour);
    shelf_.keep(key, answer);
    seen.bound = answer.bound;
    seen.stream = answer.stream;
    const bool probe = seen.probe;
    const auto id = world_.arrive(std::move(seen));
    const After after = Answering(world_, id, behaviour, std::move(answer), wire, probe).run();
    if (!probe) write_tally(world_.request(id));
    return after;
  }

 private:
  static bool is_probe(const HttpRequest& request) {
    return request.header("user-agent").find("(probe)") != std::string_view::npos;
  }

  // An administrator's test of a channel is as any request, but for what it says.
  static bool is_channel_test(const Json& body) {
    static const Json k_said = Json::array({{{"role", "user"}, {"content", "ping"}}});
    return body.is_object() && body.contains("messages") && body["messages"] == k_said;
  }

  static std::string endpoint_of(const HttpRequest& request) {
    const auto path = request.path();
    return path.starts_with("/v1/") ? path.substr(4) : path.substr(1);
  }

  static FakeAnswer refuse(int status, const std::string& type, const std::string& message) {
    FakeAnswer refusal;
    refusal.status = status;
    refusal.body = fake_error("chat/completions", type, message);
    return refusal;
  }

  // The model of "deployments/fake-a/chat/completions" is in the path; that of the body is of no account.
  static FakeAnswer deployment_answer(Witnessed& seen, const Behaviour& behaviour) {
    constexpr std::string_view k_prefix = "deployments/";
    const auto& request = seen.request;
    const auto path = std::exchange(seen.endpoint, {});
    const auto end = std::min(path.find('/', k_prefix.size()), path.size());
    if (path.starts_with(k_prefix)) seen.endpoint = path.substr(std::min(end + 1, path.size()));
    const bool there = seen.endpoint == "chat/completions" || seen.endpoint == "embeddings";
    if (!there || request.query("api-version").empty()) return refuse(404, "not_found", "Resource not found");
    seen.model = path.substr(k_prefix.size(), end - k_prefix.size());
    const auto key = request.header("api-key");
    seen.authorization_end = key.substr(key.size() - std::min<std::size_t>(4, key.size()));
    if (key.empty()) return refuse(401, "authentication_error", "no api-key");
    auto body = request_json(seen.endpoint, request.body);
    if (body.contains("store")) return refuse(400, "invalid_request_error", "unknown member: store");
    body["model"] = seen.model;
    return model_answer(seen.endpoint, body.dump(), behaviour);
  }

  FakeAnswer provider_answer(const std::string& endpoint, const std::string& key, const HttpRequest& request,
                             const Behaviour& behaviour) {
    const bool versioned = !endpoint.starts_with("messages") || !request.header("anthropic-version").empty();
    if (!key.empty() && endpoint.starts_with("responses/")) return shelf_.answer(key, request, endpoint);
    if (!key.empty() && endpoint == "responses") {
      if (auto complaint = shelf_.complaint(key, request_json(endpoint, request.body))) return *complaint;
    }
    if (!key.empty() && versioned) return model_answer(endpoint, request.body, behaviour);
    FakeAnswer refusal;
    refusal.status = key.empty() ? 401 : 400;
    refusal.body = key.empty() ? fake_error(endpoint, "authentication_error", "no key")
                               : fake_error(endpoint, "invalid_request_error", "anthropic-version: header is required");
    return refusal;
  }

  void write_tally(const Json& seen) const {
    const std::string line = seen.dump() + "\n";
    if (tally_fd_ >= 0 && ::write(tally_fd_, line.data(), line.size()) < 0) std::perror("tally");
  }

  static FakeAnswer model_answer(const std::string& endpoint, const std::string& body, const Behaviour& behaviour) {
    try {
      return fake_answer(endpoint, body, {behaviour.usage, behaviour.done, behaviour.tier, behaviour.answers_as});
    } catch (const Json::exception& error) {  // a member of the wrong type
      FakeAnswer refusal;
      refusal.status = 400;
      refusal.body = fake_error(endpoint, "invalid_request_error", error.what());
      return refusal;
    }
  }

  After list_models(Wire& wire, Witnessed seen) {
    seen.status = 200;
    seen.ending = "complete";
    world_.arrive(std::move(seen));
    Json list = {{"object", "list"}, {"data", Json::array()}};
    for (const char* id : {"fake-a", "fake-b", "fake-full"})
      list["data"].push_back({{"id", id}, {"object", "model"}, {"created", 1'700'000'000}, {"owned_by", "fake"}});
    return wire.write_json(200, list.dump()) ? After::keep : After::close;
  }

  After control(const std::string& path, const HttpRequest& request, Wire& wire) {
    try {
      return wire.write_json(200, control_answer(path, request).dump()) ? After::keep : After::close;
    } catch (const std::exception& error) {
      wire.write_json(400, Json{{"error", error.what()}}.dump());
      return After::keep;
    }
  }

  Json control_answer(const std::string& path, const HttpRequest& request) {
    if (path == "/control/tally") return world_.tally();
    if (path == "/control/requests") return world_.requests();
    if (path == "/control/bill") return world_.bill();
    if (path == "/control/wait") return wait(request);
    const Json body = request.body.empty() ? Json::object() : Json::parse(request.body);
    if (path == "/control/gate")
      world_.close_gate(body.value("after", std::int64_t{-1}));
    else if (path == "/control/open")
      world_.open_gate();
    else if (path == "/control/price")
      world_.change_price(body);
    else if (path == "/control/reset")
      world_.reset();
    else if (path == "/control" && body.is_array())
      for (const auto& one : body) world_.add(Behaviour::from_json(one));
    else if (path == "/control")
      world_.add(Behaviour::from_json(body));
    else
      throw std::invalid_argument("no such control: " + path);
    return Json::object();
  }

  Json wait(const HttpRequest& request) {
    std::map<std::string, std::int64_t> least;
    for (const char* name : {"arrived", "finished", "held", "heads", "partial", "complete", "gone", "silent", "cut",
                             "refused", "probes"}) {
      if (auto text = request.query(name); !text.empty()) least[name] = std::stoll(text);
    }
    const auto text = request.query("timeout_ms");
    const std::chrono::milliseconds deadline(text.empty() ? 30'000 : std::stoll(text));
    const bool reached = world_.wait_for(least, deadline);
    Json answer = world_.tally();
    answer["reached"] = reached;
    return answer;
  }

  World world_;
  FakeShelf shelf_;
  int tally_fd_;
};

int run(int argc, char** argv) {
  int tally_fd = -1, port = 0;
  for (int at = 1; at < argc; at += 2) {
    const std::string_view flag = argv[at];
    if (at + 1 == argc || (flag != "--tally" && flag != "--port")) {
      std::cerr << "usage: fake_upstream [--port N] [--tally FILE]\n";
      return 2;
    }
    if (flag == "--port") {
      port = std::stoi(argv[at + 1]);
      continue;
    }
    tally_fd = ::open(argv[at + 1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (tally_fd < 0) throw std::runtime_error(std::string("cannot open ") + argv[at + 1]);
  }
  Upstream upstream(tally_fd);
  HttpServer server([&](const HttpRequest& request, Wire& wire) { return upstream.serve(request, wire); },
                    [&](const HttpRequest& head, Wire& wire) { return upstream.serve_early(head, wire); }, port);
  std::cout << "listening " << server.port() << std::endl;
  server.run();
}

}  // namespace
}  // namespace cr::test

int main(int argc, char** argv) {
  try {
    return cr::test::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "fake_upstream: " << error.what() << "\n";
    return 1;
  }
}
