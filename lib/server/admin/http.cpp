// SPDX-License-Identifier: MIT
#include "server/admin/http.h"

#include <httplib.h>

#include <algorithm>
#include <mutex>

#include "base/freed_memory.h"
#include "base/text.h"
#include "http/message/head.h"
#include "server/admin/status.h"

namespace cr::server::admin {

namespace {

constexpr std::size_t k_head_bytes_max = std::size_t{64} << 10;
// Chunk sizes and the like, around a body at its limit.
constexpr std::size_t k_framing_bytes_max = std::size_t{64} << 10;
// From here on bodies are read one at a time, and what they took is given back to the system.
constexpr std::size_t k_large_bytes = std::size_t{256} << 10;
constexpr std::chrono::seconds k_large_wait{10};
constexpr std::size_t k_trim_bytes = std::size_t{2} << 20;  // above a page of a list, of which many follow each other
constexpr const char* k_json = "application/json";
constexpr const char* k_any_path = "/";
constexpr int k_bad_request = 400;
constexpr int k_too_large = 413;

// httplib's view of our stream.
class HttpStream : public httplib::Stream {
 public:
  explicit HttpStream(AdminStream& stream) : stream_(stream) {}
  bool is_readable() const override { return stream_.is_readable(); }
  bool is_writable() const override { return true; }  // write() waits itself
  ssize_t read(char* place, std::size_t size) override {
    const auto got = stream_.read(place, size);
    if (in_head_ && got > 0) head_.append(place, static_cast<std::size_t>(got));
    return got;
  }
  // What was read so far; from now on nothing is kept.
  std::string take_head() {
    in_head_ = false;
    return std::move(head_);
  }
  ssize_t write(const char* bytes, std::size_t size) override { return stream_.write(bytes, size); }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return stream_.fd(); }

 private:
  AdminStream& stream_;
  std::string head_;
  bool in_head_ = true;
};

// What the function of a request needs to know of its connection; set for the one that this thread serves.
struct Current {
  Peer peer;
  std::string request_id;
  bool reached = false;      // our function ran: the head and body were read to their end
  bool leaves_much = false;  // of freed memory
  std::string head_fault;    // why nothing is read behind the head; empty = its body can be
  int head_status = k_bad_request;
  std::function<bool()> abandoned;
};
thread_local Current* t_current = nullptr;

std::string body_of(const httplib::Response& response, std::string_view request_id) {
  using base::ErrorCode;
  base::Error error{ErrorCode::invalid, "the request could not be read", {}};
  if (!t_current->head_fault.empty()) {
    error.message = t_current->head_fault;
    return cr::admin::error_json(error, request_id);
  }
  if (response.status == k_too_large) error.message = "the request is too large";
  if (response.status == 404) error = {ErrorCode::invalid, "this method is not known here", {}};
  if (response.status >= 500) error = {ErrorCode::internal, "the daemon failed on this request", {}};
  return cr::admin::error_json(error, request_id);
}

// Plainly, not through a content provider: httplib asks those only while it listens by itself.
void set_body(httplib::Response& response, const AdminAnswer& answer) {
  response.set_content(answer.body.reveal().data(), answer.body.size(), std::string(answer.content_type));
}

void answer(AdminApi& api, std::timed_mutex& large_body, const httplib::Request& http, httplib::Response& response) {
  t_current->reached = true;
  std::unique_lock one_at_a_time(large_body, std::defer_lock);
  if (http.body.size() > k_large_bytes && !one_at_a_time.try_lock_for(k_large_wait)) {
    const base::Error busy{base::ErrorCode::unavailable, "another large request is being read", "send it again"};
    response.status = admin_status(busy.code);
    response.set_content(cr::admin::error_json(busy, t_current->request_id), k_json);
    return;
  }
  AdminRequest request;
  request.method = http.method == "HEAD" ? "GET" : http.method;
  request.target = http.target;
  request.body = http.body;
  request.if_match = http.get_header_value("If-Match");
  request.idempotency_key = http.get_header_value("Idempotency-Key");
  request.actor = {t_current->peer.pid, static_cast<std::int64_t>(t_current->peer.uid),
                   static_cast<std::int64_t>(t_current->peer.gid), http.get_header_value("X-Crd-Reason")};
  request.request_id = t_current->request_id;
  request.abandoned = t_current->abandoned;
  const auto body_bytes = http.body.size();
  auto result = api.answer(request);
  // A body may hold a key; the request is ours, httplib only lends it as const.
  base::wipe(const_cast<std::string&>(http.body));  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  t_current->leaves_much = std::max(body_bytes, result.body.size()) > k_trim_bytes;
  response.status = result.status;
  if (result.rev) response.set_header("ETag", "\"" + std::to_string(*result.rev) + "\"");
  set_body(response, result);
}

bool reads_body(const httplib::Request& request) {
  return request.method != "GET" && request.method != "HEAD" && request.method != "OPTIONS";
}

// The fields that say how long a body is, as they were sent.
struct Framing {
  std::vector<std::string> lengths, codings;
};

constexpr const char* k_bad_field = "a header line is malformed";
constexpr const char* k_twin = "a header name looks like Content-Length or Transfer-Encoding";

// Of the head's bytes, for httplib passes over in silence what it cannot read: a field without a value, a blank before
// the colon, a line that goes on, an end of line that is none.
base::Result<Framing> read_framing(std::string_view head) {
  Framing framing;
  for (auto end = head.find('\n'); end != std::string_view::npos; end = head.find('\n')) {
    auto line = head.substr(0, end);
    head.remove_prefix(end + 1);
    if (!line.ends_with('\r')) return base::fail(base::ErrorCode::invalid, k_bad_field);
    line.remove_suffix(1);
    if (line.empty()) break;
    const auto colon = line.find(':');
    const auto name = line.substr(0, colon);
    if (colon == std::string_view::npos || name.empty() || name.find_first_of(" \t") != std::string_view::npos)
      return base::fail(base::ErrorCode::invalid, k_bad_field);
    if (http::message::is_framing_twin(name)) return base::fail(base::ErrorCode::invalid, k_twin);
    auto value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    if (base::equals_ignoring_case(name, "Content-Length")) framing.lengths.emplace_back(value);
    if (base::equals_ignoring_case(name, "Transfer-Encoding")) framing.codings.emplace_back(value);
  }
  return framing;
}

// httplib takes the first of two lengths, a number's beginning for the number, and a coding it does not know for none.
// RFC 9112, 6.3: what leaves a doubt about the body's end is refused, and ends the connection.
std::string judge_framing(std::string_view head, const std::string& version) {
  const auto request_line = head.find('\n');
  const auto framing =
      read_framing(request_line == std::string_view::npos ? std::string_view() : head.substr(request_line + 1));
  if (!framing) return framing.error().message;
  if (framing->lengths.size() + framing->codings.size() > 1) return "more than one field says how long the body is";
  if (!framing->codings.empty()) {
    if (version == "HTTP/1.0") return "Transfer-Encoding in a request of HTTP/1.0";
    if (base::equals_ignoring_case(framing->codings.front(), "chunked")) return {};
    return "Transfer-Encoding: only chunked is understood";
  }
  if (framing->lengths.empty()) return {};
  const auto& length = framing->lengths.front();
  constexpr std::size_t k_digits_max = 18;
  const bool number =
      !length.empty() && length.size() <= k_digits_max && length.find_first_not_of("0123456789") == std::string::npos;
  return number ? std::string() : "Content-Length: expected a number of bytes";
}

bool has_body(const httplib::Request& request) {
  return request.has_header("Transfer-Encoding") ||
         request.get_header_value("Content-Length").find_first_not_of('0') != std::string::npos;
}

void set_field(httplib::Request& request, const char* name, const char* value) {
  request.headers.erase(name);
  request.set_header(name, value);
}

// What is announced as too large is refused before it comes: httplib would read it to its end, or to the deadline.
bool is_too_large(const httplib::Request& request, std::size_t body_bytes_max) {
  const auto length = http::message::parse_content_length(request.get_header_value("Content-Length"));
  return length && *length > body_bytes_max;
}

// The parts of httplib's reading that could surprise us are put right before it goes on.
void normalise(httplib::Request& request, std::string_view head, std::size_t body_bytes_max) {
  // Our own table decides by the target; its regular expressions see a constant.
  request.path = k_any_path;
  request.ranges.clear();
  request.headers.erase("Accept-Encoding");   // no compressing of answers
  request.headers.erase("Content-Encoding");  // nor expanding of bodies
  request.headers.erase("Content-Type");      // nor reading them as a form
  t_current->head_fault = judge_framing(head, request.version);
  if (t_current->head_fault.empty() && is_too_large(request, body_bytes_max)) {
    t_current->head_fault = "the request is larger than " + std::to_string(body_bytes_max) + " bytes";
    t_current->head_status = k_too_large;
  }
  if (!t_current->head_fault.empty()) {
    // No function is found for it and no body read: the error handler answers and the connection ends.
    request.method = "OPTIONS";
    request.headers.erase("Expect");  // nor asked for
    return;
  }
  // A body that is not read would be taken for the next request: the answer says that there is none.
  if (!reads_body(request) && has_body(request)) set_field(request, "Connection", "close");
  // Without a length it would read to the end of the connection, or of a DELETE nothing at all, although it is chunked.
  if (!request.has_header("Content-Length")) request.set_header("Content-Length", "0");
}

}  // namespace

class AdminHttp::Server : public httplib::Server {
 public:
  Server(AdminApi& api, std::size_t body_bytes_max) {
    const auto run = [this, &api](const httplib::Request& request, httplib::Response& response) {
      answer(api, large_body_, request, response);
    };
    Get(k_any_path, run);
    Post(k_any_path, run);
    Put(k_any_path, run);
    Patch(k_any_path, run);
    Delete(k_any_path, run);
    set_payload_max_length(body_bytes_max);
    set_default_headers({{"x-crd-version", CR_VERSION}, {"Cache-Control", "no-store"}});
    set_error_handler(httplib::Server::Handler([](const httplib::Request&, httplib::Response& response) {
      if (t_current->reached) return;
      if (!t_current->head_fault.empty()) response.status = t_current->head_status;
      response.set_header("Connection", "close");
      response.set_content(body_of(response, t_current->request_id), k_json);
    }));
    // Called when the answer is written: the last moment to wipe httplib's copy of it, which may hold a key.
    set_logger([](const httplib::Request&, const httplib::Response& response) {
      base::wipe(const_cast<std::string&>(response.body));  // NOLINT(cppcoreguidelines-pro-type-const-cast)
    });
    set_post_routing_handler([](const httplib::Request&, httplib::Response& response) {
      response.set_header("x-request-id", t_current->request_id);
    });
  }

  // One request; false if the connection cannot carry another.
  bool serve_one(AdminStream& stream, const Peer& peer, std::size_t body_bytes_max, bool last,
                 const std::atomic<bool>& stopping) {
    Current current;
    current.peer = peer;
    current.request_id = base::RequestId::make(base::wall_now()).to_string();
    current.abandoned = [&] { return stopping || stream.is_hung_up(); };
    t_current = &current;
    stream.begin_request(k_head_bytes_max);
    HttpStream http(stream);
    bool closed = false;
    bool unread = false;
    const bool done = process_request(http, last, closed, [&](httplib::Request& request) {
      normalise(request, http.take_head(), body_bytes_max);
      unread = !reads_body(request) && has_body(request);
      stream.allow(body_bytes_max + k_framing_bytes_max);
    });
    t_current = nullptr;
    if (current.leaves_much) base::return_freed_memory();
    return done && !closed && !unread && current.reached;
  }

 private:
  std::timed_mutex large_body_;
};

AdminHttp::AdminHttp(AdminApi& api, Limits limits)
    : server_(std::make_unique<Server>(api, limits.body_bytes_max)), limits_(limits) {}
AdminHttp::~AdminHttp() = default;

void AdminHttp::serve(AdminStream& stream, const Peer& peer, const std::atomic<bool>& stopping) {
  for (std::size_t count = 1; count <= limits_.requests_per_connection_max; ++count) {
    if (stopping || !stream.wait_for_request(limits_.idle_timeout)) return;
    const bool last = stopping || count == limits_.requests_per_connection_max;
    if (!server_->serve_one(stream, peer, limits_.body_bytes_max, last, stopping) || last) return;
  }
}

void AdminHttp::refuse(AdminStream& stream, const base::Error& error) {
  const auto status = admin_status(error.code);
  const auto body = cr::admin::error_json(error, base::RequestId::make(base::wall_now()).to_string());
  const auto text = "HTTP/1.1 " + std::to_string(status) +
                    " Refused\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " +
                    std::to_string(body.size()) + "\r\n\r\n" + body;
  stream.write(text.data(), text.size());
}

}  // namespace cr::server::admin
