// SPDX-License-Identifier: MIT
#include "dialect/openai/multipart.h"

#include <gtest/gtest.h>

#include <vector>

namespace cr::dialect::openai {
namespace {

struct Part {
  std::string name;
  bool has_file_name = false;
  bool plain = true;
  std::string content;
  bool operator==(const Part&) const = default;
};

struct Parts {
  std::vector<Part> parts;
  bool done = false;
  bool refused = false;
  std::string reason;
  bool operator==(const Parts&) const = default;
};

Parts read(std::string_view body, std::size_t piece, std::string_view boundary = "bound") {
  MultipartReader reader(boundary);
  Parts out;
  while (!body.empty() && !out.refused) {
    auto input = body.substr(0, piece);
    body.remove_prefix(input.size());
    while (!input.empty() && !out.refused) {
      const auto step = reader.step(input);
      input.remove_prefix(step.consumed);
      if (step.state == PartState::head) {
        out.parts.push_back({reader.head().name, reader.head().has_file_name, reader.head().plain, {}});
      } else if (step.state == PartState::data) {
        out.parts.back().content.append(step.data);
      } else if (step.state == PartState::refused) {
        out.refused = true;
        out.reason = reader.reason();
      }
    }
  }
  out.done = reader.done();
  return out;
}

// The same at every cut in two, and in pieces of every small size.
Parts read_every_way(const std::string& body, std::string_view boundary = "bound") {
  Parts whole = read(body, body.size() + 1, boundary);
  for (std::size_t piece = 1; piece < body.size(); ++piece) {
    EXPECT_EQ(read(body, piece, boundary), whole) << "in pieces of " << piece << ": " << body;
  }
  return whole;
}

std::string part(const std::string& head, const std::string& content) {
  return "--bound\r\n" + head + "\r\n\r\n" + content + "\r\n";
}
std::string field(const std::string& name, const std::string& content) {
  return part("Content-Disposition: form-data; name=\"" + name + "\"", content);
}
const std::string k_end = "--bound--\r\n";

TEST(Multipart, PartsWithHeadsAndContents) {
  const auto body = field("model", "m") +
                    part("content-disposition: form-data; name=file; filename=\"a b.mp3\"\r\nContent-Type: audio/mpeg",
                         std::string("\0\r\n\xff", 4)) +
                    field("empty", "") + k_end;
  const auto read = read_every_way(body);
  EXPECT_TRUE(read.done) << read.reason;
  const std::vector<Part> expected{
      {"model", false, true, "m"}, {"file", true, false, std::string("\0\r\n\xff", 4)}, {"empty", false, true, ""}};
  EXPECT_EQ(read.parts, expected);
}

TEST(Multipart, WhatLooksLikeABoundaryIsContent) {
  for (const std::string content :
       {"x--bound--", "\r", "\n", "\r\n", "\r\n\r\n", "\r\r\n", "\n\r\n-", "\r\n--", "\r\n--boun", "\r\n--boun\r",
        "\r\n--boun\r\n", "\r\n-\r\n--\r\n--b", "\r\n --bound", "\r\n--Bound\r\n", "a\r\n--boux\r\n--boud"}) {
    const auto read = read_every_way(field("f", content) + k_end);
    ASSERT_EQ(read.parts.size(), 1U) << read.reason;
    EXPECT_TRUE(read.done) << read.reason;
    EXPECT_EQ(read.parts[0].content, content);
  }
}

TEST(Multipart, TheEndMayLackItsLineEndAndNothingElse) {
  EXPECT_TRUE(read_every_way(field("f", "x") + "--bound--").done);
  EXPECT_FALSE(read_every_way(field("f", "x") + "--bound--\r").done);
  EXPECT_FALSE(read_every_way(field("f", "x") + "--bound-").done);
  EXPECT_FALSE(read_every_way(field("f", "x") + "--bound").done);
  EXPECT_FALSE(read_every_way(field("f", "x")).done);
  EXPECT_FALSE(read_every_way("").done);
}

TEST(Multipart, NothingIsRepaired) {
  const auto disposition = [](const std::string& value) { return part("Content-Disposition: " + value, "x") + k_end; };
  const std::vector<std::string> bodies = {
      "\r\n" + field("f", "x") + k_end,  // preamble
      "hello\r\n" + field("f", "x") + k_end,
      field("f", "x") + k_end + "\r\n",  // epilogue
      field("f", "x") + k_end + field("model", "m") + k_end,
      field("f", "x") + "--bound--x",
      field("f", "x") + "--bound \r\n",    // padding
      field("f", "x") + "--boundary\r\n",  // a longer one
      field("f", "x") + "--bound\n",
      field("f", "x") + "--bound\rx",
      field("f", "x\n--bound") + k_end,  // a line that begins otherwise
      field("f", "--bound") + k_end,
      field("f", "x\r--bound") + k_end,
      field("f", "x\r\n\n--bound--") + k_end,
      field("f", "x\n\r\r--bound--") + k_end,
      "--bound\r\nContent-Disposition: form-data; name=f\r\n\r\n--bound--\r\n",  // no content at all
      "--bound\r\n\r\nx\r\n" + k_end,                                            // no head
      part("Content-Type: text/plain", "x") + k_end,
      "--bound\nContent-Disposition: form-data; name=f\n\nx\n--bound--\n",
      part("Content-Disposition: form-data; name=f\nX: y", "x") + k_end,
      part("Content-Disposition: form-data;\r\n name=f", "x") + k_end,
      part("Content-Disposition : form-data; name=f", "x") + k_end,
      part(": x\r\nContent-Disposition: form-data; name=f", "x") + k_end,
      part(std::string("Content-Disposition: form-data; name=f\r\nX: a\0b", 45), "x") + k_end,
      part("Content-Disposition: form-data; name=f\r\nContent-Disposition: form-data; name=g", "x") + k_end,
      disposition("attachment; name=f"),
      disposition("form-data"),
      disposition("form-data; name="),
      disposition("form-data; name=\"f"),
      disposition("form-data; name =f"),
      disposition("form-data; name=f; name=g"),
      disposition("form-data; name=f; NAME=g"),
      disposition("form-data; name=f; name*=UTF-8''model"),
      disposition("form-data; name=f; name*0=mo; name*1=del"),
      disposition("form-data; name=\"mod\\el\""),
      disposition("form-data; name=\"%6dodel\""),
      disposition("form-data; name=f; filename=\"a\\\"; name=model; x=\""),
      disposition("form-data; name=f; filename=a; filename=b"),
      disposition("form-data; name=f;"),
      disposition("form-data; name=f garbage"),
      disposition("form-data, name=f"),
  };
  for (const auto& body : bodies) EXPECT_TRUE(read_every_way(body).refused) << body;
}

TEST(Multipart, HeadsAndPartsAreBounded) {
  const std::string disposition = "Content-Disposition: form-data; name=f\r\nX: ";
  const auto fits = MultipartReader::k_head_bytes_max - disposition.size() - 4;
  EXPECT_FALSE(read(part(disposition + std::string(fits, 'x'), "") + k_end, 1000).refused);
  EXPECT_TRUE(read(part(disposition + std::string(fits + 1, 'x'), "") + k_end, 1000).refused);
  std::string body;
  for (std::uint32_t i = 0; i < MultipartReader::k_parts_max; ++i) body += field("f", "");
  EXPECT_TRUE(read(body + k_end, 1000).done);
  EXPECT_TRUE(read(body + field("f", "") + k_end, 1000).refused);
}

TEST(Multipart, PlainIsWhatNoReaderDecodes) {
  const auto plain = [](const std::string& lines) {
    const auto read = read_every_way(part("Content-Disposition: form-data; name=f\r\n" + lines, "x") + k_end);
    EXPECT_EQ(read.parts.size(), 1U) << read.reason;
    return !read.parts.empty() && read.parts[0].plain;
  };
  for (const auto* lines : {"Content-Type: text/plain", "content-type: Text/Plain; charset=UTF-8",
                            "Content-Type: text/plain;charset=\"us-ascii\"", "Content-Transfer-Encoding: 8bit",
                            "Content-Type: text/plain; charset=ISO-8859-1"}) {
    EXPECT_TRUE(plain(lines)) << lines;
  }
  for (const auto* lines :
       {"Content-Type: text/plain; charset=utf-16", "Content-Type: text/html", "Content-Type: application/json",
        "Content-Type: multipart/mixed; boundary=x", "Content-Transfer-Encoding: base64",
        "Content-Transfer-Encoding: quoted-printable", "Content-Type: text/plain; charset=\"utf-7\"; charset=utf-8"}) {
    EXPECT_FALSE(plain(lines)) << lines;
  }
}

TEST(Multipart, BoundaryOfAContentType) {
  const std::string longest(70, 'b');
  const std::vector<std::pair<std::string, std::string>> good = {
      {"multipart/form-data; boundary=abc", "abc"},
      {"Multipart/Form-Data;BOUNDARY=abc", "abc"},
      {"multipart/form-data; boundary=\"a:b c?\"", "a:b c?"},
      {"multipart/form-data; charset=utf-8; boundary=----x", "----x"},
      {"multipart/form-data; boundary=" + longest, longest},
  };
  for (const auto& [value, boundary] : good) {
    const auto found = multipart_boundary(value);
    ASSERT_TRUE(found) << value;
    EXPECT_EQ(*found, boundary);
    EXPECT_EQ(multipart_boundary(multipart_content_type(boundary)).value(), boundary);
  }
  for (const std::string value : {"multipart/form-data", "multipart/form-data;",
                                  "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\"",
                                  "multipart/form-data; boundary=\"ab", "multipart/form-data; boundary=a; boundary=a",
                                  "multipart/form-data; boundary=a b", "multipart/form-data; boundary=\"a \"",
                                  "multipart/form-data; boundary=\"a\\\"b\"", "multipart/form-data; boundary=a@b",
                                  "multipart/form-data; boundary=\"a{b\"", "multipart/form-data boundary=a"}) {
    const auto found = multipart_boundary(value);
    ASSERT_FALSE(found) << value;
    EXPECT_EQ(found.error().code, RefusalCode::invalid_multipart) << value;
  }
  EXPECT_FALSE(multipart_boundary("multipart/form-data; boundary=" + longest + "b"));
  for (const auto* value :
       {"", "application/json", "multipart/mixed; boundary=a", "multipart/form-datax; boundary=a"}) {
    const auto found = multipart_boundary(value);
    ASSERT_FALSE(found) << value;
    EXPECT_EQ(found.error().code, RefusalCode::unsupported_media_type) << value;
  }
}

}  // namespace
}  // namespace cr::dialect::openai
