// SPDX-License-Identifier: MIT
// The word `metrics`.
#include "crctl/commands.h"

namespace cr::crctl {

void add_metrics(Commands& commands) {
  commands.word({"metrics",
                 "Print the daemon's metrics, as Prometheus reads them.",
                 {"crctl metrics", "curl -s --unix-socket /run/crd/admin.sock http://crd/metrics"},
                 {}},
                Effect::reads, [](Context& context) -> base::Result<Exit> {
                  auto answer = context.client().call("GET", "/metrics");
                  if (!answer) return tl::unexpected(answer.error());
                  auto printed = context.output.text(answer->body);
                  if (!printed) return tl::unexpected(printed.error());
                  return Exit::done;
                });
}

}  // namespace cr::crctl
