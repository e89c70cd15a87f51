// SPDX-License-Identifier: MIT
// How many data members a class may have: an object that needs more is several. Reads declarations as clang-format
// leaves them, by their braces; what a macro hides is not seen.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <regex>
#include <set>

#include "architecture/source_tree.h"

namespace cr::architecture {
namespace {

constexpr std::size_t k_members_max = 25;

struct Class {
  std::string name;
  std::size_t members = 0;
};

// Without comments, preprocessor lines and what literals say.
std::string code_of(const SourceFile& file) {
  static const std::regex noise(R"re("(\\.|[^"\\])*"|'(\\.|[^'\\])+'|//.*)re");
  std::string code;
  for (const auto& line : file.lines) {
    if (line.starts_with('#')) continue;
    code += std::regex_replace(line, noise, "") + '\n';
  }
  return code;
}

// The place of the brace that closes the one at `open`.
std::size_t closing(const std::string& code, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < code.size(); ++i) {
    if (code[i] == '{') ++depth;
    if (code[i] == '}' && --depth == 0) return i;
  }
  return code.size();
}

std::string without_nested(const std::string& text, char open, char close) {
  std::string outside;
  int depth = 0;
  for (const char c : text) {
    if (c == open) ++depth;
    if (depth == 0) outside += c;
    if (c == close && depth > 0) --depth;
  }
  return outside;
}

// A statement of a class without template arguments, attributes and labels.
std::string plain(const std::string& statement) {
  static const std::regex noise(R"(\b(CR_\w+|alignas)\s*\([^()]*\)|\b(public|private|protected)\s*:(?!:)|\[\[\w+\]\])");
  auto text = std::regex_replace(without_nested(statement, '<', '>'), noise, "");
  text.erase(0, text.find_first_not_of(" \n"));
  return text;
}

bool is_function(const std::string& statement) {
  const auto text = plain(statement);
  const auto parenthesis = text.find('('), value = text.find('=');
  return text.find("operator") != text.npos || (parenthesis != text.npos && parenthesis < value);
}

// How many data members one statement declares; the bodies in its braces are left out.
std::size_t members_in(const std::string& statement) {
  auto text = plain(statement);
  static const std::regex type(R"(^(class|struct|enum|union)\b)"), none(R"(^(using|friend|static|typedef|template)\b)");
  if (std::regex_search(text, type)) {
    const auto body = text.find("{}");
    if (body == text.npos) return 0;
    text.erase(0, body + 2);
  } else if (std::regex_search(text, none) || is_function(statement)) {
    return 0;
  }
  text = without_nested(text, '(', ')');
  if (text.find_first_not_of(" \n") == text.npos) return 0;
  return 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), ','));
}

bool declares_type(const std::string& statement) {
  static const std::regex type(R"(^(class|struct|enum|union)\b)");
  return std::regex_search(plain(statement), type);
}

std::size_t count_members(const std::string& body) {
  std::size_t members = 0;
  std::string statement;
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] == ';') {
      members += members_in(statement);
      statement.clear();
    } else if (body[i] != '{') {
      statement += body[i];
    } else {
      const bool function = is_function(statement) && !declares_type(statement);
      i = closing(body, i);
      statement += "{}";
      const auto next = body.find_first_not_of(" \n", i + 1);
      const bool goes_on = next != body.npos && (body[next] == ',' || body[next] == '{');
      if (function && !goes_on) statement.clear();
    }
  }
  return members;
}

std::vector<Class> classes_of(const SourceFile& file) {
  static const std::regex head(
      R"((^|[^\w])(enum\s+)?(class|struct)\s+([A-Za-z_][\w:]*)\s*(final\s*)?(:[^:;{}][^;{}]*)?\{)");
  const auto code = code_of(file);
  std::vector<Class> classes;
  for (auto found = std::sregex_iterator(code.begin(), code.end(), head); found != std::sregex_iterator(); ++found) {
    if ((*found)[2].matched) continue;
    const auto open = static_cast<std::size_t>(found->position() + found->length() - 1);
    const auto end = closing(code, open);
    classes.push_back({(*found)[4], count_members(code.substr(open + 1, end - open - 1))});
  }
  return classes;
}

// Those that may have more, and why.
const std::map<std::string, std::string_view>& exceptions() {
  constexpr std::string_view k_record = "a record of settings: its fields are what there is to set";
  constexpr std::string_view k_message = "a message: its fields are what there is to tell";
  static const std::map<std::string, std::string_view> table = {
      {"lib/admin/channel_messages.h Channel", k_message},
      {"lib/admin/channel_messages.h ChannelCreate", k_message},
      {"lib/admin/channel_messages.h ChannelEdit", k_message},
      {"lib/admin/report_messages.h Request", k_message},
      {"lib/admin/token_messages.h Token", k_message},
      {"lib/http/server/connection.h Connection",
       "one socket with its one buffer: what is read of it lies where it came"},
      {"lib/ledger/core/records.h ChannelRecord", k_record},
  };
  return table;
}

TEST(Members, a_class_has_few) {
  std::size_t seen = 0;
  std::set<std::string> used;
  for (const SourceFile& file : read_tree({"lib", "apps"})) {
    if (!file.is_cpp()) continue;
    for (const auto& one : classes_of(file)) {
      ++seen;
      if (one.members <= k_members_max) continue;
      const auto name = file.path + " " + one.name;
      if (exceptions().contains(name)) {
        used.insert(name);
      } else {
        ADD_FAILURE() << name << " has " << one.members << " data members, over " << k_members_max
                      << ": find the object in it that has a name of its own";
      }
    }
  }
  EXPECT_GT(seen, 400U) << "classes are not recognised any more";
  for (const auto& [name, reason] : exceptions()) {
    EXPECT_TRUE(used.contains(name)) << name << " is in the table and needs not be";
    EXPECT_GT(reason.size(), 10U);
  }
}

TEST(Members, the_checker_sees) {
  const auto members = [](std::vector<std::string> lines) {
    const auto classes = classes_of({"lib/a/b.h", std::move(lines)});
    return classes.empty() ? std::size_t{99} : classes.front().members;
  };
  EXPECT_EQ(members({"struct A {", "  int a = 0, b = f(1, 2);", "  std::map<int, int> c;", "};"}), 3U);
  EXPECT_EQ(members({"class A : public B {", " public:", "  A(int a, int b) : a_(a), b_{b} {}", "  int f() const;",
                     "  int g() { return a_; }", "", " private:", "  int a_;  // x; y", "  int b_{0};", "};"}),
            2U);
  EXPECT_EQ(members({"struct A {", "  std::function<void(int)> called;", "  int held CR_GUARDED_BY(mutex_) = 0;",
                     "  enum class State { on, off } state = State::on;", "  struct B {", "    int c;", "  };",
                     "  static int d;", "  using E = int;", "  friend class F;", "};"}),
            3U);
  EXPECT_EQ(members({"enum class A { b, c };"}), 99U);
  EXPECT_EQ(members({"class A;"}), 99U);
}

}  // namespace
}  // namespace cr::architecture
