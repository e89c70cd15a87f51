// SPDX-License-Identifier: MIT
#include "crctl/diagnosis.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "base/text.h"
#include "crctl/values.h"

namespace cr::crctl {
namespace {

using std::chrono::hours;

constexpr hours k_ending_soon{7 * 24};        // of a token
constexpr hours k_certificate_soon{14 * 24};  // ACME clients renew a month before the end
constexpr hours k_used_lately{24};            // an old key within its grace
constexpr std::size_t k_names_shown = 3;

Finding good(std::string check, std::string says) {
  return {std::move(check), Judgement::good, std::move(says), {}};
}

std::string gib(std::uint64_t bytes) {
  constexpr double k_gib = 1024.0 * 1024.0 * 1024.0;
  return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / k_gib);
}

std::string day_of(base::Time time) {
  return base::format_rfc3339(time).substr(0, 10);
}

// "A=b\nC=d" as a map.
std::map<std::string, std::string, std::less<>> properties_of(std::string_view text) {
  std::map<std::string, std::string, std::less<>> found;
  for (const auto& line : base::split_list(text, '\n')) {
    const auto equals = line.find('=');
    if (equals != std::string::npos) found[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return found;
}

std::string text_of(const base::Error& error) {
  return error.message.empty() ? "no reason was given" : error.message;
}

}  // namespace

std::string_view word_of(Judgement judgement) {
  switch (judgement) {
    case Judgement::good:
      return "ok";
    case Judgement::warning:
      return "warning";
    case Judgement::wrong:
      return "wrong";
  }
  return "wrong";
}

Finding judge_unit(std::string_view properties) {
  auto unit = properties_of(properties);
  if (unit["LoadState"] != "loaded")
    return {"unit", Judgement::warning, "systemd has no unit crd", "run crd by hand, or install its unit (crd(8))"};
  if (unit["ActiveState"] == "active") return good("unit", "crd.service is active");
  const bool failed = unit["ActiveState"] == "failed";
  auto says = "crd.service is " + (unit["ActiveState"].empty() ? "unknown" : unit["ActiveState"]);
  if (failed) says += fmt::format(" ({})", unit["Result"]);
  return {"unit", Judgement::wrong, std::move(says),
          failed ? "read why: journalctl -u crd -n 20; then: systemctl start crd" : "start it: systemctl start crd"};
}

void add_unit(base::Error& error, std::string_view properties) {
  if (properties_of(properties)["LoadState"] != "loaded") return;
  const auto finding = judge_unit(properties);
  error.message += "; " + finding.says;
  error.hint = finding.judgement == Judgement::good
                   ? "its admin socket is elsewhere: see 'admin_socket' in /etc/crd/crd.toml, and name it with --socket"
                   : finding.fix;
}

Finding judge_no_daemon(const base::Error& error) {
  return {"daemon", Judgement::wrong, text_of(error), error.hint};
}

Finding judge_daemon(const admin::Status& status, std::string_view own_version) {
  if (status.version != own_version) {
    return {"daemon", Judgement::warning, fmt::format("crd is {}, crctl is {}", status.version, own_version),
            "restart crd after an upgrade: systemctl restart crd"};
  }
  if (status.state != "running")
    return {"daemon", Judgement::wrong, "crd is " + status.state + ": it takes no requests", "start it again"};
  return good("daemon", fmt::format("crd {} serves {}", status.version, join(status.listen)));
}

Finding judge_config(const admin::Status& status, const base::Result<admin::ConfigChecked>& checked) {
  if (status.config_file.empty()) return good("configuration", "there is no file: the defaults are in force");
  if (!checked) return {"configuration", Judgement::wrong, text_of(checked.error()), checked.error().hint};
  if (!checked->ok) {
    return {"configuration", Judgement::wrong, checked->message,
            "mend it before crd starts again; what runs has the one that was good"};
  }
  return good("configuration", checked->message.empty() ? status.config_file + ": ok" : checked->message);
}

Finding judge_clock(bool synchronised) {
  if (synchronised) return good("clock", "it is synchronised");
  return {"clock", Judgement::warning, "it is not synchronised: expiries and the windows of budgets go by it",
          "timedatectl set-ntp true"};
}

Finding judge_disk(const DiskSpace& space, const std::string& folder) {
  constexpr std::uint64_t k_little = 1ULL << 30, k_none = 64ULL << 20;
  const auto says = fmt::format("{} of {} are free in {}", gib(space.bytes_free), gib(space.bytes_total), folder);
  const auto* const fix = "make room: without any, requests are refused with 503";
  const bool no_inodes = space.inodes_total > 0 && space.inodes_free < 100;
  if (no_inodes) return {"disk", Judgement::wrong, "no file can be made any more in " + folder, fix};
  if (space.bytes_free < k_none) return {"disk", Judgement::wrong, says, fix};
  if (space.bytes_free < k_little) return {"disk", Judgement::warning, says, fix};
  return good("disk", says);
}

Finding judge_store(const admin::Status& status) {
  if (status.ledger != "ready") {
    return {"store", Judgement::wrong, status.ledger, "look at the disk and at crd's log: journalctl -u crd -n 20"};
  }
  if (status.overrun.nano() > 0) {
    return {"store", Judgement::warning,
            fmt::format("providers charged {} more than was reserved", money_text(status.overrun)),
            "find the requests: crctl request list --fields id,model,overrun; then correct the price's limits"};
  }
  if (status.log_lines_dropped > 0) {
    return {
        "store", Judgement::warning,
        fmt::format("{} lines of the log were dropped: who reads it is too slow", grouped(status.log_lines_dropped)),
        "look at what reads crd's standard error"};
  }
  return good("store", fmt::format("it commits; {} settlements wait", grouped(status.ledger_backlog)));
}

// By the words of the daemon: "PATH: up to date", by how much it is not and why, or "none".
Finding judge_head(const admin::Status& status) {
  if (status.head.empty() || status.head == "none") {
    return {"head", Judgement::warning, "none is kept: the loss of the store's newest commits would go unseen",
            "name a file for it, best on another disk: [store] head in crd.toml(5)"};
  }
  if (status.head.ends_with(": up to date")) return good("head", status.head);
  return {"head", Judgement::wrong, status.head,
          "make its folder writable for crd, or name another place: [store] head in crd.toml(5)"};
}

Finding judge_certificate(const std::optional<base::Time>& expires, base::Time now) {
  if (!expires) return good("certificate", "none: TLS is not served here");
  if (*expires <= now) {
    return {"certificate", Judgement::wrong, "it ended on " + day_of(*expires),
            "put a new one in its place, then: crctl config reload"};
  }
  if (*expires - now < k_certificate_soon) {
    return {"certificate", Judgement::warning, "it ends on " + day_of(*expires), "renew it, then: crctl config reload"};
  }
  return good("certificate", "it is good until " + day_of(*expires));
}

std::optional<std::int64_t> price_list_age(const std::string& date, base::Time now) {
  const auto made = base::parse_time(date);
  if (!made) return std::nullopt;
  const std::int64_t days = std::chrono::floor<std::chrono::days>(now - *made).count();
  return std::max<std::int64_t>(days, 0);
}

Finding judge_price_list(const std::string& date, base::Time now) {
  const auto age = price_list_age(date, now);
  if (!age) return {"prices", Judgement::warning, "the shipped list has no date", "update crd"};
  const auto says = fmt::format("the shipped list is of {} ({} days old)", date, *age);
  if (*age <= k_price_list_old_days) return good("prices", says);
  return {"prices", Judgement::warning, says,
          "update crd, or bring newer ones: crctl price import (models that came since are refused to limited tokens)"};
}

Findings judge_channels(const std::vector<admin::Channel>& channels) {
  Findings found;
  std::size_t ready = 0, enabled = 0;
  for (const auto& channel : channels) {
    if (!channel.enabled) continue;
    ++enabled;
    const auto& health = channel.health;
    const auto check = "channel " + channel.name;
    if (health.state != "ready") {
      found.push_back({check, Judgement::wrong,
                       fmt::format("{}: {}", health.state, health.reason.empty() ? "no reason is kept" : health.reason),
                       health.state == "keys_refused"
                           ? fmt::format("crctl channel set-key {} --key-stdin", channel.name)
                           : fmt::format("crctl channel test {}", channel.name)});
    } else if (health.keys_aside > 0) {
      found.push_back({check, Judgement::warning,
                       fmt::format("the provider refuses {} of {} keys", health.keys_aside, channel.keys.size()),
                       fmt::format("crctl channel test {}; then set-key --remove and --add", channel.name)});
    } else if (!health.reason.empty()) {
      found.push_back({check, Judgement::warning, health.reason, fmt::format("crctl channel test {}", channel.name)});
    } else {
      ++ready;
    }
  }
  if (enabled == 0) {
    found.push_back({"channels", Judgement::wrong, channels.empty() ? "there are none" : "none is enabled",
                     channels.empty() ? "crctl channel create --help" : "crctl channel enable NAME"});
  } else if (ready > 0) {
    found.insert(found.begin(), good("channels", fmt::format("{} of {} are ready", ready, enabled)));
  }
  return found;
}

Finding judge_channel_test(const std::string& channel, const base::Result<admin::ChannelTest>& test) {
  const auto check = "test of " + channel;
  const auto fix = fmt::format("crctl channel test {}", channel);
  if (!test) {
    // A channel of patterns alone is no worse for it: nobody said what to ask.
    const bool nothing_to_ask = test.error().code == base::ErrorCode::invalid;
    return {check, nothing_to_ask ? Judgement::warning : Judgement::wrong, text_of(test.error()),
            nothing_to_ask              ? fix + " --model MODEL"
            : test.error().hint.empty() ? fix
                                        : test.error().hint};
  }
  const auto good_keys = static_cast<std::size_t>(
      std::count_if(test->keys.begin(), test->keys.end(), [](const auto& key) { return key.ok; }));
  if (test->ok) return good(check, fmt::format("{} answered with each key", test->model));
  const auto bad = std::find_if(test->keys.begin(), test->keys.end(), [](const auto& key) { return !key.ok; });
  const auto says = bad == test->keys.end() ? "it failed" : bad->message;
  return {check, good_keys > 0 ? Judgement::warning : Judgement::wrong,
          fmt::format("{} of {} keys failed: {}", test->keys.size() - good_keys, test->keys.size(), says), fix};
}

void TokenDiagnosis::Group::add(const std::string& name) {
  ++count;
  if (names.size() < k_names_shown) names.push_back(name);
}

std::string TokenDiagnosis::Group::text() const {
  const bool more = count > static_cast<std::int64_t>(names.size());
  return fmt::format("{} token{} ({}{})", grouped(count), count == 1 ? "" : "s", join(names), more ? ", ..." : "");
}

void TokenDiagnosis::add(const admin::Token& token) {
  ++count_;
  if (!token.enabled) return;
  if (token.status == "expired") return ended_.add(token.name);
  if (token.status == "exhausted" || token.status == "limited") spent_.add(token.name);
  if (token.expires_at && *token.expires_at - now_ < k_ending_soon) ending_.add(token.name);
  const bool old_is_used = std::any_of(token.keys.begin(), token.keys.end(), [&](const auto& key) {
    return key.state == "old" && key.last_used_at && now_ - *key.last_used_at < k_used_lately;
  });
  if (old_is_used) old_keys_.add(token.name);
}

Findings TokenDiagnosis::findings() const {
  Findings found;
  if (ending_.count > 0) {
    found.push_back({"tokens", Judgement::warning, "within 7 days end " + ending_.text(),
                     "crctl token list --expiring 7d; crctl token edit NAME --expires 90d"});
  }
  if (old_keys_.count > 0) {
    found.push_back({"keys", Judgement::warning, "the old key of " + old_keys_.text() + " is still used in its grace",
                     "give the new key to who uses it: crctl token show NAME"});
  }
  if (spent_.count > 0) {
    found.push_back({"quotas", Judgement::warning, "no request can be paid by " + spent_.text(),
                     "crctl token list --status exhausted; crctl token edit NAME --quota +5"});
  }
  if (ended_.count > 0) {
    found.push_back({"expiries", Judgement::warning, "expired: " + ended_.text(),
                     "crctl token list --status expired; then delete, or edit --expires"});
  }
  if (found.empty())
    found.push_back(
        good("tokens", count_ == 0 ? "there are none" : fmt::format("none of {} ends soon", grouped(count_))));
  return found;
}

}  // namespace cr::crctl
