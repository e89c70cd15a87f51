// SPDX-License-Identifier: MIT
// The files of books/, read.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "crctl/provider_books.h"

namespace cr::crctl {

inline ProviderBooks books_of(const std::vector<std::string>& names) {
  std::vector<BookFile> files;
  for (const auto& name : names) {
    const std::ifstream file(CR_SOURCE_DIR "/tests/unit/crctl/books/" + name);
    std::stringstream text;
    text << file.rdbuf();
    files.push_back({name, text.str()});
  }
  auto books = read_books(files);
  EXPECT_TRUE(books) << books.error().message;
  return books.value_or(ProviderBooks{});
}

}  // namespace cr::crctl
