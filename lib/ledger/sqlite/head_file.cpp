// SPDX-License-Identifier: MIT
#include "ledger/sqlite/head_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "ledger/sqlite/durable_file.h"

namespace cr::ledger {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::string_view k_form = "crd-head 1";
constexpr std::string_view k_code = " mac=";
constexpr std::size_t k_bytes_max = 1024;
constexpr const char* k_use_none = "see [store] head in crd.toml(5): it names another place, or none";

tl::unexpected<base::Error> failed(const std::string& doing, const std::string& path, int error) {
  return base::fail(ErrorCode::unavailable,
                    "cannot " + doing + " the head " + path + ": " + std::generic_category().message(error),
                    k_use_none);
}

std::string text_without_code(const Head& head) {
  const auto number = [](std::int64_t value) { return std::to_string(value); };
  return std::string(k_form) + " store=" + head.store_id + " seq=" + number(head.seq) +
         " at=" + number(base::to_unix_ms(head.at)) + " tokens=" + number(head.tokens) +
         " audit=" + number(head.audit_seq) + " chain=" + head.audit_chain + " settings=" + head.settings +
         " pruned=" + number(base::to_unix_ms(head.pruned_before)) + " overrun=" + number(head.overrun.nano()) +
         " newest=" + head.newest;
}

// Takes " name=value" off the front of `rest`.
std::optional<std::string_view> take(std::string_view& rest, std::string_view name) {
  const std::string start = ' ' + std::string(name) + '=';
  if (!rest.starts_with(start)) return std::nullopt;
  rest.remove_prefix(start.size());
  const std::string_view value = rest.substr(0, rest.find(' '));
  rest.remove_prefix(value.size());
  return value;
}

bool take_number(std::string_view& rest, std::string_view name, std::int64_t& number) {
  const auto value = take(rest, name);
  if (!value) return false;
  const auto read = std::from_chars(value->data(), value->data() + value->size(), number);
  return read.ec == std::errc() && read.ptr == value->data() + value->size() && number >= 0;
}

std::optional<Head> parse_parts(std::string_view text) {
  if (!text.starts_with(k_form)) return std::nullopt;
  text.remove_prefix(k_form.size());
  Head head;
  std::int64_t at = 0, pruned = 0, overrun = 0;
  const auto store = take(text, "store");
  if (!store) return std::nullopt;
  head.store_id = *store;
  const bool numbers = take_number(text, "seq", head.seq) && take_number(text, "at", at) &&
                       take_number(text, "tokens", head.tokens) && take_number(text, "audit", head.audit_seq);
  const auto chain = numbers ? take(text, "chain") : std::nullopt;
  const auto settings = chain ? take(text, "settings") : std::nullopt;
  const bool more = settings && take_number(text, "pruned", pruned) && take_number(text, "overrun", overrun);
  const auto newest = more ? take(text, "newest") : std::nullopt;
  if (!newest || !text.empty()) return std::nullopt;
  head.at = base::from_unix_ms(at);
  head.audit_chain = *chain;
  head.settings = *settings;
  head.pruned_before = base::from_unix_ms(pruned);
  head.overrun = base::Credits::from_nano(overrun);
  head.newest = *newest;
  return head;
}

}  // namespace

void Head::keep(const Head& earlier) {
  if (audit_seq <= earlier.audit_seq) {
    audit_seq = earlier.audit_seq;
    audit_chain = earlier.audit_chain;
    settings = earlier.settings;
  }
  pruned_before = std::max(pruned_before, earlier.pruned_before);
  overrun = std::max(overrun, earlier.overrun);
  newest = std::max(newest, earlier.newest);
}

std::string to_text(const Head& head, const token::Vault& vault) {
  const std::string text = text_without_code(head);
  return text + std::string(k_code) + to_hex(vault.head_code(text)) + '\n';
}

Result<Head> parse_head(std::string_view text, const token::Vault& vault) {
  const auto damaged = [] { return base::fail(ErrorCode::corrupt, "is damaged"); };
  const std::size_t end = text.find(k_code);
  if (end == std::string_view::npos || !text.ends_with('\n')) return damaged();
  const auto head = parse_parts(text.substr(0, end));
  if (!head) return damaged();
  // Written anew it must be the same to the byte: there is one text of a head.
  if (to_text(*head, vault) == text) return *head;
  return base::fail(ErrorCode::corrupt, "was written with another master key, or altered");
}

Result<std::optional<Head>> load_head(const std::string& path, const token::Vault& vault) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (fd < 0) return failed("open", path, errno);
  std::array<char, k_bytes_max + 1> bytes{};
  const ssize_t got = ::read(fd, bytes.data(), bytes.size());
  const int error = errno;
  ::close(fd);
  if (got < 0) return failed("read", path, error);
  auto head = parse_head({bytes.data(), static_cast<std::size_t>(got)}, vault);
  if (!head) return base::fail(ErrorCode::corrupt, "the head " + path + ' ' + head.error().message);
  return std::optional<Head>(std::move(*head));
}

Result<void> save_head(const std::string& path, const Head& head, const token::Vault& vault) {
  const std::string text = to_text(head, vault);
  const std::string fresh = path + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return failed("make", fresh, errno);
  const ssize_t written = ::write(fd, text.data(), text.size());
  const int error = written < 0 ? errno : ENOSPC;
  ::close(fd);
  if (written != static_cast<ssize_t>(text.size())) return failed("write", fresh, error);
  auto named = rename_durably(fresh, path);
  if (!named) return base::fail(named.error().code, named.error().message, k_use_none);
  return {};
}

Result<void> make_head_folder(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos || slash == 0) return {};
  const std::string folder = path.substr(0, slash);
  if (::mkdir(folder.c_str(), 0700) == 0) return sync_folder_of(folder);
  if (errno == EEXIST) return {};
  return failed("make the folder of", path, errno);
}

}  // namespace cr::ledger
