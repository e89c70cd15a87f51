// SPDX-License-Identifier: MIT
#include "http/coding/content_coding.h"

#include "base/text.h"

namespace cr::http::coding {

namespace {

std::optional<ContentCoding> named(std::string_view name) {
  const auto is = [name](std::string_view known) { return base::equals_ignoring_case(name, known); };
  if (is("identity")) return ContentCoding::identity;
  if (is("gzip") || is("x-gzip")) return ContentCoding::gzip;
  if (is("deflate")) return ContentCoding::deflate;
  if (is("zstd")) return ContentCoding::zstd;
  if (is("br")) return ContentCoding::br;
  return std::nullopt;
}

}  // namespace

std::optional<ContentCoding> parse_content_coding(std::string_view value) {
  auto coding = ContentCoding::identity;
  for (const auto& name : base::split_list(value)) {
    const auto one = named(name);
    if (!one) return std::nullopt;
    if (*one == ContentCoding::identity) continue;
    if (coding != ContentCoding::identity) return std::nullopt;
    coding = *one;
  }
  return coding;
}

}  // namespace cr::http::coding
