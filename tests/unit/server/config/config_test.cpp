// SPDX-License-Identifier: MIT
#include "server/config/config.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "server/config/keys.h"

namespace cr::server::config {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using testing::HasSubstr;

const Surroundings k_root{true, "", "", "", "/root"};
const Surroundings k_user{false, "", "", "", "/home/ann"};

base::Result<Config> parse(std::string_view text) {
  return parse_config(text, "crd.toml", k_root);
}

TEST(Config, works_without_any_file) {
  const auto config = parse("");
  ASSERT_TRUE(config.has_value());
  ASSERT_EQ(config->listen.size(), 1U);
  EXPECT_EQ(config->listen[0].to_string(), "127.0.0.1:8787");
  EXPECT_EQ(config->relay.body_bytes_max, 64U << 20);
  EXPECT_EQ(config->relay.memory, 512U << 20);
  EXPECT_EQ(config->limits.connections_max, 10'000);
  EXPECT_FALSE(config->relay.trust_proxies);
  EXPECT_EQ(config->key_prefix, "sk-cr-");
}

struct DirectoryCase {
  Surroundings around;
  std::string text, state_dir, admin_socket, head;
};

TEST(Config, directories_depend_on_the_surroundings) {
  const std::string ann = "/home/ann/.local/state/crd";
  const Surroundings service{false, "/var/lib/crd:/var/lib/other", "/run/crd", "", ""};
  const DirectoryCase table[] = {
      {k_root, "", "/var/lib/crd", "/run/crd/admin.sock", "/var/lib/crd-head/head"},
      {k_user, "", ann, ann + "/admin.sock", ann + "-head/head"},
      {{false, "", "", "/data/state", "/home/ann"},
       "",
       "/data/state/crd",
       "/data/state/crd/admin.sock",
       "/data/state/crd-head/head"},
      {{false, "", "", "relative", "/home/ann"}, "", ann, ann + "/admin.sock", ann + "-head/head"},
      {service, "", "/var/lib/crd", "/run/crd/admin.sock", "/var/lib/other/head"},
      {service, "[store]\nhead = '/mnt/head'", "/var/lib/crd", "/run/crd/admin.sock", "/mnt/head"},
      {service, "[store]\nhead = ''", "/var/lib/crd", "/run/crd/admin.sock", ""},
      {k_user, "state_dir = '/srv/crd/'", "/srv/crd/", "/srv/crd//admin.sock", "/srv/crd-head/head"},
      {k_root, "state_dir = '/srv/crd'\nadmin_socket = '/tmp/a.sock'", "/srv/crd", "/tmp/a.sock", "/srv/crd-head/head"},
  };
  for (const auto& row : table) {
    const auto config = parse_config(row.text, "crd.toml", row.around);
    ASSERT_TRUE(config.has_value()) << config.error().message;
    EXPECT_EQ(config->state_dir, row.state_dir);
    EXPECT_EQ(config->admin_socket, row.admin_socket);
    EXPECT_EQ(config->store_head, row.head);
  }
  const auto nowhere = parse_config("", "crd.toml", Surroundings{});
  ASSERT_FALSE(nowhere.has_value());
  EXPECT_THAT(nowhere.error().message, HasSubstr("no state directory"));
}

struct ShowCase {
  std::string text;   // of the file
  std::string shown;  // a line of show_config
};

// One row a key at least: what is written is what the config then says.
const ShowCase k_values[] = {
    {"listen = ['0.0.0.0:80', '[::1]:0']", R"(listen = ["0.0.0.0:80", "[::1]:0"])"},
    {"[store]\nhead = '/mnt/head'", R"(store.head = "/mnt/head")"},
    {"[store]\nhead = ''", R"(store.head = "")"},
    {"state_dir = '/srv/crd'", R"(state_dir = "/srv/crd")"},
    {"admin_socket = '/srv/a.sock'", R"(admin_socket = "/srv/a.sock")"},
    {"workers = 3", "workers = 3"},
    {"trusted_proxies = ['10.0.0.0/8', '::1']", R"(trusted_proxies = ["10.0.0.0/8", "::1"])"},
    {"on_client_gone = 'drain'", R"(on_client_gone = "drain")"},
    {"drain_timeout = '0s'", R"(drain_timeout = "0s")"},
    {"[tls]\ncert = '/etc/c.pem'\nkey = '/etc/k.pem'", R"(tls.cert = "/etc/c.pem")"},
    {"[tls]\ncert = '/etc/c.pem'\nkey = '/etc/k.pem'", R"(tls.key = "/etc/k.pem")"},
    {"[tls]\ncert = ''\nkey = ''", R"(tls.key = "")"},
    {"[limits]\nbody_bytes_max = '1MiB'", R"(limits.body_bytes_max = "1MiB")"},
    {"[limits]\nbody_bytes_max = 1500", R"(limits.body_bytes_max = "1500B")"},
    {"[limits]\nupload_bytes_max = '2GiB'", R"(limits.upload_bytes_max = "2GiB")"},
    {"[limits]\nmemory = '2GiB'", R"(limits.memory = "2GiB")"},
    {"[limits]\nevent_bytes_max = '1MiB'", R"(limits.event_bytes_max = "1MiB")"},
    {"[limits]\nconnections_max = 7", "limits.connections_max = 7"},
    {"[limits]\nconnections_per_address_max = 3", "limits.connections_per_address_max = 3"},
    {"[limits]\nrequests_per_connection_max = 1", "limits.requests_per_connection_max = 1"},
    {"[limits]\nhead_timeout = '1500ms'", R"(limits.head_timeout = "1500ms")"},
    {"[limits]\nbody_timeout = '2m'", R"(limits.body_timeout = "120s")"},
    {"[limits]\nidle_timeout = '5s'", R"(limits.idle_timeout = "5s")"},
    {"[limits]\nstall_timeout = '5s'", R"(limits.stall_timeout = "5s")"},
    {"[limits]\nledger_timeout = '500ms'", R"(limits.ledger_timeout = "500ms")"},
    {"[limits]\nrefusals_per_second = 7", "limits.refusals_per_second = 7"},
    {"[limits]\nrequest_line_bytes_max = '4KiB'", R"(limits.request_line_bytes_max = "4KiB")"},
    {"[limits]\nfield_bytes_max = '4KiB'", R"(limits.field_bytes_max = "4KiB")"},
    {"[limits]\nhead_bytes_max = '32KiB'", R"(limits.head_bytes_max = "32KiB")"},
    {"[limits]\nfields_max = 50", "limits.fields_max = 50"},
    {"[limits]\nupstream_idle_connections_max = 0", "limits.upstream_idle_connections_max = 0"},
    {"tokens.default_expiry = '90d'", R"(tokens.default_expiry = "7776000s")"},
    {"tokens.default_expiry = 'never'", R"(tokens.default_expiry = "never")"},
    {"[tokens]\nkey_prefix = 'sk-'", R"(tokens.key_prefix = "sk-")"},
    {"[tokens]\ndefault_output_tokens = 9000", "tokens.default_output_tokens = 9000"},
    {"[tokens]\nclamp_floor = 64", "tokens.clamp_floor = 64"},
    {"[tokens]\ncredit_wait = '3s'", R"(tokens.credit_wait = "3s")"},
    {"[usage]\nretention = '30d'", R"(usage.retention = "2592000s")"},
    {"[usage]\nretention = 'forever'", R"(usage.retention = "forever")"},
    {"[relay]\ntries_max = 1", "relay.tries_max = 1"},
    {"client_half_close = 'wait'", R"(client_half_close = "wait")"},
    {"[relay]\ndns_servers = ['127.0.0.1:53', '[::1]:5353']", "relay.dns_servers = [\"127.0.0.1:53\", \"[::1]:5353\"]"},
    {"[relay]\ntotal_timeout = '1h'", R"(relay.total_timeout = "3600s")"},
    {"[relay]\ndrain_answer_timeout = '0s'", R"(relay.drain_answer_timeout = "0s")"},
    {"[relay]\ncomment_interval = '1s'", R"(relay.comment_interval = "1s")"},
    {"[relay]\nfailures_in_a_row = 3", "relay.failures_in_a_row = 3"},
    {"[relay]\nfailures_percent = 30", "relay.failures_percent = 30"},
    {"[relay]\ncool_down_first = '200ms'", R"(relay.cool_down_first = "200ms")"},
    {"[relay]\ncool_down_max = '5m'", R"(relay.cool_down_max = "300s")"},
    {"[cors]\nallow_origins = ['https://app.example', 'http://localhost:3000', 'http://[::1]:5173']",
     R"(cors.allow_origins = ["https://app.example", "http://localhost:3000", "http://[::1]:5173"])"},
    {"[cors]\nallow_origins = ['*']", R"(cors.allow_origins = ["*"])"},
    {"[relay]\nca_file = '/etc/ca.pem'", R"(relay.ca_file = "/etc/ca.pem")"},
    {"[relay]\nca_file = ''", R"(relay.ca_file = "")"},
    {"[log]\nlevel = 'debug'", R"(log.level = "debug")"},
    {"[log]\nformat = 'json'", R"(log.format = "json")"},
    {"[log]\nrequests = 'all'", R"(log.requests = "all")"},
};

TEST(Config, every_key_is_read_and_shown) {
  for (const auto& row : k_values) {
    const auto config = parse(row.text);
    ASSERT_TRUE(config.has_value()) << row.text << ": " << config.error().message;
    EXPECT_THAT("\n" + show_config(*config), HasSubstr("\n" + row.shown + "\n"));
  }
  for (const auto& key : config_keys()) {
    const bool covered = std::any_of(std::begin(k_values), std::end(k_values),
                                     [&](const ShowCase& row) { return row.shown.starts_with(key.name + " = "); });
    EXPECT_TRUE(covered) << key.name << " has no row in this test";
  }
}

TEST(Config, what_it_shows_it_can_read) {
  const auto config = parse("workers = 2\n[limits]\nfields_max = 33\n[tokens]\ndefault_expiry = '5m'");
  ASSERT_TRUE(config.has_value());
  const auto again = parse(show_config(*config));
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(show_config(*again), show_config(*config));
}

TEST(Config, a_state_directory_too_long_for_the_admin_socket_beside_it_is_told) {
  const auto beside = [](std::size_t bytes) {
    return parse_config("state_dir = '/" + std::string(bytes - 1, 'd') + "'", "crd.toml",
                        {false, {}, {}, {}, "/home/a"});
  };
  const auto fits = beside(107 - std::string_view("/admin.sock").size());
  ASSERT_TRUE(fits.has_value()) << fits.error().message;
  ASSERT_TRUE(parse_config(show_config(*fits), "crd.toml", {}).has_value());
  const auto refused = beside(108 - std::string_view("/admin.sock").size());
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("longer than the 107 bytes"));
  EXPECT_THAT(refused.error().hint, HasSubstr("admin_socket = "));
}

TEST(Config, trusted_proxies_are_compiled) {
  const auto config = parse("trusted_proxies = ['10.0.0.0/8']");
  ASSERT_TRUE(config.has_value());
  EXPECT_TRUE(config->relay.trust_proxies);
  EXPECT_TRUE(config->relay.trusted_proxies.contains(*base::IpAddress::parse("10.1.2.3")));
  EXPECT_FALSE(config->relay.trusted_proxies.contains(*base::IpAddress::parse("11.1.2.3")));
  // An empty list trusts nobody, although an empty set of addresses holds everybody.
  const auto nobody = parse("trusted_proxies = []");
  ASSERT_TRUE(nobody.has_value());
  EXPECT_FALSE(nobody->relay.trust_proxies);
}

struct ErrorCase {
  std::string text, message, hint;  // parts of them
};

const ErrorCase k_errors[] = {
    {"lisen = ['127.0.0.1:1']", "crd.toml:1: unknown key 'lisen'", "did you mean 'listen'?"},
    {"\n\n[limits]\nconections_max = 1", "crd.toml:4: unknown key 'limits.conections_max'",
     "did you mean 'limits.connections_max'?"},
    {"connections_max = 1", "crd.toml:1: unknown key 'connections_max'", "did you mean 'limits.connections_max'?"},
    {"[limts]\nfields_max = 9", "crd.toml:1: unknown key 'limts'", "did you mean 'limits'?"},
    {"[quic]\ncert = 'x'", "crd.toml:1: unknown key 'quic'", ""},
    {"workers = 1\nworkers = 2", "crd.toml:2:", ""},
    {"[log]\nlevel = 'info'\n[log]", "crd.toml:3:", ""},
    {"workers = ", "crd.toml:1:", ""},
    {"workers = -1", "crd.toml:1: workers: expected a whole number from 0 to 1024", ""},
    {"workers = 1.5", "crd.toml:1: workers: expected a whole number", ""},
    {"workers = '2'", "crd.toml:1: workers: expected a whole number", ""},
    {"workers = 99999999999999999999", "crd.toml:1:", ""},
    {"listen = '127.0.0.1:80'", "crd.toml:1: listen: expected a list of texts", ""},
    {"listen = []", "crd.toml:1: listen: expected one address at least", ""},
    {"listen = [80]", "crd.toml:1: listen: expected a list of texts", ""},
    {"listen = ['localhost:80']", "not 'localhost:80'", "127.0.0.1:8787"},
    {"listen = [':80']", "not ':80'", ""},
    {"listen = ['127.0.0.1']", "not '127.0.0.1'", ""},
    {"listen = ['::1:80']", "not '::1:80'", "[::1]:8787"},
    {"listen = ['[127.0.0.1]:80']", "not '[127.0.0.1]:80'", ""},
    {"listen = ['127.0.0.1:65536']", "not '127.0.0.1:65536'", ""},
    {"listen = ['127.0.0.1:-1']", "not '127.0.0.1:-1'", ""},
    {"listen = ['127.0.0.1:80', '127.0.0.1:80']", "127.0.0.1:80 is there twice", ""},
    {"state_dir = 'srv'", "state_dir: expected an absolute path", ""},
    {"state_dir = \"/srv/\\u0007\"", "state_dir: expected a text without control characters", ""},
    {"admin_socket = '/" + std::string(107, 'a') + "'", "admin_socket: expected a path of at most 107 bytes", ""},
    {"trusted_proxies = ['10.0.0.1/8']", "crd.toml:1: trusted_proxies: ", ""},
    {"trusted_proxies = ['0.0.0.0/0']", "crd.toml:1: trusted_proxies: ", "own addresses"},
    {"trusted_proxies = ['::/0']", "crd.toml:1: trusted_proxies: ", "own addresses"},
    {"trusted_proxies = ['0.0.0.0/1', '128.0.0.0/1']", "crd.toml:1: trusted_proxies: ", "own addresses"},
    {"trusted_proxies = ['proxy']", "crd.toml:1: trusted_proxies: ", ""},
    {"on_client_gone = 'kill'", R"(on_client_gone: expected one of "cancel", "drain")", ""},
    {"drain_timeout = 30", "drain_timeout: expected a duration", "30s"},
    {"drain_timeout = '30'", "drain_timeout: ", ""},
    {"drain_timeout = '2h'", "drain_timeout: expected a duration from", ""},
    {"limits = 5", "crd.toml:1: unknown key 'limits'", ""},
    {"workers.a = 5", "crd.toml:1: workers: expected a whole number", ""},
    {"[limits]\nbody_bytes_max = '16MB'", "limits.body_bytes_max: expected a size from 1KiB to 1GiB", "16MiB"},
    {"[limits]\nbody_bytes_max = '99999999999GiB'", "limits.body_bytes_max: expected a size", ""},
    {"[limits]\nbody_bytes_max = -1", "limits.body_bytes_max: expected a size", ""},
    {"[tls]\ncert = '/a'", "tls.cert without tls.key", "TLS needs both"},
    {"[tls]\nkey = '/a'", "tls.key without tls.cert", "TLS needs both"},
    {"[tls]\ncert = 'a'\nkey = '/a'", "tls.cert: expected an absolute path", ""},
    {"[limits]\nbody_bytes_max = '1GiB'", "limits.memory (512MiB) is too small for limits.body_bytes_max (1GiB)",
     "raise limits.memory to 2056MiB, or lower limits.body_bytes_max to 252MiB"},
    {"[limits]\nmemory = '64MiB'", "limits.memory (64MiB) is too small for limits.body_bytes_max (64MiB)",
     "raise limits.memory to 136MiB, or lower limits.body_bytes_max to 28MiB"},
    {"[limits]\nmemory = '1MiB'", "limits.memory: expected a size from 16MiB to 1024GiB", ""},
    {"[limits]\nevent_bytes_max = '256MiB'", "limits.memory (512MiB) is too small for limits.event_bytes_max (256MiB)",
     "raise limits.memory to 1GiB, or lower limits.event_bytes_max to 128MiB"},
    {"[limits]\nbody_bytes_total_max = '1GiB'", "unknown key 'limits.body_bytes_total_max'",
     "it is now 'limits.memory'"},
    {"[limits]\nhead_bytes_max = '2KiB'", "limits.head_bytes_max is below", "raise limits.head_bytes_max"},
    {"[limits]\nhead_timeout = '0s'", "limits.head_timeout: expected a duration from", ""},
    {"[tokens]\ndefault_expiry = '0s'", "tokens.default_expiry: expected a duration from", ""},
    {"[usage]\nretention = '1h'", "usage.retention: expected a duration from", ""},
    {"[tokens]\nkey_prefix = ''", "tokens.key_prefix: expected 1 to 16", ""},
    {"[tokens]\nkey_prefix = 'a b'", "tokens.key_prefix: expected 1 to 16", ""},
    {"[relay]\ndns_servers = ['127.0.0.1']", "relay.dns_servers: expected an address and a port", "for example"},
    {"[relay]\ndns_servers = ['localhost:53']", "relay.dns_servers: expected an address and a port", "for example"},
    {"[cors]\nallow_origins = ['app.example']", "cors.allow_origins: 'app.example' is not an origin", "write it"},
    {"[cors]\nallow_origins = ['https://app.example/']", "a slash at its end", "write it"},
    {"[cors]\nallow_origins = 7", "cors.allow_origins: ", ""},
    {"[relay]\nca_file = 'ca.pem'", "relay.ca_file: expected an absolute path", ""},
    {"[log]\nrequests = true", R"(log.requests: expected one of "errors", "all", "none")", ""},
    {std::string("workers = 1\n\0", 13), "crd.toml:2: a NUL byte", ""},
};

TEST(Config, refuses_with_line_name_and_way_out) {
  for (const auto& row : k_errors) {
    const auto config = parse(row.text);
    ASSERT_FALSE(config.has_value()) << row.text;
    EXPECT_EQ(config.error().code, ErrorCode::invalid) << row.text;
    EXPECT_THAT(config.error().message, HasSubstr(row.message)) << row.text;
    EXPECT_THAT(config.error().hint, HasSubstr(row.hint)) << row.text;
  }
}

// --- files ---

class ConfigFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "crd_config_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    path_ = directory_ + "/crd.toml";
  }
  void TearDown() override {
    ::unlink(path_.c_str());
    ::rmdir(directory_.c_str());
  }
  void write(std::string_view text) { std::ofstream(path_) << text; }
  std::string directory_, path_;
};

TEST_F(ConfigFile, is_loaded_and_named_in_errors) {
  write("workers = 5\n");
  ASSERT_TRUE(load_config(path_, k_root).has_value());
  EXPECT_EQ(load_config(path_, k_root)->workers, 5);
  write("workers = 5\nwokers = 5\n");
  const auto bad = load_config(path_, k_root);
  ASSERT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().message, path_ + ":2: unknown key 'wokers'");
}

TEST_F(ConfigFile, refuses_what_is_no_file) {
  const auto missing = load_config(path_, k_root);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_THAT(missing.error().message, HasSubstr(path_));
  const auto directory = load_config(directory_, k_root);
  ASSERT_FALSE(directory.has_value());
  EXPECT_THAT(directory.error().message, HasSubstr("not a regular file"));
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const auto pipe = load_config(path_, k_root);  // and does not wait for a writer
  ASSERT_FALSE(pipe.has_value());
  EXPECT_THAT(pipe.error().message, HasSubstr("not a regular file"));
}

TEST_F(ConfigFile, refuses_over_one_mebibyte) {
  write(std::string((1U << 20) - 1, '#') + "\n");
  EXPECT_TRUE(load_config(path_, k_root).has_value());
  write(std::string(1U << 20, '#') + "\n");
  const auto large = load_config(path_, k_root);
  ASSERT_FALSE(large.has_value());
  EXPECT_THAT(large.error().message, HasSubstr("over 1 MiB"));
}

// --- reload ---

// --- bounds: toml++ would make a table of each level, and run out of stack ---
std::string repeated(std::string_view part, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += part;
  return text;
}

TEST(ConfigBounds, are_held_before_parsing) {
  constexpr std::size_t k_many = 50'000;
  const auto deep_key = repeated("a.", k_many) + "a = 1";
  const std::string parts = "a key of more than 8 parts";
  struct Row {
    std::string text, message;
  };
  const Row table[] = {
      {deep_key, "crd.toml:1: " + parts},
      {"workers = 1\n\n[" + repeated("a.", k_many) + "a]\n", "crd.toml:3: " + parts},
      {"[[" + repeated("a . ", k_many) + "a]]\n", "crd.toml:1: " + parts},
      {repeated("\"a\".", k_many) + "a = 1", "crd.toml:1: " + parts},
      {repeated("'#'.", k_many) + "a = 1", "crd.toml:1: " + parts},
      // What stands before it does not hide it.
      {"a = \"\"\"\n\"\"\"\"\"\n" + deep_key, "crd.toml:3: " + parts},
      {"a = '''\n'''''\n" + deep_key, "crd.toml:3: " + parts},
      {"a = \"\"\"\\\"\"\"\"\n" + deep_key, "crd.toml:2: " + parts},
      {"a = \"\"\"\\\n\"\"\"\n" + deep_key, "crd.toml:3: " + parts},
      {"a = \"\\\\\"\n" + deep_key, "crd.toml:2: " + parts},
      {"a = '\\'\n" + deep_key, "crd.toml:2: " + parts},
      {"a = ''\n" + deep_key, "crd.toml:2: " + parts},
      {"a = \"\"\n" + deep_key, "crd.toml:2: " + parts},
      {"# it's a \"comment\r\n" + deep_key, "crd.toml:2: " + parts},
      {"a = {b.c.d = {" + repeated("a.", k_many) + "a = 1}}", "crd.toml:1: " + parts},
      {"a = " + repeated("[", k_many), "crd.toml:1: nested deeper than 8 levels"},
      {"a = " + repeated("[\n", k_many) + repeated("]", k_many), "crd.toml:9: nested deeper than 8 levels"},
      {"a = " + repeated("{a=", k_many), "crd.toml:1: nested deeper than 8 levels"},
      {"a = " + repeated("[{a=", k_many), "crd.toml:1: nested deeper than 8 levels"},
      {repeated("a = 1\n", k_many), "crd.toml:1001: more than 1000 keys"},
      {"\n" + repeated("[a]\n", k_many), "more than 1000 tables"},
      {"listen = [" + repeated("1,", k_many) + "]", "crd.toml:1: more than 20000 values in lists"},
      {"listen = [" + repeated("'127.0.0.1:0',", 65) + "]", "crd.toml:1: listen: expected 64 addresses at most"},
      {std::string((std::size_t{1} << 20) + 1, '\n'), "crd.toml: over 1 MiB"},
      {std::string(std::size_t{8} << 20, '\0'), "crd.toml: over 1 MiB"},
  };
  for (const auto& row : table) {
    const auto refused = parse(row.text);
    ASSERT_FALSE(refused.has_value()) << row.text.substr(0, 60);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid);
    EXPECT_THAT(refused.error().message, HasSubstr(row.message)) << row.text.substr(0, 60);
  }
}

TEST(ConfigBounds, leave_what_is_in_quotes_and_comments_alone) {
  const auto long_text = repeated("a.[{=,", 30'000);
  const std::string table[] = {"# " + long_text,
                               "state_dir = '/" + long_text + "'",
                               "state_dir = \"/\\\"" + long_text + "\"",
                               "state_dir = '''/" + long_text + "'''",
                               "state_dir = \"\"\"/\\\"\"\" " + long_text + "\"\"\"",
                               "limits.body_bytes_max = '1MiB' # " + long_text};
  for (const auto& text : table) {
    const auto config = parse(text);
    EXPECT_TRUE(config.has_value()) << text.substr(0, 60) << config.error().message;
  }
}

TEST(ConfigReload, takes_live_keys_and_names_the_others) {
  const auto base = parse("");
  ASSERT_TRUE(base.has_value());
  for (const auto& row : k_values) {
    const auto wanted = parse(row.text);
    ASSERT_TRUE(wanted.has_value());
    const auto name = row.shown.substr(0, row.shown.find(" = "));
    if (name.starts_with("tls.")) continue;  // on and off is another matter than which pair: below
    const auto* key = find_config_key(name);
    ASSERT_NE(key, nullptr) << name;
    const auto checked = check_reload(*base, *wanted);
    const bool changed = key->show(*base) != key->show(*wanted);
    EXPECT_EQ(checked.has_value(), key->reload == Reload::live || !changed) << row.text;
    const auto message = checked ? name : checked.error().message;
    EXPECT_THAT(message, HasSubstr(name));
  }
}

TEST(ConfigReload, takes_another_certificate_but_not_another_protocol) {
  const auto tls = parse("[tls]\ncert = '/a'\nkey = '/b'");
  EXPECT_TRUE(check_reload(*tls, *parse("[tls]\ncert = '/c'\nkey = '/d'")).has_value());
  for (const auto& checked : {check_reload(*tls, *parse("")), check_reload(*parse(""), *tls)}) {
    ASSERT_FALSE(checked.has_value());
    EXPECT_EQ(checked.error().message, "only a restart can change tls (on or off): nothing was reloaded");
  }
}

TEST(ConfigReload, names_every_key_that_needs_a_restart) {
  const auto checked = check_reload(*parse(""), *parse("listen = ['127.0.0.1:1']\nworkers = 2\ndrain_timeout = '1s'"));
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().code, ErrorCode::refused);
  EXPECT_EQ(checked.error().message, "only a restart can change listen, workers: nothing was reloaded");
}

}  // namespace
}  // namespace cr::server::config
