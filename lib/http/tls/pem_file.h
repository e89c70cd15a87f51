// SPDX-License-Identifier: MIT
// read_pem_file: a file that should hold certificates or a private key, read whole and wiped by its user. Blocks on the
// disk: never called by a worker.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace cr::http::tls {

struct PemFile {
  base::Secret text;
  mode_t mode = 0;
};

// `what` names it in errors: "client key". `invalid`: it cannot be read, is no regular file, or is over 1 MiB.
base::Result<PemFile> read_pem_file(std::string_view what, const std::string& path);

}  // namespace cr::http::tls
