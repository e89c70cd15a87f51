// SPDX-License-Identifier: MIT
// KeySink: where a new key goes: stdout, or a file. Everything that can be refused is refused in open(),
// before there is a key; a key that cannot be written is an Error, upon which the caller takes it back. One thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crctl/context.h"

namespace cr::crctl {

struct KeyTarget {
  std::optional<std::string> file;         // --out; absent or "-" = stdout
  std::optional<std::string> format;       // key, env, json
  std::optional<std::string> mode, owner;  // of the file; absent = as the one that is replaced, else nobody else's
  bool force = false;
};

class KeySink {
 public:
  // Refuses a file that exists (without force) or cannot be made, and what is no regular file (a device, a pipe, a
  // socket, a directory, a symbolic link) in any case; makes the folder, and in it the temporary file, which is given
  // to whom it is to be. A dry run makes neither.
  static base::Result<KeySink> open(Context& context, KeyTarget target);
  KeySink(KeySink&& other) noexcept;
  KeySink& operator=(KeySink&&) = delete;
  ~KeySink();  // removes what was not committed

  // `token_json` is the token's object, into which `key` is put where JSON is asked for.
  base::Result<void> write(std::string_view key, std::string_view token_json);
  bool is_file() const { return target_.file.has_value(); }
  const std::string& file() const { return *target_.file; }

 private:
  KeySink(Context& context, KeyTarget target) : context_(&context), target_(std::move(target)) {}
  base::Result<void> write_stdout(std::string_view key, std::string_view token_json);
  base::Result<void> write_file(std::string_view text);

  Context* context_;
  KeyTarget target_;
  std::string temporary_;
  int fd_ = -1;
};

// "OPENAI_API_KEY=..." and the like, with its line end.
std::string key_file_text(std::string_view format, std::string_view key, std::string_view token_json);

}  // namespace cr::crctl
