// SPDX-License-Identifier: MIT
// Reducer: makes a small JSON text of a large one while it comes, in pieces cut anywhere: the members that a meter
// reads as they are, long strings shortened, long lists of numbers too, and once the text has grown, values that
// nothing is read from as null. What it makes is JSON if what came was; it does not check more than it needs to. Holds
// k_bytes_max and little more, whatever comes. Pure; one text each; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace cr::json {

class Reducer {
 public:
  static constexpr std::size_t k_string_max = 256;                           // of a string, about
  static constexpr std::size_t k_full_bytes = std::size_t{64} * 1024;        // from here on, only what is read
  static constexpr std::size_t k_bytes_max = std::size_t{512} * 1024;        // from here on, only usage and the ends
  static constexpr std::uint32_t k_scalars_max = 16, k_elements_max = 4096;  // of one list

  void push(std::string_view bytes);
  // What it has made so far; whole when the text was.
  std::string_view text() const { return out_; }
  // Bytes of strings that are not in it.
  std::uint64_t left_out() const { return left_out_; }

 private:
  static constexpr std::size_t k_depth_max = 64;
  static constexpr std::size_t k_key_max = 64;
  struct Level {
    bool object = false;
    bool read = false;  // everything in it is
    bool list_read = false;
    std::uint32_t elements = 0, emitted = 0;
  };
  enum class Part { structure, key, string, scalar };

  void take_structure(char byte);
  void open(char byte);
  void close(char byte);
  const char* take_key(const char* at, const char* end);
  const char* take_string(const char* at, const char* end);
  void take_escape(char byte);
  bool begin_value(bool container);  // false: it is left out, and something stands for it
  void write_prefix();
  Level* level() { return depth_ == 0 || depth_ > k_depth_max ? nullptr : &levels_[depth_ - 1]; }
  bool is_left_out() const { return skipped_from_ != 0; }

  std::string out_;
  std::uint64_t left_out_ = 0;
  std::array<Level, k_depth_max> levels_{};
  std::size_t depth_ = 0;
  std::size_t skipped_from_ = 0;  // the depth of a container that is left out; 0: none is
  Part part_ = Part::structure;
  std::string key_;
  bool at_key_ = false;   // what comes next in an object is a key
  bool writing_ = false;  // the string or scalar under way is being written
  std::size_t written_ = 0;
  int escape_ = 0;  // bytes of an escape still to come; -1: the one behind the backslash
  bool escape_written_ = false;
  std::string unit_;   // hex digits of a \u escape
  bool high_ = false;  // it was the first of a pair: the other must follow it
};

}  // namespace cr::json
