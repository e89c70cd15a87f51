// SPDX-License-Identifier: MIT
// Provider: how one kind of provider is spoken to: what it serves, at which address, with which credential, in which
// dialect, how it is probed, and in what it differs from others of its dialect. One constant a kind, each in a file of
// its own. The set of kinds is closed, so that plain functions do. A request to a target that is its endpoint's own
// path allocates nothing here. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "dialect/endpoint.h"
#include "dialect/meter_form.h"
#include "dialect/request_scan.h"
#include "http/message/head.h"
#include "http/message/head_writer.h"
#include "provider/kinds/kind.h"

namespace cr::provider {

// What of a request its address depends on. The views are the caller's.
struct Asked {
  dialect::Endpoint endpoint{};
  std::string_view path;   // below /v1, as the client has it: "/chat/completions", "/responses/resp_1/cancel"
  std::string_view query;  // the client's own, of what a provider keeps; else empty
  std::string_view model;  // the provider's name for it; empty: the request names none
};

// Where that is below the base URL, in the pieces that it is made of: path, segment, path_rest and "?" with query.
struct Target {
  std::string_view path;
  std::string_view segment{};  // of the path; percent-encoded where it is written, since clients choose models' names
  std::string_view path_rest{};
  std::string_view query{};
  std::string_view query_rest{};  // joined to it by "&"
};
// Whether it is `path` and nothing else.
inline bool is_plain(const Target& target) {
  return target.segment.empty() && target.path_rest.empty() && target.query.empty() && target.query_rest.empty();
}
std::string to_text(const Target& target);

// What a credential may depend on. The time and the digest of the body become members when a kind signs with them.
struct Credential {
  std::string_view method, target;                     // as they stand in the request line
  std::string_view key;                                // empty: the channel has none
  const http::message::RequestHead* client = nullptr;  // whose fields were passed on; null: crd asks by itself
};

// `channel test`: the smallest request that shows that address, key and model are good. It may cost a few tokens.
struct Finding {
  bool ok = false;
  std::string_view message;  // one sentence; nothing of the provider's response, which may quote a key
};
struct Probe {
  dialect::Endpoint endpoint{};
  std::string (*body)(std::string_view model, std::string_view bound_field) = nullptr;
  Finding (*judge)(int status) = nullptr;
};

// A response that is made here, no address asked.
struct LocalResponse {
  std::string content_type;         // application/json or text/event-stream
  std::vector<std::string> pieces;  // one of a plain response; of a stream one an event, with a pause before each
};
struct LocalAnswers {
  std::string_view finding;  // of `channel test`
  // What answer() may come to hold of memory while it works, about.
  std::uint64_t (*bytes_ceiling)(std::string_view body) = nullptr;
  // `id` becomes the response's with the endpoint's own prefix. `body` has passed the scanner.
  LocalResponse (*answer)(dialect::Endpoint endpoint, std::string_view body, const dialect::RequestScan& scan,
                          std::string_view id, base::Time now) = nullptr;
};

// The member that bounds the output of a chat, by model; a pattern as channels have them ("o*").
struct BoundField {
  std::string_view models, field;
};

// Facts of a kind that others of its dialect do not share.
struct Quirks {
  std::span<const BoundField> bound_fields{};    // the first that fits; none: the channel's setting
  std::span<const std::string_view> left_out{};  // top-level members that it refuses: taken out of a JSON body
  bool asks_for_stream_usage = true;             // a stream tells its usage only where stream_options asks for it
  std::string_view passed_prefix{};              // a client's fields of these names are for it: "openai-"
  // Model tokens a second that one response has at most; of an address that is not known to be slower.
  std::int64_t output_rate_max = 4'000;
};

struct Provider {
  std::optional<dialect::Dialect> dialect{};  // that it speaks; none: whichever it is asked in
  // Whether it has an honest response for `endpoint`, asked in the dialect `client`.
  bool (*serves)(dialect::Endpoint endpoint, dialect::Dialect client) = nullptr;
  // Over HTTP: these three. Made here: `local` alone.
  Target (*target)(const Asked& asked) = nullptr;
  void (*authorize)(http::message::HeadWriter& writer, const Credential& credential) = nullptr;
  Probe probe{};
  const LocalAnswers* local = nullptr;
  Quirks quirks{};
};

const Provider& of(Kind kind);

// The dialect of a response of `provider`, asked in the dialect `client`, and how its usage is read.
dialect::Dialect answers_in(const Provider& provider, dialect::Dialect client);
const dialect::MeterForm& meter_form(const Provider& provider, dialect::Dialect client);

// Into which member an output bound is written for a client that gave none. `channel_field`: the channel's setting for
// chats, empty where it has none.
std::string_view bound_field(const Provider& provider, dialect::Endpoint endpoint, std::string_view model,
                             std::string_view channel_field);

// Model tokens a second that one response of `provider` has at most, at an address with that host.
std::int64_t output_rate_max(const Provider& provider, std::string_view host);

// Whether crd asks for the usage of a stream that the client did not ask for.
bool asks_for_usage(const Provider& provider, dialect::Endpoint endpoint, const dialect::RequestScan& scan);

// The target of a kind whose addresses are those of its dialect.
Target target_as_asked(const Asked& asked);

// What a probe's status says, of a provider that uses the statuses as HTTP has them.
Finding judge_status(int status);

}  // namespace cr::provider
