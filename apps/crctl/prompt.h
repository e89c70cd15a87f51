// SPDX-License-Identifier: MIT
// Asking a person: confirmations, and secrets typed without echo. Uses stdin and stderr; one thread.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "crctl/context.h"

namespace cr::crctl {

enum class Answer { yes, no };

// --yes answers it. Without a terminal, or with --no-input, it is `invalid` with a hint to --yes.
base::Result<Answer> confirm(Context& context, const std::string& question);

// Where a secret comes from: --key-stdin or --key-file FILE; on a terminal it is asked for, without echo.
struct SecretSource {
  bool from_stdin = false;
  std::optional<std::string> file;
  bool given() const { return from_stdin || file.has_value(); }
};
// The line end is dropped. An empty secret, one with blanks or several lines, or over 4096 bytes is `invalid`.
base::Result<base::Secret> read_secret(Context& context, const SecretSource& source, const std::string& what);

// All of stdin or a file ("-" is stdin), as it is. Over 64 MiB is `invalid`.
base::Result<std::string> read_text(const std::string& file);

}  // namespace cr::crctl
