// SPDX-License-Identifier: MIT
#include "http/message/sse.h"

#include <algorithm>
#include <utility>

#include "base/byte_search.h"

namespace cr::http::message {
namespace {

constexpr std::size_t k_kept_bytes = std::size_t{64} * 1024;
constexpr std::string_view k_byte_order_mark = "\xef\xbb\xbf";

}  // namespace

bool SseSplitter::push(std::string_view bytes) {
  drop_taken();
  buffer_ += bytes;
  return find_ends();
}

std::string SseSplitter::take_rest() {
  drop_taken();
  std::string rest;
  rest.swap(buffer_);
  read_ = event_begin_ = line_begin_ = scanned_ = 0;
  begun_ = any_taken_ = true;
  return rest;
}

void SseSplitter::end() {
  ended_ = true;
  (void)find_ends();
}

void SseSplitter::drop_taken() {
  if (read_ == 0) return;
  buffer_.erase(0, read_);
  ends_.erase(ends_.begin(), ends_.begin() + static_cast<std::ptrdiff_t>(taken_));
  taken_ = 0;
  for (std::size_t& end : ends_) end -= read_;
  event_begin_ -= read_;
  line_begin_ -= read_;
  scanned_ -= read_;
  read_ = 0;
  if (joined_.size() > k_kept_bytes) std::string().swap(joined_);
  if (buffer_.capacity() > 4 * k_kept_bytes && buffer_.size() <= k_kept_bytes) buffer_.shrink_to_fit();
}

// Notes where whole events end. Never looks at a byte twice, however small the pushes.
bool SseSplitter::find_ends() {
  const char* const data = buffer_.data();
  const char* const end = data + buffer_.size();
  for (;;) {
    const char* const found = base::find_byte<base::LineEnd>(data + scanned_, end);
    scanned_ = static_cast<std::size_t>(found - data);
    const bool may_go_on = !ended_ && found != end && *found == '\r' && found + 1 == end;
    if (found == end || may_go_on) return scanned_ - event_begin_ <= event_bytes_max_;

    const bool two_bytes = *found == '\r' && found + 1 != end && found[1] == '\n';
    const std::size_t next_line = scanned_ + (two_bytes ? 2 : 1);
    // The mark before the very first line is no part of it.
    const bool after_mark =
        !begun_ && std::string_view(data + line_begin_, scanned_ - line_begin_) == k_byte_order_mark;
    const bool blank = scanned_ == line_begin_ || after_mark;
    begun_ = true;
    line_begin_ = next_line;
    scanned_ = next_line;
    if (next_line - event_begin_ > event_bytes_max_) return false;
    if (!blank) continue;
    ends_.push_back(next_line);
    event_begin_ = next_line;
  }
}

std::optional<SseEvent> SseSplitter::next() {
  if (taken_ == ends_.size()) return std::nullopt;
  SseEvent event;
  event.raw = std::string_view(buffer_).substr(read_, ends_[taken_] - read_);
  ++taken_;
  read_ += event.raw.size();

  std::string_view lines = event.raw;
  if (!any_taken_ && lines.starts_with(k_byte_order_mark)) lines.remove_prefix(k_byte_order_mark.size());
  any_taken_ = true;
  int data_lines = 0;
  while (!lines.empty()) {
    const char* const line_end = base::find_byte<base::LineEnd>(lines.data(), lines.data() + lines.size());
    const auto size = static_cast<std::size_t>(line_end - lines.data());
    take_field(lines.substr(0, size), event, data_lines);
    lines.remove_prefix(size + (lines.substr(size).starts_with("\r\n") ? 2 : 1));
  }
  return event;
}

void SseSplitter::take_field(std::string_view line, SseEvent& event, int& data_lines) {
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value;
  if (colon != std::string_view::npos) value = line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "event") event.name = value;
  if (field != "data") return;
  if (++data_lines == 1) {
    event.data = value;
    return;
  }
  if (data_lines == 2) joined_ = event.data;
  joined_ += '\n';
  joined_ += value;
  event.data = joined_;
}

// Of a value: what comes before the end of its line; of a blank behind the colon, and of the event's name, nothing.
std::size_t SseLongEvent::value_size(std::string_view bytes) {
  const auto* const end = base::find_byte<base::LineEnd>(bytes.data(), bytes.data() + bytes.size());
  const auto size = static_cast<std::size_t>(end - bytes.data());
  if (!is_data_ && field_ == "event") name_.append(bytes.substr(0, std::min(size, k_field_max - name_.size())));
  return size;
}

bool SseLongEvent::take_field(char byte) {
  const bool line_end = byte == '\n' || byte == '\r';
  if (part_ == Part::line_begin) {
    if (byte == '\n' && std::exchange(after_cr_, false)) return false;  // of the line before
    after_cr_ = false;
    if (line_end && blank_may_come_) ended_ = true;
    if (line_end) return false;
    part_ = Part::field;
    field_.clear();
    blank_may_come_ = true;
  }
  if (line_end) return end_line(byte), false;
  if (byte != ':') {
    if (field_.size() < k_field_max) field_.push_back(byte);
    return false;
  }
  if (field_.starts_with("\xef\xbb\xbf")) field_.erase(0, 3);
  part_ = Part::value;
  is_data_ = field_ == "data";
  if (field_ == "event") name_.clear();
  return is_data_;
}

void SseLongEvent::end_line(char byte) {
  part_ = Part::line_begin;
  is_data_ = false;
  after_cr_ = byte == '\r';
}

}  // namespace cr::http::message
