// SPDX-License-Identifier: MIT
// SettingsSum: what all rows of settings come to, so that one that was changed beside crd is found: of each table how
// many rows it has and the sum, modulo 2^256, of a keyed code of each. It follows each change of a row, and is kept in
// `meta` under a code of the master key, together with the audit's end: an older one does not fit what the audit says
// now. The engine shows the codes of all rows as a view, settings_row (part, code), and tells of each that comes or
// goes. The thread that has the connection.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ledger/sql/sql_session.h"
#include "token/key.h"

namespace cr::ledger {

// The tables; the place here is the `part` of the view.
inline constexpr std::array<std::string_view, 8> k_settings_parts{"account", "channel", "channel_key",      "grp",
                                                                  "key",     "price",   "price_generation", "token"};

struct SettingsPart {
  std::int64_t rows = 0;
  token::Digest sum{};
  bool operator==(const SettingsPart&) const = default;
};
using SettingsParts = std::array<SettingsPart, k_settings_parts.size()>;
struct SettingsState {
  SettingsParts parts{};
  base::Time pruned_before;  // no setting, but what is checked of requests hangs on it
  bool operator==(const SettingsState&) const = default;
};
void add_row(SettingsPart& part, std::span<const std::uint8_t> code);
void take_row(SettingsPart& part, std::span<const std::uint8_t> code);

struct SettingsSeal {
  SettingsState state{};
  std::int64_t audit_seq = 0;  // the audit's last entry, and the end of its chain in hexadecimal digits
  std::string audit_chain;
  bool operator==(const SettingsSeal&) const = default;
};
std::string to_text(const SettingsSeal& seal, const token::Vault& vault);
// None: it is not what to_text() makes, or was made with another master key.
std::optional<SettingsSeal> parse_seal(std::string_view text, const token::Vault& vault);
std::string_view code_of(std::string_view seal_text);  // that it ends with; what a head tells of it

base::Result<SettingsParts> sum_of_rows(SqlSession& sql);
base::Result<std::optional<std::string>> seal_text_of(SqlSession& sql);
// As the audit's last entry says; of none 0 and "".
base::Result<SettingsSeal> audit_end_of(SqlSession& sql);

class SettingsSum {
 public:
  explicit SettingsSum(const token::Vault& vault) : vault_(vault) {}

  // As the store has it. One that is not there, was altered or does not fit the audit's end is not followed, so that it
  // stays what it is until somebody accepts it.
  base::Result<void> load(SqlSession& sql);
  bool known() const { return known_; }
  base::Result<void> begin(SqlSession& sql);  // from the rows as they are

  void enters(std::size_t part, std::span<const std::uint8_t> code) { add_row(now_.parts.at(part), code); }
  void leaves(std::size_t part, std::span<const std::uint8_t> code) { take_row(now_.parts.at(part), code); }
  // Rows of requests before it are gone; writes it in its place in `meta`, too.
  base::Result<void> prune(SqlSession& sql, base::Time before);
  const SettingsState& now() const { return now_; }
  void put_back(const SettingsState& state) { now_ = state; }  // a savepoint was rolled back
  bool is_changed() const { return now_ != written_.state; }

  // In the transaction, after its last change and its last entry of the audit. False: the store has it already.
  base::Result<bool> write(SqlSession& sql);
  void committed() { committed_ = written_; }
  void rolled_back();

 private:
  base::Result<void> load_pruned(SqlSession& sql);

  const token::Vault& vault_;
  bool known_ = false;
  SettingsState now_{};
  SettingsSeal written_{}, committed_{};
};

}  // namespace cr::ledger
