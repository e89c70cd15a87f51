// SPDX-License-Identifier: MIT
#include "ledger/sql/settings_sum.h"

#include <charconv>

#include "ledger/sql/audit.h"

namespace cr::ledger {
namespace {

using base::Result;

constexpr std::string_view k_form = "crd-settings 1";
constexpr std::string_view k_code = " mac=";

// Takes " name=" and what is up to `end` off the front of `rest`.
std::optional<std::string_view> take(std::string_view& rest, std::string_view name, char end) {
  const std::string start = ' ' + std::string(name) + '=';
  if (!rest.starts_with(start)) return std::nullopt;
  rest.remove_prefix(start.size());
  const std::string_view value = rest.substr(0, rest.find(end));
  rest.remove_prefix(value.size());
  return value;
}

bool to_number(std::optional<std::string_view> text, std::int64_t& number) {
  if (!text) return false;
  const auto read = std::from_chars(text->data(), text->data() + text->size(), number);
  return read.ec == std::errc() && read.ptr == text->data() + text->size();
}

bool to_digest(std::string_view text, token::Digest& digest) {
  if (text.size() != digest.size() * 2) return false;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const char* at = text.data() + 2 * i;
    if (std::from_chars(at, at + 2, digest[i], 16).ptr != at + 2) return false;
  }
  return true;
}

std::string text_without_code(const SettingsSeal& seal) {
  std::string text(k_form);
  const SettingsParts& parts = seal.state.parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    text += ' ' + std::string(k_settings_parts[i]) + '=' + std::to_string(parts[i].rows) + ':' + to_hex(parts[i].sum);
  }
  return text + " pruned=" + std::to_string(base::to_unix_ms(seal.state.pruned_before)) +
         " audit=" + std::to_string(seal.audit_seq) + " chain=" + seal.audit_chain;
}

}  // namespace

// The last byte is the lowest.
void add_row(SettingsPart& part, std::span<const std::uint8_t> code) {
  ++part.rows;
  unsigned carry = 0;
  for (std::size_t i = part.sum.size(); i-- > 0;) {
    carry += part.sum[i] + (i < code.size() ? code[i] : 0U);
    part.sum[i] = static_cast<std::uint8_t>(carry & 0xFFU);
    carry >>= 8;
  }
}

void take_row(SettingsPart& part, std::span<const std::uint8_t> code) {
  --part.rows;
  unsigned borrow = 0;
  for (std::size_t i = part.sum.size(); i-- > 0;) {
    const unsigned less = borrow + (i < code.size() ? code[i] : 0U);
    borrow = part.sum[i] < less ? 1 : 0;
    part.sum[i] = static_cast<std::uint8_t>((part.sum[i] + 0x100U - less) & 0xFFU);
  }
}

std::string to_text(const SettingsSeal& seal, const token::Vault& vault) {
  const std::string text = text_without_code(seal);
  return text + std::string(k_code) + to_hex(vault.head_code(text));
}

std::optional<SettingsSeal> parse_seal(std::string_view text, const token::Vault& vault) {
  if (!text.starts_with(k_form)) return std::nullopt;
  std::string_view rest = text.substr(k_form.size());
  SettingsSeal seal;
  std::int64_t pruned = 0;
  for (std::size_t i = 0; i < k_settings_parts.size(); ++i) {
    SettingsPart& part = seal.state.parts[i];
    if (!to_number(take(rest, k_settings_parts[i], ':'), part.rows) || rest.empty()) return std::nullopt;
    rest.remove_prefix(1);
    const std::string_view sum = rest.substr(0, rest.find(' '));
    rest.remove_prefix(sum.size());
    if (!to_digest(sum, part.sum)) return std::nullopt;
  }
  if (!to_number(take(rest, "pruned", ' '), pruned)) return std::nullopt;
  seal.state.pruned_before = base::from_unix_ms(pruned);
  if (!to_number(take(rest, "audit", ' '), seal.audit_seq)) return std::nullopt;
  const auto chain = take(rest, "chain", ' ');
  if (!chain) return std::nullopt;
  seal.audit_chain = *chain;
  // Written anew it must be the same to the byte: there is one text of a sum.
  if (to_text(seal, vault) != text) return std::nullopt;
  return seal;
}

std::string_view code_of(std::string_view seal_text) {
  const std::size_t at = seal_text.rfind(k_code);
  return at == std::string_view::npos ? std::string_view() : seal_text.substr(at + k_code.size());
}

Result<SettingsParts> sum_of_rows(SqlSession& sql) {
  SettingsParts parts{};
  auto read = sql.each_row("SELECT part, code FROM settings_row", [&](const Row& row) -> Result<void> {
    add_row(parts.at(static_cast<std::size_t>(row.column_int(0))), row.column_blob(1));
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return parts;
}

Result<std::optional<std::string>> seal_text_of(SqlSession& sql) {
  return sql.find_text("SELECT value FROM meta WHERE key = 'settings'");
}

Result<SettingsSeal> audit_end_of(SqlSession& sql) {
  SettingsSeal end;
  auto read =
      sql.each_row("SELECT seq, chain FROM audit ORDER BY seq DESC LIMIT 1", [&](const Row& row) -> Result<void> {
        end.audit_seq = row.column_int(0);
        end.audit_chain = to_hex(row.column_blob(1));
        return {};
      });
  if (!read) return tl::unexpected(read.error());
  return end;
}

Result<void> SettingsSum::load(SqlSession& sql) {
  known_ = false;
  const auto text = seal_text_of(sql);
  if (!text) return tl::unexpected(text.error());
  const auto end = audit_end_of(sql);
  if (!end) return tl::unexpected(end.error());
  const auto seal = *text ? parse_seal(**text, vault_) : std::nullopt;
  if (!seal || seal->audit_seq != end->audit_seq || seal->audit_chain != end->audit_chain) return load_pruned(sql);
  known_ = true;
  now_ = seal->state;
  written_ = committed_ = *seal;
  return {};
}

Result<void> SettingsSum::load_pruned(SqlSession& sql) {
  const auto pruned = sql.find_int("SELECT value FROM meta WHERE key = 'pruned_before'");
  if (!pruned) return tl::unexpected(pruned.error());
  now_.pruned_before = base::from_unix_ms(pruned->value_or(0));
  return {};
}

Result<void> SettingsSum::begin(SqlSession& sql) {
  const auto parts = sum_of_rows(sql);
  if (!parts) return tl::unexpected(parts.error());
  if (auto done = load_pruned(sql); !done) return done;
  now_.parts = *parts;
  known_ = true;
  return {};
}

Result<void> SettingsSum::prune(SqlSession& sql, base::Time before) {
  if (before <= now_.pruned_before) return {};
  now_.pruned_before = before;
  return sql.run("UPDATE meta SET value = ?1 WHERE key = 'pruned_before'", before);
}

Result<bool> SettingsSum::write(SqlSession& sql) {
  if (!known_) return false;
  auto seal = audit_end_of(sql);
  if (!seal) return tl::unexpected(seal.error());
  seal->state = now_;
  if (*seal == written_) return false;
  auto done = sql.run(
      "INSERT INTO meta (key, value) VALUES ('settings', ?1) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      to_text(*seal, vault_));
  if (!done) return tl::unexpected(done.error());
  written_ = std::move(*seal);
  return true;
}

void SettingsSum::rolled_back() {
  written_ = committed_;
  now_ = committed_.state;
}

}  // namespace cr::ledger
