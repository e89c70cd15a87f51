// SPDX-License-Identifier: MIT
#include "admin/client.h"

#include <httplib.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "admin/fields.h"
#include "admin/redact.h"
#include "admin/socket_access.h"
#include "base/hide_keys.h"
#include "base/text.h"

namespace cr::admin {

namespace {

using base::Error;
using base::ErrorCode;
using base::fail;

constexpr std::string_view k_prefix = "/admin/v1";

// httplib writes without MSG_NOSIGNAL; a daemon that closes early must not kill crctl.
class NoPipeSignal {
 public:
  NoPipeSignal() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoPipeSignal() {
    const timespec now{};
    if (!was_pending_) sigtimedwait(&pipe_, nullptr, &now);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;

 private:
  sigset_t pipe_{}, before_{};
  bool was_pending_ = false;
};

// httplib says only "Connection"; the reason is asked for again. 0 = it would work now.
int connect_error(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return ENAMETOOLONG;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  const int code = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? 0 : errno;
  ::close(fd);
  return code;
}

std::string words_for(int code) {
  switch (code) {
    case ENOENT:
      return "no such file";
    case ECONNREFUSED:
      return "connection refused";
    case ENOTSOCK:
      return "not a socket";
    case ENAMETOOLONG:
      return "the path is too long for a socket";
    default:
      return base::to_lower_ascii(std::generic_category().message(code));
  }
}

Error connection_failed(const Client::Options& options) {
  const auto& path = options.socket_path;
  const int code = connect_error(path);
  const auto shown = base::escape_for_terminal(path);
  if (code == EACCES || code == EPERM) return not_permitted(path, look_at_access(path));
  if (code == EAGAIN) {
    return {ErrorCode::exhausted, "crd has no admin connection left: its queue on " + shown + " is full",
            "end other crctl commands, or try again in a moment"};
  }
  if (code == ENAMETOOLONG) return {ErrorCode::invalid, shown + ": " + words_for(code), "give a shorter --socket path"};
  Error error{ErrorCode::unavailable,
              "no daemon answers on " + shown + ": " + (code == 0 ? "it closed the connection" : words_for(code)),
              "start it (systemctl start crd), or name its socket with --socket or CRCTL_SOCKET"};
  if (options.not_running) options.not_running(error);
  return error;
}

bool is_safe_target(std::string_view target) {
  for (const char c : target) {
    if (c <= 0x20 || c >= 0x7f) return false;
  }
  return !target.empty() && target.front() == '/';
}

std::string target_of(std::string_view path_and_query, const CallOptions& options) {
  std::string target(path_and_query.starts_with("/admin/") ? "" : k_prefix);
  target += path_and_query;
  if (options.dry_run) target += target.find('?') == std::string::npos ? "?dry_run=true" : "&dry_run=true";
  return target;
}

httplib::Headers headers_of(const CallOptions& options) {
  httplib::Headers headers{{"Host", "crd"}, {"Accept", "application/json"}, {"User-Agent", "crctl/" CR_VERSION}};
  if (!options.reason.empty()) headers.emplace("X-Crd-Reason", encode_segment(options.reason));
  if (options.if_rev) headers.emplace("If-Match", std::to_string(*options.if_rev));
  if (!options.idempotency_key.empty()) headers.emplace("Idempotency-Key", encode_segment(options.idempotency_key));
  return headers;
}

Error daemon_error(const httplib::Response& response) {
  auto error = error_from_json(response.body, response.status);
  const auto theirs = response.get_header_value("x-crd-version");
  if (!theirs.empty() && theirs != CR_VERSION) {
    if (!error.hint.empty()) error.hint += "; ";
    error.hint += "the daemon is crd " + base::escape_for_terminal(theirs) + " and this is crctl " CR_VERSION;
  }
  return error;
}

RawAnswer answer_of(httplib::Response&& response) {
  RawAnswer answer;
  answer.status = response.status;
  answer.body = std::move(response.body);
  for (const auto& [name, value] : response.headers) answer.headers.emplace(base::to_lower_ascii(name), value);
  return answer;
}

}  // namespace

struct Client::Impl {
  Options options;

  void trace(std::string_view arrow, const std::string& line, std::string_view body) const {
    if (!options.trace) return;
    std::string text(arrow);
    text += base::hide_keys(line);
    if (!body.empty()) text += ' ' + redacted(body);
    options.trace(base::escape_for_terminal(text));
  }
  base::Result<RawAnswer> exchange(httplib::Request& request) const;
  Error failure(httplib::Error error, base::SteadyTime deadline) const;
};

Client::Client(Options options) : impl_(std::make_unique<Impl>(Impl{std::move(options)})) {}
Client::~Client() = default;

Error Client::Impl::failure(httplib::Error error, base::SteadyTime deadline) const {
  const auto shown = base::escape_for_terminal(options.socket_path);
  if (base::steady_now() >= deadline) {
    return {ErrorCode::timeout,
            "the daemon on " + shown + " gave no answer within " + base::format_duration(options.timeout),
            "a change may have been made or not: look before you try again, or give it longer with --timeout"};
  }
  if (error == httplib::Error::Connection) return connection_failed(options);
  if (error == httplib::Error::Canceled) {
    return {ErrorCode::invalid, "the daemon's answer is too long", "ask for less: a filter, or a smaller limit"};
  }
  return {ErrorCode::unavailable, "the daemon on " + shown + " closed the connection without an answer",
          "a change may have been made or not: look before you try again"};
}

base::Result<RawAnswer> Client::Impl::exchange(httplib::Request& request) const {
  const auto deadline = base::steady_now() + options.timeout;
  httplib::Client client(options.socket_path, 80);
  client.set_address_family(AF_UNIX);
  client.set_url_encode(false);
  client.set_connection_timeout(options.timeout);
  client.set_read_timeout(options.timeout);
  client.set_write_timeout(options.timeout);
  request.progress = [&](std::uint64_t, std::uint64_t total) {
    return base::steady_now() < deadline && total <= k_answer_bytes_max;
  };
  const NoPipeSignal no_pipe_signal;
  httplib::Response response;
  auto error = httplib::Error::Success;
  if (!client.send(request, response, error)) return tl::unexpected(failure(error, deadline));
  trace("< ", std::to_string(response.status), response.body);
  if (response.status >= 400) return tl::unexpected(daemon_error(response));
  return answer_of(std::move(response));
}

base::Result<RawAnswer> Client::call(std::string_view method, std::string_view path_and_query,
                                     std::string_view json_body, const CallOptions& options) {
  if (impl_->options.socket_path.size() >= sizeof(sockaddr_un::sun_path)) {
    return tl::unexpected(connection_failed(impl_->options));
  }
  httplib::Request request;
  request.method = method;
  request.path = target_of(path_and_query, options);
  if (!is_safe_target(path_and_query)) {
    return fail(ErrorCode::invalid, "not a path: '" + base::escape_for_terminal(path_and_query) + "'",
                "it starts with / and has neither blanks nor control characters (%20 and the like are fine)");
  }
  request.headers = headers_of(options);
  if (!json_body.empty()) {
    request.body = json_body;
    request.headers.emplace("Content-Type", "application/json");
  }
  impl_->trace("> ", request.method + ' ' + request.path, request.body);
  auto answer = impl_->exchange(request);
  if (!answer) impl_->trace("! ", std::string(name_of(answer.error().code)) + ": " + answer.error().message, {});
  base::wipe(request.body);
  return answer;
}

base::Result<void> Client::remove(std::string_view path_and_query, const CallOptions& options) {
  if (auto answer = call("DELETE", path_and_query, {}, options); !answer) return tl::unexpected(answer.error());
  return {};
}

}  // namespace cr::admin
