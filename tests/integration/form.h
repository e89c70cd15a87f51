// SPDX-License-Identifier: MIT
// Form: a multipart/form-data body for tests, part by part. Value; any thread.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace cr::test {

class Form {
 public:
  Form& field(const std::string& name, std::string_view value) {
    parts_ += part("name=\"" + name + "\"").append(value);
    return *this;
  }
  Form& file(const std::string& name, std::string_view content) {
    parts_ += part("name=\"" + name + "\"; filename=\"a.mp3\"\r\nContent-Type: audio/mpeg").append(content);
    return *this;
  }
  // The form up to where a file's content begins.
  std::string open_file(const std::string& name) const {
    return (parts_ + part("name=\"" + name + "\"; filename=\"a.mp3\"")).substr(2);
  }
  std::string body() const { return (parts_ + "\r\n" + delimiter() + "--\r\n").substr(2); }
  std::string delimiter() const { return "--" + boundary_; }
  std::string content_type() const { return "multipart/form-data; boundary=" + boundary_; }

 private:
  std::string part(const std::string& head) const {
    return "\r\n" + delimiter() + "\r\nContent-Disposition: form-data; " + head + "\r\n\r\n";
  }
  std::string boundary_ = "----FormBoundary7MA4YWxk";
  std::string parts_;
};

inline std::string chunk_of(std::string_view bytes) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return std::string(size).append(bytes).append("\r\n");
}

inline std::string hex_of(unsigned char byte) {
  char hex[3];
  std::snprintf(hex, sizeof hex, "%02x", byte);
  return hex;
}

}  // namespace cr::test
