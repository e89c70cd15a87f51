// SPDX-License-Identifier: MIT
// What lies beside the store and in it under a code of the master key, its head and the sum of its settings: whatever
// the bytes, nothing is taken that was not written so to the byte, also where the code is right (as it cannot be for
// who has not the key).
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "check.h"
#include "ledger/sql/settings_sum.h"
#include "ledger/sqlite/head_file.h"

namespace {

namespace ledger = cr::ledger;

const cr::token::Vault& vault() {
  static const cr::token::Vault vault =
      std::move(*cr::token::Vault::make(cr::base::Secret(std::string(cr::token::Vault::k_master_bytes, 'f'))));
  return vault;
}

void check_head(std::string_view text) {
  const auto head = ledger::parse_head(text, vault());
  if (!head) return;
  CR_CHECK(ledger::to_text(*head, vault()) == text);
  CR_CHECK(head->seq >= 0 && head->tokens >= 0 && head->audit_seq >= 0 && head->overrun.nano() >= 0);
  ledger::Head kept;
  kept.keep(*head);
  CR_CHECK(kept.audit_seq == head->audit_seq && kept.newest == head->newest && kept.overrun == head->overrun);
}

void check_seal(std::string_view text) {
  const auto seal = ledger::parse_seal(text, vault());
  if (seal) CR_CHECK(ledger::to_text(*seal, vault()) == text && text.ends_with(ledger::code_of(text)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_head(text);
  check_seal(text);
  const std::string signed_text = text + " mac=" + ledger::to_hex(vault().head_code(text));
  check_head(signed_text + '\n');
  check_seal(signed_text);
  return 0;
}
