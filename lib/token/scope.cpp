// SPDX-License-Identifier: MIT
#include "token/scope.h"

#include <algorithm>

#include "base/text.h"

namespace cr::token {
namespace {

constexpr std::size_t k_model_bytes_max = 256;

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '\x7f';
}

}  // namespace

base::Result<ModelSet> ModelSet::parse(const std::vector<std::string>& entries) {
  ModelSet set;
  for (const std::string& entry : entries) {
    const auto bad = [&](std::string_view why) {
      const std::string shown = base::escape_for_terminal(std::string_view(entry).substr(0, 64));
      return base::fail(base::ErrorCode::invalid, "model \"" + shown + "\": " + std::string(why),
                        "give names or patterns such as gpt-4o or gpt-*; none at all means every model");
    };
    if (entry.empty()) return bad("it is empty");
    if (entry.size() > k_model_bytes_max) return bad("longer than 256 bytes");
    if (std::any_of(entry.begin(), entry.end(), is_control)) return bad("it has control characters");
    if (std::find(set.patterns_.begin(), set.patterns_.end(), entry) == set.patterns_.end()) {
      set.patterns_.push_back(entry);
    }
  }
  return set;
}

bool ModelSet::allows(std::string_view model) const {
  if (unrestricted()) return true;
  return std::any_of(patterns_.begin(), patterns_.end(), [&](const std::string& pattern) {
    return base::glob_match(pattern, model, base::Wildcards::star);
  });
}

Verdict admit(const Scope& scope, base::Time now, const IpAddress& source) {
  if (scope.token == Switch::off) return Verdict::token_disabled;
  if (scope.expires && now >= *scope.expires) return Verdict::token_expired;
  if (scope.not_before && now < *scope.not_before) return Verdict::token_not_yet_valid;
  if (scope.account == Switch::off) return Verdict::account_disabled;
  if (!scope.allow_ip.contains(source)) return Verdict::ip_not_allowed;
  return Verdict::allowed;
}

Verdict admit_model(const Scope& scope, std::string_view model) {
  return scope.models.allows(model) ? Verdict::allowed : Verdict::model_not_allowed;
}

}  // namespace cr::token
