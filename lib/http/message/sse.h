// SPDX-License-Identifier: MIT
// SseSplitter: bytes in, whole server-sent events out, byte for byte (WHATWG HTML, 9.2.5: LF, CR and CRLF line ends,
// BOM, comments, several data lines). Pure; one stream each.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cr::http::message {

struct SseEvent {
  std::string_view raw;   // the event's exact bytes with the blank line that ends it
  std::string_view name;  // of the `event:` field; empty if none
  std::string_view data;  // data lines joined by LF; empty for comments
};

class SseSplitter {
 public:
  explicit SseSplitter(std::size_t event_bytes_max) : event_bytes_max_(event_bytes_max) {}
  // False when an event passes its limit: the stream must be cut. Whole events before it can still be taken.
  [[nodiscard]] bool push(std::string_view bytes);
  // The next whole event; views hold to the next push() or, for data of several lines, to the next next(). A lone CR at
  // the very end waits for its possible LF.
  std::optional<SseEvent> next();
  // Nothing more comes: that CR has no LF, and may end one more event.
  void end();
  // Forgets the events that were taken, and the room that large ones needed; their views end.
  void drop_taken();
  std::size_t held_bytes() const { return buffer_.size() + joined_.size(); }
  // Of an unfinished event, where all whole ones were taken: what has come of it, which is then another's to read
  // (SseLongEvent). What comes behind its end begins an event here.
  std::string take_rest();
  // What has come of an unfinished event (and of whole ones not yet taken).
  std::string_view rest() const { return std::string_view(buffer_).substr(read_); }

 private:
  bool find_ends();
  void take_field(std::string_view line, SseEvent& event, int& data_lines);

  std::size_t event_bytes_max_;
  std::string buffer_;
  std::size_t read_ = 0;         // where the next event to take begins
  std::size_t event_begin_ = 0;  // where the unfinished event begins
  std::size_t line_begin_ = 0;
  std::size_t scanned_ = 0;  // no line end between line_begin_ and here
  std::vector<std::size_t> ends_;
  std::size_t taken_ = 0;  // of ends_
  std::string joined_;     // data of an event with several data lines
  bool begun_ = false;     // the first line has been seen: no byte order mark can come
  bool any_taken_ = false;
  bool ended_ = false;
};

// SseLongEvent: one event that is too long to be held: tells where it ends and which bytes of it are data, while it
// passes. Pure; one event each.
class SseLongEvent {
 public:
  // Takes bytes of the event up to its end. `data` is called with those of its data lines, LF between lines.
  template <class Data>
  std::size_t take(std::string_view bytes, const Data& data) {
    std::size_t at = 0;
    while (at < bytes.size() && !ended_) at += step(bytes.substr(at), data);
    return at;
  }
  bool ended() const { return ended_; }
  // Of its `event:` field.
  std::string_view name() const { return std::string_view(name_).substr(name_.starts_with(' ') ? 1 : 0); }

 private:
  static constexpr std::size_t k_field_max = 64;
  enum class Part { line_begin, field, value };

  template <class Data>
  std::size_t step(std::string_view bytes, const Data& data) {
    if (part_ == Part::value) {
      const auto size = value_size(bytes);
      if (is_data_ && size > 0) data(bytes.substr(0, size));
      return size > 0 ? size : (end_line(bytes.front()), 1);
    }
    const bool began_data = take_field(bytes.front());
    if (began_data && data_lines_++ > 0) data("\n");
    return 1;
  }
  std::size_t value_size(std::string_view bytes);
  bool take_field(char byte);  // true: a data line's value begins
  void end_line(char byte);

  Part part_ = Part::line_begin;
  std::string field_, name_;
  bool is_data_ = false, blank_may_come_ = false, after_cr_ = false, ended_ = false;
  std::size_t data_lines_ = 0;
};

}  // namespace cr::http::message
