// SPDX-License-Identifier: MIT
#include "crctl/diagnosis.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "crctl/command_output.h"

namespace cr::crctl {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using namespace std::chrono_literals;

const base::Time k_now = *base::parse_time("2026-11-30T12:00:00Z");

admin::Status running() {
  admin::Status status;
  status.version = "1.2.3";
  status.state = "running";
  status.ledger = "ready";
  status.listen = {"127.0.0.1:8787"};
  status.config_file = "/etc/crd/crd.toml";
  return status;
}

// Whatever is not well says what to do.
void expect_fix(const Finding& finding, Judgement judgement, const char* part) {
  EXPECT_EQ(finding.judgement, judgement) << finding.says;
  EXPECT_THAT(finding.says, HasSubstr(part));
  EXPECT_EQ(finding.fix.empty(), judgement == Judgement::good) << finding.fix;
}

TEST(Diagnosis, Unit) {
  expect_fix(judge_unit("LoadState=loaded\nActiveState=active\nResult=success\n"), Judgement::good, "active");
  expect_fix(judge_unit("LoadState=loaded\nActiveState=failed\nResult=exit-code\n"), Judgement::wrong, "exit-code");
  expect_fix(judge_unit("LoadState=loaded\nActiveState=inactive\nResult=success\n"), Judgement::wrong, "inactive");
  expect_fix(judge_unit("LoadState=not-found\nActiveState=inactive\n"), Judgement::warning, "no unit");
  expect_fix(judge_unit("nonsense"), Judgement::warning, "no unit");
}

TEST(Diagnosis, AUnitIsAddedToADaemonsSilence) {
  const base::Error silence{base::ErrorCode::unavailable, "no daemon answers on S: no such file", "start it"};
  const auto with = [&](std::string_view properties) {
    auto error = silence;
    add_unit(error, properties);
    return error.message + "\n" + error.hint;
  };
  EXPECT_EQ(with("LoadState=not-found\nActiveState=inactive\n"), silence.message + "\nstart it");
  EXPECT_EQ(with(""), silence.message + "\nstart it");
  EXPECT_EQ(with("LoadState=loaded\nActiveState=failed\nResult=exit-code\n"),
            silence.message +
                "; crd.service is failed (exit-code)\n"
                "read why: journalctl -u crd -n 20; then: systemctl start crd");
  EXPECT_EQ(with("LoadState=loaded\nActiveState=inactive\nResult=success\n"),
            silence.message + "; crd.service is inactive\nstart it: systemctl start crd");
  EXPECT_THAT(with("LoadState=loaded\nActiveState=active\nResult=success\n"),
              testing::AllOf(testing::HasSubstr("crd.service is active"), testing::HasSubstr("admin_socket")));
}

TEST(Diagnosis, Daemon) {
  expect_fix(judge_daemon(running(), "1.2.3"), Judgement::good, "127.0.0.1:8787");
  expect_fix(judge_daemon(running(), "1.2.4"), Judgement::warning, "crctl is 1.2.4");
  auto draining = running();
  draining.state = "draining";
  expect_fix(judge_daemon(draining, "1.2.3"), Judgement::wrong, "draining");
  expect_fix(judge_no_daemon({base::ErrorCode::unavailable, "no daemon answers", "start it"}), Judgement::wrong,
             "no daemon answers");
}

TEST(Diagnosis, Configuration) {
  expect_fix(judge_config(running(), admin::ConfigChecked{true, {}}), Judgement::good, "/etc/crd/crd.toml");
  expect_fix(judge_config(running(), admin::ConfigChecked{true, "crd.toml: ok; but it ends soon"}), Judgement::good,
             "ends soon");
  expect_fix(judge_config(running(), admin::ConfigChecked{false, "crd.toml:2: unknown key"}), Judgement::wrong, ":2:");
  auto without = running();
  without.config_file.clear();
  expect_fix(judge_config(without, admin::ConfigChecked{}), Judgement::good, "defaults");
}

TEST(Diagnosis, ClockAndDisk) {
  expect_fix(judge_clock(true), Judgement::good, "synchronised");
  expect_fix(judge_clock(false), Judgement::warning, "not synchronised");
  constexpr std::uint64_t k_gib = 1ULL << 30;
  expect_fix(judge_disk({20 * k_gib, 100 * k_gib, 5000, 9000}, "/s"), Judgement::good, "20.0 GiB of 100.0 GiB");
  expect_fix(judge_disk({k_gib / 2, 100 * k_gib, 5000, 9000}, "/s"), Judgement::warning, "0.5 GiB");
  expect_fix(judge_disk({k_gib / 64, 100 * k_gib, 5000, 9000}, "/s"), Judgement::wrong, "/s");
  expect_fix(judge_disk({20 * k_gib, 100 * k_gib, 3, 9000}, "/s"), Judgement::wrong, "no file");
  expect_fix(judge_disk({20 * k_gib, 100 * k_gib, 0, 0}, "/s"), Judgement::good, "free");
}

TEST(Diagnosis, Store) {
  expect_fix(judge_store(running()), Judgement::good, "commits");
  auto status = running();
  status.ledger = "the disk is full";
  expect_fix(judge_store(status), Judgement::wrong, "the disk is full");
  status = running();
  status.overrun = base::Credits::from_nano(1'500'000'000);
  expect_fix(judge_store(status), Judgement::warning, "$1.5");
  status = running();
  status.log_lines_dropped = 7;
  expect_fix(judge_store(status), Judgement::warning, "7 lines");
}

TEST(Diagnosis, Head) {
  auto status = running();
  for (const char* none : {"", "none"}) {
    status.head = none;
    expect_fix(judge_head(status), Judgement::warning, "would go unseen");
  }
  status.head = "/var/lib/crd-head/head: up to date";
  expect_fix(judge_head(status), Judgement::good, "/var/lib/crd-head/head");
  status.head = "/far/head: not written for 12 s: cannot make the head /far/head.new: Permission denied";
  expect_fix(judge_head(status), Judgement::wrong, "for 12 s");
}

TEST(Diagnosis, CertificateAndPrices) {
  expect_fix(judge_certificate({}, k_now), Judgement::good, "none");
  expect_fix(judge_certificate(k_now + 15 * 24h, k_now), Judgement::good, "2026-12-15");
  expect_fix(judge_certificate(k_now + 13 * 24h, k_now), Judgement::warning, "2026-12-13");
  expect_fix(judge_certificate(k_now, k_now), Judgement::wrong, "2026-11-30");
  expect_fix(judge_price_list("2026-10-01", k_now), Judgement::good, "60 days");
  expect_fix(judge_price_list("2026-09-30", k_now), Judgement::warning, "61 days");
  expect_fix(judge_price_list("", k_now), Judgement::warning, "no date");
  EXPECT_EQ(price_list_age("2027-01-01", k_now), 0) << "made by a clock that was ahead";
}

admin::Channel channel(const char* name, const char* state, const char* reason = "") {
  admin::Channel made;
  made.name = name;
  made.health.state = state;
  made.health.reason = reason;
  made.keys.resize(2);
  return made;
}

TEST(Diagnosis, Channels) {
  const auto none = judge_channels({});
  ASSERT_EQ(none.size(), 1U);
  expect_fix(none[0], Judgement::wrong, "there are none");
  auto off = channel("off", "cooling", "refused");
  off.enabled = false;
  expect_fix(judge_channels({off}).at(0), Judgement::wrong, "none is enabled");
  auto aside = channel("aside", "ready");
  aside.health.keys_aside = 1;
  const auto found = judge_channels({channel("good", "ready"), off, channel("cool", "cooling", "answered 503"),
                                     channel("no", "keys_refused"), aside});
  ASSERT_EQ(found.size(), 4U);
  expect_fix(found[0], Judgement::good, "1 of 4");
  expect_fix(found[1], Judgement::wrong, "cooling: answered 503");
  expect_fix(found[2], Judgement::wrong, "keys_refused");
  EXPECT_THAT(found[2].fix, HasSubstr("set-key no"));
  expect_fix(found[3], Judgement::warning, "1 of 2 keys");
}

TEST(Diagnosis, ChannelTests) {
  admin::ChannelTest test;
  test.ok = true;
  test.model = "m";
  test.keys.resize(2);
  test.keys[0].ok = test.keys[1].ok = true;
  expect_fix(judge_channel_test("c", test), Judgement::good, "m answered");
  test.ok = test.keys[1].ok = false;
  test.keys[1].message = "answered 401";
  expect_fix(judge_channel_test("c", test), Judgement::warning, "1 of 2 keys failed: answered 401");
  test.keys[0].ok = false;
  expect_fix(judge_channel_test("c", test), Judgement::wrong, "2 of 2");
  expect_fix(judge_channel_test("c", tl::unexpected(base::Error{base::ErrorCode::invalid, "name a model", ""})),
             Judgement::warning, "name a model");
  expect_fix(judge_channel_test("c", tl::unexpected(base::Error{base::ErrorCode::upstream, "refused", ""})),
             Judgement::wrong, "refused");
}

admin::Token token(const std::string& name, const char* status = "enabled") {
  admin::Token made;
  made.name = name;
  made.status = status;
  return made;
}

TEST(Diagnosis, Tokens) {
  TokenDiagnosis none(k_now);
  expect_fix(none.findings().at(0), Judgement::good, "there are none");
  TokenDiagnosis good(k_now);
  good.add(token("a"));
  auto later = token("later");
  later.expires_at = k_now + 8 * 24h;
  good.add(later);
  auto off = token("off", "disabled");
  off.enabled = false;
  off.expires_at = k_now + 1h;
  good.add(off);
  ASSERT_EQ(good.findings().size(), 1U);
  expect_fix(good.findings()[0], Judgement::good, "none of 3");

  TokenDiagnosis bad(k_now);
  for (int i = 0; i < 5; ++i) {
    auto soon = token("soon" + std::to_string(i));
    soon.expires_at = k_now + 1h;
    bad.add(soon);
  }
  auto rotated = token("rotated", "rotating");
  rotated.keys.resize(2);
  rotated.keys[1].state = "old";
  rotated.keys[1].last_used_at = k_now - 25h;
  bad.add(rotated);
  EXPECT_THAT(bad.findings(), testing::SizeIs(1)) << "its old key is idle";
  rotated.keys[1].last_used_at = k_now - 1h;
  bad.add(rotated);
  bad.add(token("spent", "exhausted"));
  bad.add(token("gone", "expired"));
  const auto found = bad.findings();
  ASSERT_EQ(found.size(), 4U);
  expect_fix(found[0], Judgement::warning, "5 tokens (soon0, soon1, soon2, ...)");
  expect_fix(found[1], Judgement::warning, "1 token (rotated)");
  expect_fix(found[2], Judgement::warning, "(spent)");
  expect_fix(found[3], Judgement::warning, "(gone)");
}

TEST(CommandOutput, IsReadWithinItsDeadline) {
  EXPECT_EQ(output_of({"echo", "hello"}, 10s), "hello\n");
  EXPECT_EQ(output_of({"no-such-program-here"}, 10s), std::nullopt);
  EXPECT_EQ(output_of({"sleep", "600"}, 50ms), std::nullopt) << "it is killed";
  const auto much = output_of({"head", "-c", "1000000", "/dev/zero"}, 10s);
  ASSERT_TRUE(much.has_value());
  EXPECT_THAT(*much, Not(IsEmpty()));
  EXPECT_LE(much->size(), 65536U + 4096U);
}

}  // namespace
}  // namespace cr::crctl
