// SPDX-License-Identifier: MIT
#include "server/config/bounds.h"

namespace cr::server::config {

namespace {

constexpr bool ends_line(char c) {
  return c == '\n' || c == '\r';
}

class Scan {
 public:
  explicit Scan(std::string_view text) : text_(text) {}

  std::optional<ExceededBound> run() {
    while (at_ < text_.size() && !exceeded_) step();
    return exceeded_;
  }

 private:
  void step() {
    const char c = text_[at_];
    switch (c) {
      case '#':
        while (at_ < text_.size() && !ends_line(text_[at_])) ++at_;
        return;
      case '"':
      case '\'':
        return skip_string(c);
      case '.':
        if (++parts_ > k_config_levels_max)
          exceed("a key of more than " + std::to_string(k_config_levels_max) + " parts");
        break;
      case '[':
      case '{':
        if (++open_ > k_config_levels_max)
          exceed("nested deeper than " + std::to_string(k_config_levels_max) + " levels");
        begin_key();
        break;
      case ']':
      case '}':
        if (open_ > 0) --open_;
        begin_key();
        break;
      case '=':
        if (++keys_ > k_config_keys_max) exceed("more than " + std::to_string(k_config_keys_max) + " keys");
        begin_key();
        break;
      case ',':
        if (++values_ > k_config_values_max)
          exceed("more than " + std::to_string(k_config_values_max) + " values in lists");
        begin_key();
        break;
      case '\n':
        note_line();
        begin_key();
        break;
      default:
        break;
    }
    ++at_;
  }

  // Counts from one: its first part has no dot.
  void begin_key() { parts_ = 1; }
  void note_line() {
    ++line_;
    // "[a]" is a key too, without an equals sign.
    if (at_ + 1 < text_.size() && text_[at_ + 1] == '[' && open_ == 0 && ++headers_ > k_config_keys_max) {
      exceed("more than " + std::to_string(k_config_keys_max) + " tables");
    }
  }
  void exceed(std::string what) {
    if (!exceeded_) exceeded_ = ExceededBound{line_, std::move(what)};
  }

  // Over a text in quotes, to behind its end; a text on one line that does not end there is the parser's to refuse.
  void skip_string(char quote) {
    const std::string three(3, quote);
    const bool many_lines = text_.substr(at_).starts_with(three);
    at_ += many_lines ? 3 : 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\\' && quote == '"') {
        if (at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++line_;
        at_ += 2;
        continue;
      }
      if (!many_lines && (c == quote || ends_line(c))) {
        if (c == quote) ++at_;
        return;
      }
      if (many_lines && text_.substr(at_).starts_with(three)) {
        at_ += 3;
        // Up to two quotes may stand before the closing three.
        for (int more = 0; more < 2 && at_ < text_.size() && text_[at_] == quote; ++more) ++at_;
        return;
      }
      if (c == '\n') ++line_;
      ++at_;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t open_ = 0, parts_ = 1, keys_ = 0, values_ = 0, headers_ = 0;
  std::optional<ExceededBound> exceeded_;
};

}  // namespace

std::optional<ExceededBound> find_exceeded_bound(std::string_view toml) {
  if (toml.size() > k_config_bytes_max) return ExceededBound{0, "over 1 MiB: this is not a configuration"};
  return Scan(toml).run();
}

}  // namespace cr::server::config
