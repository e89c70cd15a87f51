// SPDX-License-Identifier: MIT
#include "base/secret.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <type_traits>

namespace cr::base {
namespace {

static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!std::is_copy_assignable_v<Secret>);
static_assert(!std::is_convertible_v<std::string, Secret>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);
static_assert(std::is_nothrow_move_constructible_v<Secret>);

// Short enough to live inside the string object itself, and long enough for the heap.
constexpr std::string_view k_short = "sk-short-key";
constexpr std::string_view k_long = "sk-cr-0123456789012345678901234567890123456789";

bool object_holds(const void* object, std::size_t size, std::string_view text) {
  const auto* begin = static_cast<const char*>(object);
  return std::search(begin, begin + size, text.begin(), text.end()) != begin + size;
}

TEST(Secret, reveals_what_it_was_given) {
  for (const std::string_view text : {k_short, k_long, std::string_view("a\0b", 3), std::string_view()}) {
    const Secret secret(text);
    EXPECT_EQ(secret.reveal(), text);
    EXPECT_EQ(secret.size(), text.size());
    EXPECT_EQ(secret.empty(), text.empty());
    EXPECT_EQ(secret.clone().reveal(), text);
  }
}

TEST(Secret, takes_over_a_string_and_wipes_it) {
  for (const std::string_view text : {k_short, k_long}) {
    std::string source(text);
    const Secret secret(std::move(source));
    EXPECT_EQ(secret.reveal(), text);
    EXPECT_TRUE(source.empty());  // NOLINT(bugprone-use-after-move): what is left behind is what is tested
    // NOLINTBEGIN(bugprone-sizeof-container): its own bytes are looked at
    EXPECT_FALSE(object_holds(&source, sizeof source, text));
    EXPECT_FALSE(object_holds(&source, sizeof source, text.substr(1, 11)));
    // NOLINTEND(bugprone-sizeof-container)
  }
}

TEST(Secret, moving_leaves_nothing_behind) {
  for (const std::string_view text : {k_short, k_long}) {
    Secret source{text};
    Secret target(std::move(source));
    EXPECT_EQ(target.reveal(), text);
    EXPECT_TRUE(source.empty());  // NOLINT(bugprone-use-after-move)
    EXPECT_FALSE(object_holds(&source, sizeof source, text.substr(0, 11)));

    Secret assigned(std::string_view("what was there"));
    assigned = std::move(target);
    EXPECT_EQ(assigned.reveal(), text);
    EXPECT_TRUE(target.empty());  // NOLINT(bugprone-use-after-move)
    EXPECT_FALSE(object_holds(&target, sizeof target, text.substr(0, 11)));
    EXPECT_FALSE(object_holds(&target, sizeof target, "what was the"));
  }
}

TEST(Secret, assigning_to_itself_keeps_it) {
  Secret secret{k_long};
  Secret& same = secret;
  secret = std::move(same);
  EXPECT_EQ(secret.reveal(), k_long);
}

TEST(Secret, death_wipes_the_object) {
  alignas(Secret) char storage[sizeof(Secret)];
  auto* secret = new (storage) Secret(k_short);
  ASSERT_TRUE(object_holds(storage, sizeof storage, k_short));
  secret->~Secret();
  EXPECT_FALSE(object_holds(storage, sizeof storage, k_short));
}

TEST(Wipe, bytes_and_strings) {
  char data[] = "secret";
  wipe(data, 6);
  EXPECT_TRUE(std::all_of(data, data + sizeof data, [](char c) { return c == 0; }));

  std::string text(k_long);
  const char* heap = text.data();
  const std::size_t size = text.size();
  wipe(text);
  EXPECT_TRUE(text.empty());
  ASSERT_EQ(text.data(), heap);  // the buffer is still owned, so reading it is fine
  ASSERT_GE(text.capacity(), size);
  EXPECT_TRUE(std::all_of(heap, heap + size, [](char c) { return c == 0; }));

  // What stood behind an earlier, longer end goes too.
  std::string shrunk(k_long);
  shrunk.resize(1);
  wipe(shrunk);
  EXPECT_FALSE(object_holds(shrunk.data(), size, k_long.substr(1)));
}

}  // namespace
}  // namespace cr::base
