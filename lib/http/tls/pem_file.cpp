// SPDX-License-Identifier: MIT
#include "http/tls/pem_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace cr::http::tls {

namespace {

using base::Result;

constexpr std::size_t k_file_bytes_max = std::size_t{1} << 20;

struct File {
  int fd = -1;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

tl::unexpected<base::Error> unusable(const std::string& file, const std::string& why, std::string hint = {}) {
  return base::fail(base::ErrorCode::invalid, file + ": " + why, std::move(hint));
}

std::string said_by_system(int code) {
  return base::to_lower_ascii(std::generic_category().message(code));
}

}  // namespace

Result<PemFile> read_pem_file(std::string_view what, const std::string& path) {
  const auto name = std::string(what) + " " + base::escape_for_terminal(path);
  // O_NONBLOCK: a pipe in the file's place must hold up nobody.
  const File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) return unusable(name, said_by_system(errno), "crd's own user must be able to read it");
  struct stat about {};
  if (::fstat(file.fd, &about) != 0) return unusable(name, said_by_system(errno));
  if (!S_ISREG(about.st_mode)) return unusable(name, "not a regular file");
  // One byte more than is allowed: a file that grows meanwhile is found out.
  std::string bytes(static_cast<std::size_t>(about.st_size) <= k_file_bytes_max ? k_file_bytes_max + 1 : 0, '\0');
  std::size_t size = 0;
  int code = 0;
  while (size < bytes.size()) {
    const auto got = ::read(file.fd, bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) code = errno;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  PemFile content{base::Secret{std::string_view(bytes).substr(0, size)}, about.st_mode};
  const bool fits = !bytes.empty() && size <= k_file_bytes_max;
  base::wipe(bytes);
  if (code != 0) return unusable(name, said_by_system(code));
  if (!fits) return unusable(name, "over 1 MiB: this is not a PEM file");
  return content;
}

}  // namespace cr::http::tls
