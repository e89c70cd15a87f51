// SPDX-License-Identifier: MIT
#include "architecture/source_tree.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace cr::architecture {
namespace {

namespace fs = std::filesystem;

bool is_not_ours(const std::string& folder_name) {
  constexpr std::array<std::string_view, 4> k_names{"node_modules", "__pycache__", "build", "venv"};
  return folder_name.starts_with('.') || std::find(k_names.begin(), k_names.end(), folder_name) != k_names.end();
}

SourceFile read_file(const fs::path& root, const fs::path& path) {
  SourceFile file{path.lexically_relative(root).generic_string(), {}};
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  for (std::string line; std::getline(in, line);) file.lines.push_back(std::move(line));
  return file;
}

}  // namespace

std::string_view SourceFile::name() const {
  const std::string_view whole = path;
  return whole.substr(whole.rfind('/') + 1);
}

std::string_view SourceFile::extension() const {
  const std::string_view last = name();
  const std::size_t dot = last.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : last.substr(dot);
}

std::string SourceFile::module() const {
  const std::size_t first = path.find('/');
  const std::size_t last = path.rfind('/');
  return first == last ? std::string() : path.substr(first + 1, last - first - 1);
}

std::vector<SourceFile> read_tree(const std::vector<std::string>& tops) {
  const fs::path root = CR_SOURCE_DIR;
  std::vector<SourceFile> files;
  for (const std::string& top : tops) {
    if (!fs::exists(root / top)) continue;
    for (auto entry = fs::recursive_directory_iterator(root / top); entry != fs::recursive_directory_iterator();
         ++entry) {
      if (entry->is_directory() && is_not_ours(entry->path().filename())) entry.disable_recursion_pending();
      if (entry->is_regular_file()) files.push_back(read_file(root, entry->path()));
    }
  }
  std::sort(files.begin(), files.end(), [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

std::vector<Include> includes_of(const SourceFile& file) {
  std::vector<Include> found;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    std::string_view line = file.lines[i];
    const auto skip_blanks = [&line] { line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size())); };
    skip_blanks();
    if (!line.starts_with('#')) continue;
    line.remove_prefix(1);
    skip_blanks();
    if (!line.starts_with("include")) continue;
    line.remove_prefix(7);
    skip_blanks();
    if (!line.starts_with('"') && !line.starts_with('<')) continue;
    const bool quoted = line.starts_with('"');
    const std::size_t end = line.find(quoted ? '"' : '>', 1);
    if (end != std::string_view::npos) found.push_back({std::string(line.substr(1, end - 1)), quoted, i + 1});
  }
  return found;
}

std::string at(const SourceFile& file, std::size_t line) {
  return file.path + ':' + std::to_string(line);
}

}  // namespace cr::architecture
