// SPDX-License-Identifier: MIT
// crd: read the options and the file, start the daemon, wait, say what went wrong.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "base/hide_keys.h"
#include "daemon.h"
#include "preflight.h"
#include "process.h"
#include "server/config/config.h"

namespace {

constexpr int k_failed = 1;
constexpr int k_usage = 2;
constexpr int k_not_configured = 6;  // LSB: systemd shows it as NOTCONFIGURED

int complain(const cr::base::Error& error, int code) {
  std::fprintf(stderr, "crd: error: %s\n", cr::base::hide_keys(error.message).c_str());
  if (!error.hint.empty()) std::fprintf(stderr, "crd: hint: %s\n", cr::base::hide_keys(error.hint).c_str());
  return code;
}

// Before any thread is made: all of them leave these to the main thread.
void block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

struct Given {
  std::string config_file;
  bool check_only = false;
  bool accept_loss = false;
};

int serve(const Given& given) {
  const std::string& config_file = given.config_file;
  auto config = config_file.empty() ? cr::server::config::parse_config("", "defaults")
                                    : cr::server::config::load_config(config_file);
  if (!config) return complain(config.error(), k_not_configured);
  config->accept_loss = given.accept_loss;
  if (given.check_only) {
    const auto tls = cr::crd::Daemon::load_tls(*config);
    if (!tls) return complain(tls.error(), k_not_configured);
    if (*tls) {
      for (const auto& warning : (*tls)->warnings()) std::fprintf(stderr, "crd: warning: %s\n", warning.c_str());
    }
    if (auto startable = cr::crd::check_start(*config); !startable)
      return complain(startable.error(), k_not_configured);
    for (const auto& warning : cr::crd::warnings_at_start(*config, config_file))
      std::fprintf(stderr, "crd: warning: %s\n", warning.c_str());
    std::printf("%s: ok\n", config_file.empty() ? "defaults" : config_file.c_str());
    return 0;
  }
  auto passed = cr::crd::take_passed_sockets();
  if (!passed) return complain(passed.error(), k_not_configured);
  block_signals();
  auto daemon = cr::crd::Daemon::start(std::move(*config), config_file, *passed);
  if (!daemon)
    return complain(daemon.error(), daemon.error().code == cr::base::ErrorCode::invalid ? k_not_configured : k_failed);
  return (*daemon)->run();
}

}  // namespace

int main(int argc, char** argv) {
  cr::crd::harden_process();
  CLI::App app("Code Router's daemon: the OpenAI-compatible gateway under /v1, and the admin socket for crctl.", "crd");
  Given given;
  app.add_option("--config", given.config_file, "Configuration file; without it crd runs on its defaults")
      ->type_name("FILE");
  app.add_flag("--check", given.check_only,
               "Say whether a start with this configuration and its files would be refused, or warn, and exit");
  app.add_flag(
      "--accept-loss", given.accept_loss,
      "Start with a store whose newest commits are missing or whose settings were changed beside crd, or with a new one"
      " where it is gone");
  app.set_version_flag("--version", "crd " CR_VERSION);
  app.footer("See crd(8), crd.toml(5) and crctl(1).");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    return complain({cr::base::ErrorCode::invalid, error.what(), "see crd --help"}, k_usage);
  }
  try {
    return serve(given);
  } catch (const std::exception& error) {
    return complain({cr::base::ErrorCode::internal, std::string("stopped by an exception: ") + error.what(), {}},
                    k_failed);
  }
}
