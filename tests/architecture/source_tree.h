// SPDX-License-Identifier: MIT
// The project's own files, read once, for the tests that hold them against the rules of the architecture. One thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cr::architecture {

struct SourceFile {
  std::string path;  // from the project's root: "lib/base/text.cpp"
  std::vector<std::string> lines;

  std::string_view name() const;       // "text.cpp"
  std::string_view extension() const;  // ".cpp"
  std::string module() const;          // "http/tls" of lib/http/tls/a.h, "crctl" of apps/crctl/a.cpp
  bool is_header() const { return extension() == ".h" || extension() == ".hpp"; }
  bool is_cpp() const { return extension() == ".cpp" || is_header(); }
};

// Every text file under the named top folders, generated and fetched trees left out.
std::vector<SourceFile> read_tree(const std::vector<std::string>& tops);

struct Include {
  std::string target;   // what stands between the quotes or the brackets
  bool quoted = false;  // "..." and not <...>
  std::size_t line = 0;
};
std::vector<Include> includes_of(const SourceFile& file);

// "lib/base/text.cpp:12", as a compiler says it.
std::string at(const SourceFile& file, std::size_t line);

}  // namespace cr::architecture
