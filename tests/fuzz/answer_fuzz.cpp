// SPDX-License-Identifier: MIT
// Answers of an upstream: the splitter gives the same events however the bytes are cut and loses none; the meter
// survives all of them and never reports what cannot be.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "check.h"
#include "dialect/anthropic/meter_form.h"
#include "dialect/meter.h"
#include "dialect/openai/meter_form.h"

namespace {

using namespace cr::dialect;
using namespace cr::http::message;

constexpr std::size_t k_event_bytes_max = 4096;

struct Event {
  std::string raw, name, data;
  bool operator==(const Event&) const = default;
};

struct Split {
  std::vector<Event> events;
  std::string rest;
  bool within = true;
};

Split split(std::string_view bytes, std::size_t step) {
  SseSplitter splitter(k_event_bytes_max);
  Split out;
  while (!bytes.empty() && out.within) {
    const std::string_view piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    out.within = splitter.push(piece);
    while (const auto event = splitter.next()) {
      CR_CHECK(event->raw.size() <= k_event_bytes_max);
      out.events.push_back({std::string(event->raw), std::string(event->name), std::string(event->data)});
    }
  }
  out.rest = splitter.rest();
  return out;
}

void check_meter(const Meter& meter) {
  CR_CHECK(meter.estimated_output_tokens() >= 0);
  const auto usage = meter.usage();
  if (!usage) return;
  CR_CHECK(usage->input_tokens >= 0 && usage->output_tokens >= 0);
  CR_CHECK(usage->cached_tokens >= 0 && usage->cache_write_tokens >= 0);
  CR_CHECK(usage->cached_tokens + usage->cache_write_tokens <= usage->input_tokens);
  CR_CHECK(usage->output_tokens <= std::int64_t{1} << 40);
  CR_CHECK(meter.input_usage().has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto endpoint = static_cast<Endpoint>(data[0] % k_endpoint_count);
  const std::size_t step = data[1] % 64 + std::size_t{1};
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);

  const Split whole = split(bytes, bytes.size());
  const Split pieces = split(bytes, step);
  CR_CHECK(whole.within == pieces.within);
  CR_CHECK(whole.events == pieces.events);
  if (whole.within) {
    std::string joined;
    for (const Event& event : whole.events) joined += event.raw;
    CR_CHECK(joined + whole.rest == bytes);
    CR_CHECK(whole.rest == pieces.rest);
  }

  // The dialect of the endpoint, or the other: what a client asked for does not say what its provider speaks.
  const bool anthropic = (dialect_of(endpoint) == Dialect::anthropic) != (data[0] >= 128);
  const auto& form = anthropic ? anthropic::k_meter_form : openai::k_meter_form;
  Meter stream(form, endpoint, UsageEvent::hide);
  for (const Event& event : whole.events) {
    const auto before = stream.estimated_output_tokens();
    stream.observe({event.raw, event.name, event.data});
    CR_CHECK(stream.estimated_output_tokens() >= before);
  }
  check_meter(stream);
  Meter body(form, endpoint, UsageEvent::forward);
  body.observe_body(bytes);
  CR_CHECK(body.ended());
  check_meter(body);
  return 0;
}
