// SPDX-License-Identifier: MIT
// Diagnosis: what `doctor` says of each thing it looks at. Pure functions over what was read; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/channel_messages.h"
#include "admin/report_messages.h"
#include "base/clock.h"
#include "base/result.h"

namespace cr::crctl {

enum class Judgement { good, warning, wrong };  // wrong: requests fail, or will after a restart

struct Finding {
  std::string check;  // "store"
  Judgement judgement = Judgement::good;
  std::string says;
  std::string fix;  // what to do; empty where all is good
};
using Findings = std::vector<Finding>;

std::string_view word_of(Judgement judgement);  // "ok", "warning", "wrong"

// What systemd keeps of crd's unit: `systemctl show -p LoadState,ActiveState,Result`, a line each.
Finding judge_unit(std::string_view properties);
Finding judge_no_daemon(const base::Error& error);
// Adds to a daemon's silence what systemd says of its unit: nothing where it has none.
void add_unit(base::Error& error, std::string_view properties);
Finding judge_daemon(const admin::Status& status, std::string_view own_version);
// The file that a restart would read; an Error where the daemon could not be asked.
Finding judge_config(const admin::Status& status, const base::Result<admin::ConfigChecked>& checked);
Finding judge_clock(bool synchronised);

struct DiskSpace {
  std::uint64_t bytes_free = 0, bytes_total = 0;
  std::uint64_t inodes_free = 0, inodes_total = 0;  // both 0 where the file system does not count them
};
Finding judge_disk(const DiskSpace& space, const std::string& folder);
Finding judge_store(const admin::Status& status);
Finding judge_head(const admin::Status& status);  // the store's
Finding judge_certificate(const std::optional<base::Time>& expires, base::Time now);
// More than two months old is a warning: models that came since have no price, and others another one.
Finding judge_price_list(const std::string& date, base::Time now);
// How old the list is, in days; empty where `date` is none.
std::optional<std::int64_t> price_list_age(const std::string& date, base::Time now);
inline constexpr std::int64_t k_price_list_old_days = 60;

// One finding a channel that is not well; one for all where each is. Disabled ones are left out.
Findings judge_channels(const std::vector<admin::Channel>& channels);
Finding judge_channel_test(const std::string& channel, const base::Result<admin::ChannelTest>& test);

// Tokens, page by page.
class TokenDiagnosis {
 public:
  explicit TokenDiagnosis(base::Time now) : now_(now) {}
  void add(const admin::Token& token);
  Findings findings() const;

 private:
  struct Group {
    std::int64_t count = 0;
    std::vector<std::string> names;  // the first few
    void add(const std::string& name);
    std::string text() const;  // "3 tokens (ci, bob, ...)"
  };
  base::Time now_;
  std::int64_t count_ = 0;
  Group ending_, ended_, spent_, old_keys_;
};

}  // namespace cr::crctl
