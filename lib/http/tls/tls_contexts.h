// SPDX-License-Identifier: MIT
// TlsContexts: what connections to providers are verified by, and what they show of themselves: one context for each
// set of certificate files that channels name. An entry is never changed, only replaced. Any thread; files are read by
// those who call read() and put() only, never by a worker. Lives longer than all connections.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <compare>
#include <map>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/result.h"

namespace cr::http::tls {

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

// Absolute paths of PEM files; empty = not set. A certificate goes with its key.
struct TlsFiles {
  std::string ca_file;  // only these CAs, in place of the usual ones
  std::string client_cert, client_key;
  bool empty() const { return ca_file.empty() && client_cert.empty(); }
  auto operator<=>(const TlsFiles&) const = default;
};

class TlsContexts {
 public:
  // The usual CAs are the system's and those of `extra_ca_file` (may be empty). TLS 1.2 at least.
  static base::Result<std::unique_ptr<TlsContexts>> make(const std::string& extra_ca_file);

  // Reads the files. `invalid`, naming the file and what is wrong with it.
  base::Result<TlsContext> read(const TlsFiles& files) const;
  // What look_up() gives for these files from now on: a context, or why there is none.
  void put(const TlsFiles& files, base::Result<TlsContext> context);
  // No file is read here. Files that nobody put in: `unavailable`.
  base::Result<TlsContext> look_up(const TlsFiles& files) const;

 private:
  explicit TlsContexts(std::string extra_ca_file) : extra_ca_file_(std::move(extra_ca_file)) {}

  const std::string extra_ca_file_;
  TlsContext usual_;  // for channels that name no file
  mutable base::Mutex mutex_;
  std::map<TlsFiles, base::Result<TlsContext>> contexts_ CR_GUARDED_BY(mutex_);
};

}  // namespace cr::http::tls
