// SPDX-License-Identifier: MIT
// Providers that answer before they have all of a request, or never stop announcing that they will: what the client
// gets of it, what is posted, and that nothing is held against the channel.
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "integration/form.h"
#include "integration/network_gateway.h"
#include "support/programs.h"
#include "support/server_peer.h"

namespace cr::test {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr std::size_t k_mib = std::size_t{1024} * 1024;

DaemonOptions one_worker() {
  DaemonOptions options;
  options.top_level = "workers = 1\n";
  return options;
}

std::size_t length_in(const std::string& head) {
  const auto at = head.find("content-length: ");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
}

// Reads heads, and hands each to a function that may read the body as it likes.
class HeadReader {
 public:
  using Answer = std::function<bool(ServerPeer& peer, const std::string& head)>;  // true: serve another request
  HeadReader(Wire wire, Answer answer)
      : tls_(wire == Wire::tls ? ServerPeer::context_of(good_certificate()) : nullptr),
        answer_(std::move(answer)),
        listener_([this](int fd) { serve(fd); }) {}
  std::string url() const {
    return (tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(listener_.port()) + "/v1";
  }
  int connections() const { return connections_; }

  static std::string read_head(ServerPeer& peer) {
    std::string head;
    for (char byte = 0; !head.ends_with("\r\n\r\n"); head.push_back(byte))
      if (peer.read(&byte, 1) != 1) return {};
    return head;
  }
  static bool read_body(ServerPeer& peer, std::size_t size) {
    std::vector<char> bytes(64 * 1024);
    while (size > 0) {
      const auto got = peer.read(bytes.data(), std::min(size, bytes.size()));
      if (got <= 0) return false;
      size -= static_cast<std::size_t>(got);
    }
    return true;
  }

 private:
  void serve(int fd) {
    ++connections_;
    ServerPeer peer(fd, tls_.get());
    if (!peer.accept()) return;
    for (bool more = true; more;) {
      const auto head = read_head(peer);
      more = !head.empty() && answer_(peer, head);
    }
  }

  const std::shared_ptr<ssl_ctx_st> tls_;
  const Answer answer_;
  std::atomic<int> connections_{0};
  TcpListener listener_;
};

enum class Ends { stays, half_closes, closes, resets };
std::string name_of(Ends ends) {
  static const std::map<Ends, std::string> k_names{
      {Ends::stays, "stays"}, {Ends::half_closes, "half_closes"}, {Ends::closes, "closes"}, {Ends::resets, "resets"}};
  return k_names.at(ends);
}

// Small requests get an answer, larger ones are refused with nothing of their bodies read.
struct Refusing {
  int status = 413;
  bool has_length = true;
  Ends ends = Ends::stays;

  std::string answer() const {
    const std::string body = R"({"error":{"message":"too much for us","type":"x"}})";
    const auto length = has_length ? "Content-Length: " + std::to_string(body.size()) + "\r\n" : std::string();
    return "HTTP/1.1 " + std::to_string(status) + " No\r\nContent-Type: application/json\r\n" + length + "\r\n" + body;
  }
  bool operator()(ServerPeer& peer, const std::string& head) const {
    const auto size = length_in(head);
    if (size < 10'000) {
      if (!HeadReader::read_body(peer, size)) return false;
      auto answer = plain_answer();
      answer.erase(answer.find("Connection: close\r\n"), std::string_view("Connection: close\r\n").size());
      return peer.write(answer);
    }
    peer.write(answer());
    // Without a length its end is the end of what is said.
    if (ends == Ends::half_closes || (ends == Ends::stays && !has_length)) {
      peer.say_goodbye();
      ::shutdown(peer.fd(), SHUT_WR);
    }
    if (ends == Ends::closes) peer.say_goodbye();
    if (ends == Ends::resets) peer.end_by_reset();
    while (ends < Ends::closes && is_open(peer.fd())) continue;
    return false;
  }
  // Without taking what lies there, which is a body that nobody reads.
  static bool is_open(int fd) {
    pollfd probe{fd, POLLRDHUP, 0};
    return ::poll(&probe, 1, 100) <= 0;
  }
};

// A request of each kind of body, of at least `size` bytes.
struct Sent {
  std::string name;
  bool form = false;
  std::size_t size = 0;
};
const std::vector<Sent>& sent_kinds() {
  static const std::vector<Sent> k_kinds{{"json", false, 200'000},
                                         {"json_above_any_socket_buffer", false, 6 * k_mib},
                                         {"held_form", true, 900'000},
                                         {"streamed_form", true, 6 * k_mib}};
  return k_kinds;
}

class EarlyAnswers : public OverWire {
 protected:
  EarlyAnswers() : net_(one_worker()), key_(net_.gateway.token("u", {"--quota", "100"})) {
    net_.gateway.daemon.must(
        {"price", "set", "net-a", "--input", "1", "--output", "2", "--max-output", "4096", "--context", "20000000"});
    std::vector<std::string> flags{"--allow-private"};
    if (GetParam() == Wire::tls) flags.insert(flags.end(), {"--ca-file", net_.ca_file});
    net_.channel("http://127.0.0.1:1/v1", flags);
  }
  // With nothing held against it, and connections of its own.
  void lead_to(const HeadReader& provider) {
    net_.gateway.daemon.must({"channel", "edit", "net", "--base-url", provider.url()});
  }
  HttpAnswer send(const Sent& sent) {
    HttpClient client(net_.gateway.daemon.listener(), key_);
    const Form begin = Form().field("model", "net-a");
    auto& body = bodies_[sent.name];  // made once: the tests are not optimised
    if (body.empty()) {
      const std::string text(sent.size, 'x');
      body = sent.form ? Form(begin).file("file", text).body()
                       : chat_of(5).dump().insert(chat_of(5).dump().find("xxxxx"), text);
    }
    if (sent.form)
      return client.call("POST", "/v1/audio/transcriptions", body, {{"Content-Type", begin.content_type()}});
    return client.post("/v1/chat/completions", body);
  }
  static Json chat_of(std::size_t size) {
    const Json message = {{"role", "user"}, {"content", std::string(size, 'x')}};
    return chat("net-a", {{"max_tokens", 100}, {"messages", Json::array({message})}});
  }
  HttpAnswer send_small() { return net_.gateway.post(key_, chat_of(5)); }

  NetworkGateway net_;
  const std::string key_;
  std::map<std::string, std::string> bodies_;
};

TEST_P(EarlyAnswers, ReachTheClientAndAreNotHeldAgainstTheChannel) {
  for (const auto& sent : sent_kinds()) {
    for (const auto ends : {Ends::stays, Ends::half_closes, Ends::closes, Ends::resets}) {
      for (const bool has_length : {true, false}) {
        SCOPED_TRACE(sent.name + ", " + name_of(ends) + (has_length ? "" : ", without a length"));
        const Refusing refusing{has_length ? 413 : 400, has_length, ends};
        const HeadReader provider(GetParam(), refusing);
        lead_to(provider);
        const auto before = net_.gateway.posted("u");
        for (int i = 1; i <= 6; ++i) {
          const auto answer = send(sent);
          EXPECT_EQ(answer.status, refusing.status) << answer.body;
          EXPECT_THAT(answer.body, HasSubstr("too much for us"));
          EXPECT_EQ(provider.connections(), i);
        }
        EXPECT_EQ(send_small().status, 200);
        EXPECT_EQ(provider.connections(), 7);
        EXPECT_EQ(net_.gateway.posted("u") - before, 50'000);
        EXPECT_EQ(net_.gateway.reserved("u"), 0);
        if (HasFailure()) return;
      }
    }
  }
  EXPECT_THAT(net_.gateway.daemon.log(), Not(HasSubstr("set aside")));
}

// A provider that breaks off without a word is asked by others all the same.
TEST_P(EarlyAnswers, NoneIsNotHeldAgainstTheChannelEither) {
  const HeadReader provider(GetParam(), [](ServerPeer& peer, const std::string& head) {
    if (length_in(head) > 10'000) {
      peer.end_by_reset();
      return false;
    }
    return Refusing()(peer, head);
  });
  lead_to(provider);
  for (const auto& sent : sent_kinds()) {
    if (sent.size < k_mib) continue;  // it is with the kernel as a whole
    for (int i = 0; i < 6; ++i) {
      const auto answer = send(sent);
      EXPECT_EQ(answer.status, 502) << answer.body;
      EXPECT_EQ(error_code(answer), "upstream_invalid");
    }
    EXPECT_EQ(send_small().status, 200);
  }
  EXPECT_EQ(net_.gateway.posted("u"), 2 * 50'000);
  EXPECT_EQ(net_.gateway.reserved("u"), 0);
}

// The head of a success says nothing of the request's rest: it is sent on, and the answer comes when it has come.
TEST_P(EarlyAnswers, ASuccessGetsTheRestOfTheRequest) {
  const HeadReader provider(GetParam(), [](ServerPeer& peer, const std::string& head) {
    const auto answer = plain_answer();
    const auto body = answer.find("\r\n\r\n") + 4;
    peer.write("HTTP/1.1 103 Early Hints\r\n\r\n");
    peer.write(answer.substr(0, body));
    return HeadReader::read_body(peer, length_in(head)) && peer.write(answer.substr(body)) && false;
  });
  lead_to(provider);
  for (const auto& sent : sent_kinds()) {
    SCOPED_TRACE(sent.name);
    const auto answer = send(sent);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr("hello"));
  }
  EXPECT_EQ(net_.gateway.posted("u"), 4 * 50'000);
}

// One that reads slowly is waited for as long as it reads, longer than it may be silent.
TEST_P(EarlyAnswers, NoneFromASlowReaderIsNoFault) {
  const HeadReader provider(GetParam(), [](ServerPeer& peer, const std::string& head) {
    const auto size = length_in(head);
    constexpr int k_small = 64 * 1024;  // what the kernel takes ahead would be read in no time
    ::setsockopt(peer.fd(), SOL_SOCKET, SO_RCVBUF, &k_small, sizeof k_small);
    const auto piece = size / 96;
    for (std::size_t at = 0; at < size; at += piece) {
      if (!HeadReader::read_body(peer, std::min(piece, size - at))) return false;
      if (at + piece < size) std::this_thread::sleep_for(milliseconds(30));
    }
    return peer.write(plain_answer()) && false;
  });
  lead_to(provider);
  EXPECT_EQ(send({"json", false, 24 * k_mib}).status, 200);
}

TEST_P(EarlyAnswers, AProviderThatStopsReadingIsGivenUp) {
  const HeadReader provider(GetParam(), [](ServerPeer& peer, const std::string&) {
    while (Refusing::is_open(peer.fd())) continue;
    return false;
  });
  lead_to(provider);
  const auto answer = send({"json", false, 6 * k_mib});
  EXPECT_EQ(answer.status, 504);
  EXPECT_THAT(answer.body, HasSubstr("stopped reading"));
  EXPECT_EQ(net_.gateway.posted("u"), 0);
  EXPECT_EQ(net_.gateway.reserved("u"), 0);
}

INSTANTIATE_TEST_SUITE_P(Over, EarlyAnswers, testing::Values(Wire::plain, Wire::tls), wire_name);

std::int64_t peak_kib(Daemon& daemon) {
  std::ifstream status("/proc/" + std::to_string(daemon.process().pid()) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6));
  }
  throw std::runtime_error("no VmHWM");
}

struct InterimRow {
  std::string name;
  int heads = 0;  // 0: for ever
  std::size_t bytes = 0;
  bool passes = false;
};

class InterimHeads : public OverWire {};

TEST_P(InterimHeads, AreBoundedInNumberAndSize) {
  const std::vector<InterimRow> rows{{"as_many_as_may_be", 20, 0, true}, {"one_more", 21, 0, false},
                                     {"for_ever", 0, 0, false},          {"large_for_ever", 0, 8000, false},
                                     {"few_and_large", 9, 8000, false},  {"few", 7, 8000, true}};
  NetworkGateway net(one_worker());
  const auto key = net.gateway.token("u");
  std::vector<std::string> flags{"--allow-private"};
  if (GetParam() == Wire::tls) flags.insert(flags.end(), {"--ca-file", net.ca_file});
  net.channel("http://127.0.0.1:1/v1", flags);
  const auto before = peak_kib(net.gateway.daemon);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const HeadReader provider(GetParam(), [&](ServerPeer& peer, const std::string& head) {
      HeadReader::read_body(peer, length_in(head));
      const auto interim = "HTTP/1.1 103 Early Hints\r\nx-pad: " + std::string(row.bytes, 'x') + "\r\n\r\n";
      for (int i = 0; row.heads == 0 || i < row.heads; ++i)
        if (!peer.write(interim)) return false;
      return peer.write(plain_answer()) && false;
    });
    net.gateway.daemon.must({"channel", "edit", "net", "--base-url", provider.url()});
    const auto answer = net.gateway.post(key, chat("net-a", {{"max_tokens", 100}}));
    EXPECT_EQ(answer.status, row.passes ? 200 : 502);
    if (row.passes) continue;
    EXPECT_EQ(error_code(answer), "upstream_invalid");
    const Json told = net.gateway.request(answer);
    EXPECT_EQ(told["ending"], "upstream_failed");
    EXPECT_EQ(told["flags"], Json::array()) << "that is no answer";
  }
  if (!is_sanitized()) {
    EXPECT_LT(peak_kib(net.gateway.daemon) - before, 4096);
  }
}

INSTANTIATE_TEST_SUITE_P(Over, InterimHeads, testing::Values(Wire::plain, Wire::tls), wire_name);

TEST(ProxyInterimHeads, AreBounded) {
  NetworkGateway net(one_worker());
  std::string answer;
  for (int i = 0; i < 21; ++i) answer += "HTTP/1.1 102 Processing\r\n\r\n";
  const ConnectProxy proxy(1, answer + "HTTP/1.1 200 OK\r\n\r\n");
  net.channel("https://127.0.0.1:1/v1", {"--allow-private", "--proxy", proxy.url()});
  net.expect_void(502, "upstream_unreachable");
  EXPECT_THAT(net.gateway.daemon.log_with("the proxy sent too many interim answers"),
              HasSubstr("the proxy sent too many interim answers"));
}

}  // namespace
}  // namespace cr::test
