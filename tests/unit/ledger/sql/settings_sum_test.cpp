// SPDX-License-Identifier: MIT
// The arithmetic of the settings' sum, and its text. That it follows each change is in settings_replay_test.cpp.
#include "ledger/sql/settings_sum.h"

#include "unit/ledger/ledger_fixture.h"

namespace cr::ledger {
namespace {

token::Digest digest_of(std::uint8_t first, std::uint8_t last) {
  token::Digest digest{};
  digest.front() = first;
  digest.back() = last;
  return digest;
}

TEST(SettingsPart, rows_come_and_go_in_any_order) {
  SettingsPart part;
  const std::array rows{digest_of(255, 255), digest_of(1, 1), digest_of(128, 200), digest_of(0, 255)};
  for (const auto& row : rows) add_row(part, row);
  EXPECT_EQ(part.rows, 4);
  for (const std::size_t i : {2U, 0U, 3U}) take_row(part, rows[i]);
  EXPECT_EQ(part, (SettingsPart{1, rows[1]}));
  take_row(part, rows[1]);
  EXPECT_EQ(part, SettingsPart());
}

class SettingsSeals : public LedgerFixture {
 protected:
  static SettingsSeal sample() {
    SettingsSeal seal;
    for (std::size_t i = 0; i < seal.state.parts.size(); ++i)
      seal.state.parts[i] = {static_cast<std::int64_t>(i) - 1, digest_of(static_cast<std::uint8_t>(i), 7)};
    seal.state.pruned_before = base::from_unix_ms(1'790'000'000'123);
    seal.audit_seq = 12;
    seal.audit_chain = std::string(64, 'c');
    return seal;
  }
  token::Vault vault_ = vault_of();
};

TEST_F(SettingsSeals, read_as_they_were_written_and_not_otherwise) {
  const std::string text = to_text(sample(), vault_);
  EXPECT_EQ(parse_seal(text, vault_), sample());
  EXPECT_FALSE(parse_seal(text, vault_of('b')));
  EXPECT_EQ(text.substr(text.size() - 64), code_of(text));
  for (std::size_t at = 0; at < text.size(); ++at) {
    EXPECT_FALSE(parse_seal(text.substr(0, at), vault_)) << at;
    std::string altered = text;
    altered[at] = static_cast<char>(altered[at] ^ 1);
    EXPECT_FALSE(parse_seal(altered, vault_)) << at;
    EXPECT_FALSE(parse_seal(text.substr(0, at) + '0' + text.substr(at), vault_)) << at;
  }
}

}  // namespace
}  // namespace cr::ledger
