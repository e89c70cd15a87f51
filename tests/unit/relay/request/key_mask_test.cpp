// SPDX-License-Identifier: MIT
#include "relay/request/key_mask.h"

#include <gtest/gtest.h>

#include <vector>

namespace cr::relay::request {
namespace {

using Keys = std::vector<std::shared_ptr<const base::Secret>>;

Keys keys_of(std::initializer_list<std::string_view> texts) {
  Keys keys;
  for (const auto text : texts) keys.push_back(std::make_shared<const base::Secret>(text));
  return keys;
}

TEST(KeyMask, each_key_wherever_it_stands) {
  const auto keys = keys_of({"sk-one", "sk-other", ""});
  const KeyMask mask(keys);
  struct Row {
    std::string_view text;
    std::optional<std::string> hidden;
  };
  const std::vector<Row> rows = {{"", std::nullopt},
                                 {"no key in it: sk-on", std::nullopt},
                                 {"sk-one", "******"},
                                 {"a sk-onesk-one, sk-other.", "a ************, ********."}};
  for (const auto& row : rows) EXPECT_EQ(mask.hide(row.text), row.hidden) << row.text;
  EXPECT_EQ(KeyMask().hide("sk-one"), std::nullopt);
}

}  // namespace
}  // namespace cr::relay::request
