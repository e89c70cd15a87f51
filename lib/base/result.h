// SPDX-License-Identifier: MIT
// Result<T> and Error: how every module reports failure. Plain values, any thread.
// Messages start lower-case, name the thing and read on after a colon; they never hold a key or an exception's text.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace cr::base {

// Named by what the caller does next. Two tables map them: HTTP status (server/admin/status.cpp) and exit code
// (apps/crctl).
enum class ErrorCode {
  invalid,          // change what was sent
  forbidden,        // ask someone with the right to it
  not_found,        // look for another name
  conflict,         // read again, then decide: it exists already, or its rev has moved
  exhausted,        // raise a quota or a limit
  not_retrievable,  // rotate: the secret was not kept
  refused,          // a check said no
  unavailable,      // try again later
  timeout,          // it may or may not have happened: look, then try again
  upstream,         // a provider failed
  corrupt,          // stop: a human must look at the named file
  internal,         // report a bug
};

// "invalid", "not_found", ...: the `code` of the admin API's JSON errors.
std::string_view name_of(ErrorCode code);
ErrorCode error_code_from(std::string_view name);  // unknown names are `internal`

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  std::string hint;  // the way out, one sentence; may be empty
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string message, std::string hint = {}) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(hint)});
}

}  // namespace cr::base
