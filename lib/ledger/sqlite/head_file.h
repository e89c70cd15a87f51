// SPDX-License-Identifier: MIT
// HeadFile: what is known of the store outside of it: how far it had come. Kept in another folder, best on another
// disk, under a code of the master key, so that a store whose newest commits are gone, or that is another, can be told
// from one that is whole. One line of text. It is written after the commit that it tells of, and so never ahead of the
// store. Blocking; one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/credits.h"
#include "base/result.h"
#include "ledger/sql/audit.h"
#include "token/key.h"

namespace cr::ledger {

struct Head {
  std::string store_id;        // in hexadecimal digits, as all that are bytes here
  std::int64_t seq = 0;        // raised once a second, and with each change of settings; 0 = the store knows of no head
  base::Time at;               // when it was raised to that
  std::int64_t tokens = 0;     // the newest token's number
  std::int64_t audit_seq = 0;  // the audit's last entry, and the end of its chain
  std::string audit_chain;
  std::string settings;      // what the sum of the settings ends with, which changes with the audit alone
  base::Time pruned_before;  // rows of requests
  base::Credits overrun;
  std::string newest;  // the id of the newest request's row; "" = there was none yet
  bool operator==(const Head&) const = default;

  // None of these becomes less: what an earlier head knows and the store lacks stays missed.
  void keep(const Head& earlier);
};

std::string to_text(const Head& head, const token::Vault& vault);
// `corrupt`: not a head's text, or not of this master key. The caller names the file.
base::Result<Head> parse_head(std::string_view text, const token::Vault& vault);

// None: there is no such file. Errors name it.
base::Result<std::optional<Head>> load_head(const std::string& path, const token::Vault& vault);
base::Result<void> save_head(const std::string& path, const Head& head, const token::Vault& vault);
// The folder that it lies in, if that is missing: for this user alone, and durably.
base::Result<void> make_head_folder(const std::string& path);

}  // namespace cr::ledger
