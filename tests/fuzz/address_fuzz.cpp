// SPDX-License-Identifier: MIT
// Addresses: text and bytes tell the same, networks hold what shares their first bits and nothing else, and a set of
// them answers like its entries asked one by one.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "check.h"
#include "token/scope.h"

namespace {

using cr::base::IpAddress;

bool same_first_bits(const IpAddress& left, const IpAddress& right, int bits) {
  for (int i = 0; i < bits; ++i) {
    const auto at = static_cast<std::size_t>(i / 8);
    if (((left.bytes[at] ^ right.bytes[at]) >> (7 - i % 8) & 1) != 0) return false;
  }
  return true;
}

// A dotted quad by the rule alone: four numbers to 255, without sign, leading zero or anything else.
bool is_dotted_quad(std::string_view text) {
  int numbers = 0;
  for (;;) {
    const auto number = text.substr(0, text.find('.'));
    if (number.empty() || number.size() > 3 || number.find_first_not_of("0123456789") != number.npos) return false;
    if ((number.size() > 1 && number.front() == '0') || std::stoi(std::string(number)) > 255) return false;
    ++numbers;
    if (number.size() == text.size()) return numbers == 4;
    text.remove_prefix(number.size() + 1);
  }
}

void check_address(const IpAddress& address) {
  const auto text = address.to_string();
  CR_CHECK(IpAddress::parse(text).value() == address);
  CR_CHECK(address.is_v4() == is_dotted_quad(text));
  for (const int bits : {0, 1, 7, 8, 96, 97, 127, 128}) {
    const auto first = address.network_first(bits), last = address.network_last(bits);
    CR_CHECK(first <= address && address <= last && same_first_bits(first, last, bits));
    CR_CHECK(first.network_first(bits) == first && first.network_last(bits) == last);
  }
}

struct Entry {
  IpAddress first;
  int bits = 128;
};

// An entry that is known to be good, by looking at its two halves.
Entry entry_of(std::string_view text) {
  const auto slash = text.find('/');
  Entry entry{IpAddress::parse(text.substr(0, slash)).value()};
  if (slash == text.npos) return entry;
  entry.bits = std::stoi(std::string(text.substr(slash + 1)));
  if (text.substr(0, slash).find(':') == text.npos) entry.bits += 96;
  return entry;
}

void check_set(const std::vector<std::string>& entries, const IpAddress& other) {
  const auto set = cr::token::IpSet::parse(entries);
  if (!set) {
    CR_CHECK(cr::base::escape_for_terminal(set.error().message) == set.error().message);
    return;
  }
  CR_CHECK(!set->unrestricted());
  std::vector<Entry> asked;
  std::vector<IpAddress> around{other};
  for (const auto& text : entries) {
    asked.push_back(entry_of(text));
    auto last = asked.back().first.network_last(asked.back().bits);
    around.push_back(asked.back().first);
    around.push_back(last);
    // The next one after the network.
    for (std::size_t i = last.bytes.size(); i-- > 0 && ++last.bytes[i] == 0;) continue;
    around.push_back(last);
  }
  for (const auto& address : around) {
    const bool held = std::any_of(asked.begin(), asked.end(), [&](const Entry& entry) {
      return same_first_bits(address, entry.first, entry.bits);
    });
    CR_CHECK(set->contains(address) == held);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  IpAddress other;
  if (size < other.bytes.size()) return 0;
  std::copy_n(data, other.bytes.size(), other.bytes.begin());
  check_address(other);
  const std::string text(reinterpret_cast<const char*>(data) + other.bytes.size(), size - other.bytes.size());
  const auto parsed = IpAddress::parse(text);
  if (parsed) check_address(*parsed);
  if (is_dotted_quad(text)) CR_CHECK(parsed && parsed->to_string() == text);
  if (parsed && text.find(':') == text.npos) CR_CHECK(is_dotted_quad(text));
  check_set({text}, other);
  check_set(cr::base::split_list(text), other);
  return 0;
}
