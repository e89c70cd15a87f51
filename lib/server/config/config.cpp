// SPDX-License-Identifier: MIT
#include "server/config/config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <toml++/toml.h>
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "base/text.h"
#include "server/config/bounds.h"
#include "server/config/keys.h"
#include "server/config/memory.h"

namespace cr::server::config {

namespace {

using base::ErrorCode;
using base::fail;
using base::Result;

// Where an error is: "crd.toml:12: ".
std::string place(std::string_view file_name, std::size_t line) {
  auto text = base::escape_for_terminal(file_name);
  if (line != 0) text += ":" + std::to_string(line);
  return text + ": ";
}

ConfigValue value_of(const toml::node& node) {
  ConfigValue value;
  value.line = node.source().begin.line;
  if (const auto* text = node.as_string()) {
    value.kind = ConfigValue::Kind::text;
    value.text = text->get();
  } else if (const auto* whole = node.as_integer()) {
    value.kind = ConfigValue::Kind::whole;
    value.whole = whole->get();
  } else if (const auto* list = node.as_array()) {
    const bool texts = std::all_of(list->begin(), list->end(), [](const toml::node& item) { return item.is_string(); });
    if (texts) value.kind = ConfigValue::Kind::list;
    for (const auto& item : *list) {
      if (texts) value.list.push_back(item.as_string()->get());
    }
  }
  return value;
}

Result<void> apply_table(const toml::table& table, const std::string& prefix, std::string_view file_name,
                         Config& config) {
  for (const auto& [key, node] : table) {
    const auto name = prefix + std::string(key.str());
    const auto at = place(file_name, key.source().begin.line);
    const auto* known = find_config_key(name);
    if (known == nullptr && node.is_table() && is_config_table(name)) {
      if (auto done = apply_table(*node.as_table(), name + ".", file_name, config); !done) return done;
      continue;
    }
    if (known == nullptr) {
      return fail(ErrorCode::invalid, at + "unknown key '" + base::escape_for_terminal(name.substr(0, 80)) + "'",
                  hint_for_unknown_key(name));
    }
    if (const auto done = known->read(value_of(node), config); !done) {
      return fail(ErrorCode::invalid, at + name + ": " + done.error().message, done.error().hint);
    }
  }
  return {};
}

// What no single key can tell.
Result<void> check_together(const Config& config, std::string_view file_name) {
  if (const auto fits = check_memory(config); !fits)
    return fail(ErrorCode::invalid, place(file_name, 0) + fits.error().message, fits.error().hint);
  if (config.tls.cert.empty() != config.tls.key.empty()) {
    const bool no_key = config.tls.key.empty();
    return fail(ErrorCode::invalid,
                place(file_name, 0) + "tls." + (no_key ? "cert" : "key") + " without tls." + (no_key ? "key" : "cert"),
                "TLS needs both; without both the listeners speak plain HTTP");
  }
  const auto& head = config.limits.head;
  if (head.head_bytes_max < head.request_line_bytes_max || head.head_bytes_max < head.field_bytes_max) {
    return fail(
        ErrorCode::invalid,
        place(file_name, 0) + "limits.head_bytes_max is below limits.request_line_bytes_max or limits.field_bytes_max",
        "a head holds its request line and its fields: raise limits.head_bytes_max");
  }
  return {};
}

std::string first_of_list(std::string_view paths) {
  return std::string(paths.substr(0, paths.find(':')));
}

void set_default_directories(Config& config, const Surroundings& around) {
  if (!around.state_directory.empty()) {
    config.state_dir = first_of_list(around.state_directory);
  } else if (around.is_root) {
    config.state_dir = "/var/lib/crd";
  } else if (around.xdg_state_home.starts_with('/')) {
    config.state_dir = around.xdg_state_home + "/crd";
  } else if (around.home.starts_with('/')) {
    config.state_dir = around.home + "/.local/state/crd";
  }
}

// Beside the state directory, and not in it: what takes that away leaves the head.
void set_default_head(Config& config, const Surroundings& around) {
  if (config.store_head) return;
  const auto second = around.state_directory.find(':');
  std::string folder;
  if (second != std::string::npos) {
    folder = first_of_list(std::string_view(around.state_directory).substr(second + 1));
  } else {
    folder = config.state_dir;
    while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
    folder += "-head";
  }
  config.store_head = folder + "/head";
}

void set_default_socket(Config& config, const Surroundings& around) {
  if (!config.admin_socket.empty()) return;
  if (!around.runtime_directory.empty()) {
    config.admin_socket = first_of_list(around.runtime_directory) + "/admin.sock";
  } else if (around.is_root) {
    config.admin_socket = "/run/crd/admin.sock";
  } else {
    config.admin_socket = config.state_dir + "/admin.sock";
  }
}

std::string env(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): read once, before any thread
  return value == nullptr ? std::string() : std::string(value);
}

Result<toml::table> parse_toml(std::string_view text, std::string_view file_name) {
  if (const auto exceeded = find_exceeded_bound(text)) {
    return fail(ErrorCode::invalid, place(file_name, exceeded->line) + exceeded->what,
                "see crd.toml(5) for the keys there are");
  }
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    const auto line =
        1 + static_cast<std::size_t>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(nul), '\n'));
    return fail(ErrorCode::invalid, place(file_name, line) + "a NUL byte", "is this a text file?");
  }
  try {
    return toml::parse(text, file_name);
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::invalid, place(file_name, error.source().begin.line) +
                                        base::escape_for_terminal(error.description().substr(0, 300)));
  }
}

// Closes what it holds.
struct File {
  int fd = -1;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

tl::unexpected<base::Error> cannot_read(const std::string& path, int code) {
  return fail(code == ENOENT ? ErrorCode::not_found : ErrorCode::invalid,
              "cannot read the configuration " + base::escape_for_terminal(path) + ": " +
                  base::to_lower_ascii(std::generic_category().message(code)));
}

Result<std::string> read_file(const std::string& path) {
  // O_NONBLOCK: a pipe in the file's place must not hold the start up.
  const File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) return cannot_read(path, errno);
  struct stat about {};
  if (::fstat(file.fd, &about) != 0) return cannot_read(path, errno);
  if (!S_ISREG(about.st_mode))
    return fail(ErrorCode::invalid, base::escape_for_terminal(path) + ": not a regular file");
  std::string text(k_config_bytes_max + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const auto got = ::read(file.fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot_read(path, errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

}  // namespace

std::string ListenAddress::to_string() const {
  const auto colon = ":" + std::to_string(port);
  return host.find(':') == std::string::npos ? host + colon : "[" + host + "]" + colon;
}

Surroundings Surroundings::of_process() {
  return {::geteuid() == 0, env("STATE_DIRECTORY"), env("RUNTIME_DIRECTORY"), env("XDG_STATE_HOME"),
          env("HOME"),      cgroup_memory_max()};
}

Result<Config> parse_config(std::string_view text, std::string_view file_name, const Surroundings& around) {
  const auto table = parse_toml(text, file_name);
  if (!table) return tl::unexpected(table.error());
  Config config;
  set_default_directories(config, around);
  if (auto done = apply_table(*table, "", file_name, config); !done) return tl::unexpected(done.error());
  const auto limits = (*table)["limits"];
  set_default_memory(config, {static_cast<bool>(limits["memory"]), static_cast<bool>(limits["body_bytes_max"])},
                     around.memory_max);
  if (auto done = check_together(config, file_name); !done) return tl::unexpected(done.error());
  if (config.state_dir.empty()) {
    return fail(ErrorCode::invalid, "no state directory: neither STATE_DIRECTORY, XDG_STATE_HOME nor HOME is set",
                "name one in crd.toml: state_dir = \"/some/directory\"");
  }
  set_default_socket(config, around);
  if (config.admin_socket.size() > k_socket_path_bytes_max) {
    return fail(ErrorCode::invalid,
                "the admin socket's path beside the state directory would be longer than the " +
                    std::to_string(k_socket_path_bytes_max) + " bytes that one may have",
                "name a shorter one in crd.toml: admin_socket = \"/some/directory/admin.sock\"");
  }
  set_default_head(config, around);
  return config;
}

Result<Config> load_config(const std::string& path, const Surroundings& around) {
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  return parse_config(*text, path, around);
}

Result<void> check_reload(const Config& running, const Config& wanted) {
  std::string names;
  for (const auto& key : config_keys()) {
    if (key.reload == Reload::live || key.show(running) == key.show(wanted)) continue;
    names += (names.empty() ? "" : ", ") + key.name;
  }
  // Another pair is taken over; clients that speak http cannot be made to speak https while they are connected.
  if (running.tls.empty() != wanted.tls.empty()) names += (names.empty() ? "" : ", ") + std::string("tls (on or off)");
  if (names.empty()) return {};
  return fail(ErrorCode::refused, "only a restart can change " + names + ": nothing was reloaded",
              "undo the change, or restart: systemctl restart crd");
}

std::string show_config(const Config& config) {
  std::string text;
  for (const auto& key : config_keys()) text += key.name + " = " + key.show(config) + "\n";
  return text;
}

}  // namespace cr::server::config
