// SPDX-License-Identifier: MIT
#include "base/id.h"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace cr::base {
namespace {

constexpr std::string_view k_prefix = "req_";
constexpr std::string_view k_alphabet = "0123456789abcdefghjkmnpqrstvwxyz";  // Crockford: no i, l, o, u
constexpr std::size_t k_digits = 26;                                         // 26 * 5 = 130 bits, the top two are 0

// xoshiro256** (Blackman, Vigna): one seeding system call a thread, none an id.
class Generator {
 public:
  Generator() {
    std::size_t done = 0;
    while (done < sizeof state_) {
      const ssize_t got = getrandom(reinterpret_cast<char*>(state_.data()) + done, sizeof state_ - done, 0);
      if (got > 0) {
        done += static_cast<std::size_t>(got);
      } else if (errno != EINTR) {
        throw std::system_error(errno, std::generic_category(), "getrandom");
      }
    }
    state_[0] |= 1;  // the all-zero state is the one it never leaves
  }

  std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

 private:
  std::array<std::uint64_t, 4> state_{};
};

int digit_value(char c) {
  const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const std::size_t found = k_alphabet.find(lower);
  return found == std::string_view::npos ? -1 : static_cast<int>(found);
}

struct Words {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
};

Words words_of(const RequestId& id) {
  Words words;
  for (std::size_t i = 0; i < 8; ++i) {
    words.high = words.high << 8 | id.bytes[i];
    words.low = words.low << 8 | id.bytes[i + 8];
  }
  return words;
}

RequestId id_of(Words words) {
  RequestId id;
  for (std::size_t i = 8; i-- > 0;) {
    id.bytes[i] = static_cast<std::uint8_t>(words.high);
    id.bytes[i + 8] = static_cast<std::uint8_t>(words.low);
    words.high >>= 8;
    words.low >>= 8;
  }
  return id;
}

}  // namespace

RequestId RequestId::make(Time now) {
  thread_local Generator generator;
  // A clock set before 1970 or past the year 10889 still gives distinct ids.
  const std::int64_t ms = std::clamp<std::int64_t>(to_unix_ms(now), 0, (std::int64_t{1} << 48) - 1);
  return id_of({static_cast<std::uint64_t>(ms) << 16 | generator.next() >> 48, generator.next()});
}

Result<RequestId> RequestId::parse(std::string_view text) {
  const auto bad = [] {
    return fail(ErrorCode::invalid, "request id: not of the form req_ and 26 characters of base32",
                "copy it whole from the X-Request-Id header or the usage report");
  };
  if (!text.starts_with(k_prefix) || text.size() != k_prefix.size() + k_digits) return bad();
  text.remove_prefix(k_prefix.size());
  if (text.front() > '7') return bad();  // would need more than 128 bits
  Words words;
  for (const char c : text) {
    const int value = digit_value(c);
    if (value < 0) return bad();
    words.high = words.high << 5 | words.low >> 59;
    words.low = words.low << 5 | static_cast<std::uint64_t>(value);
  }
  return id_of(words);
}

std::string RequestId::to_string() const {
  Words words = words_of(*this);
  std::string text(k_prefix.size() + k_digits, '0');
  std::copy(k_prefix.begin(), k_prefix.end(), text.begin());
  for (std::size_t i = text.size(); i-- > k_prefix.size();) {
    text[i] = k_alphabet[words.low & 31];
    words.low = words.low >> 5 | words.high << 59;
    words.high >>= 5;
  }
  return text;
}

Time RequestId::time() const {
  return from_unix_ms(static_cast<std::int64_t>(words_of(*this).high >> 16));
}

}  // namespace cr::base

std::size_t std::hash<cr::base::RequestId>::operator()(const cr::base::RequestId& id) const noexcept {
  // The last eight bytes are random already; the caller cannot choose them, so no mixing is needed.
  std::uint64_t low = 0;
  std::memcpy(&low, id.bytes.data() + 8, sizeof low);
  return static_cast<std::size_t>(low);
}
