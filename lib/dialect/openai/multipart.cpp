// SPDX-License-Identifier: MIT
#include "dialect/openai/multipart.h"

#include "base/byte_search.h"

namespace cr::dialect::openai {

MultipartReader::MultipartReader(std::string_view boundary) : delimiter_("--") {
  delimiter_.append(boundary);
}

PartStep MultipartReader::step(std::string_view bytes) {
  std::size_t used = 0;
  for (;;) {
    PartStep step = step_phase(bytes.substr(used));
    used += step.consumed;
    if (step.state == PartState::need_more && used < bytes.size()) continue;  // only the phase has changed
    offset_ += used;
    step.consumed = used;
    return step;
  }
}

PartStep MultipartReader::step_phase(std::string_view bytes) {
  if (phase_ == Phase::refused) return {PartState::refused, 0, {}};
  if (phase_ == Phase::head) return step_head(bytes);
  return phase_ == Phase::content ? step_content(bytes) : step_boundary(bytes);
}

MultipartReader::Phase MultipartReader::refuse(std::string_view reason) {
  reason_ = reason;
  return Phase::refused;
}

// What is around a part: few bytes, one at a time.
PartStep MultipartReader::step_boundary(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    phase_ = after(bytes[at++]);
    if (phase_ == Phase::refused) return {PartState::refused, at, {}};
    if (phase_ == Phase::done) return {PartState::done, at, {}};
    if (phase_ == Phase::head) break;
  }
  return {PartState::need_more, at, {}};
}

MultipartReader::Phase MultipartReader::after(char c) {
  switch (phase_) {
    case Phase::first_boundary:
      if (c != delimiter_[matched_]) return refuse("the form does not begin with its boundary: send nothing before it");
      return ++matched_ == delimiter_.size() ? Phase::boundary_end : Phase::first_boundary;
    case Phase::boundary_end:
      if (c == '\r') return Phase::boundary_lf;
      return c == '-' ? Phase::boundary_dash : refuse("a boundary of the form is followed by other bytes on its line");
    case Phase::boundary_lf:
      if (c != '\n') return refuse("a boundary of the form is not followed by CRLF");
      head_.clear();
      return ++parts_ <= k_parts_max ? Phase::head : refuse("the form has too many parts");
    case Phase::boundary_dash:
      return c == '-' ? Phase::done : refuse("a boundary of the form is followed by other bytes on its line");
    case Phase::done:
      return c == '\r' ? Phase::last_lf : refuse("the form goes on after its last boundary");
    case Phase::last_lf:
      return c == '\n' ? Phase::over : refuse("the form goes on after its last boundary");
    default:
      return refuse("the form goes on after its last boundary");
  }
}

PartStep MultipartReader::step_head(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    head_ += bytes[at++];
    if (head_.size() > k_head_bytes_max) {
      phase_ = refuse("the head of a part of the form is too large");
      return {PartState::refused, at, {}};
    }
    if (!head_.ends_with("\r\n\r\n") && head_ != "\r\n") continue;
    if (!read_part_head(std::string_view(head_).substr(0, head_.size() - 2), part_, reason_)) {
      phase_ = Phase::refused;
      return {PartState::refused, at, {}};
    }
    phase_ = Phase::content;
    line_end_ = LineEnd::part_head;
    matched_ = 0;
    return {PartState::head, at, {}};
  }
  return {PartState::need_more, bytes.size(), {}};
}

// Content runs to the delimiter at the beginning of a line; only what may still become one is held back.
PartStep MultipartReader::step_content(std::string_view bytes) {
  std::size_t line = 0;  // where the line end began that is being looked at
  for (std::size_t at = 0; at < bytes.size();) {
    if (line_end_ == LineEnd::none) {
      line = static_cast<std::size_t>(base::find_byte<base::LineEnd>(bytes.data() + at, bytes.data() + bytes.size()) -
                                      bytes.data());
      if (line == bytes.size()) return {PartState::data, line, bytes};
      line_end_ = bytes[line] == '\r' ? LineEnd::cr : LineEnd::lf;
      matched_ = 0;
      at = line + 1;
      continue;
    }
    if (match(bytes[at])) {
      if (++at; matched_ == delimiter_.size()) return end_content(bytes.substr(0, line), at);
      continue;
    }
    line_end_ = LineEnd::none;
    if (held_.empty()) continue;
    held_.append(bytes.substr(0, at));
    passed_.swap(held_);
    held_.clear();
    return {PartState::data, at, passed_};
  }
  return hold_back(bytes, line);
}

bool MultipartReader::match(char c) {
  if (matched_ == 0 && line_end_ == LineEnd::cr && c == '\n') {
    line_end_ = LineEnd::crlf;
    return true;
  }
  if (c != delimiter_[matched_]) return false;
  ++matched_;
  return true;
}

PartStep MultipartReader::end_content(std::string_view before, std::size_t consumed) {
  const auto line_end = line_end_;
  line_end_ = LineEnd::none;
  if (!before.empty()) return {PartState::data, before.size(), before};  // the delimiter is found again, alone
  if (line_end != LineEnd::crlf) {
    phase_ = refuse("a boundary of the form begins a line that does not follow CRLF");
    return {PartState::refused, consumed, {}};
  }
  held_.clear();
  phase_ = Phase::boundary_end;
  return {PartState::end, consumed, {}};
}

PartStep MultipartReader::hold_back(std::string_view bytes, std::size_t from) {
  if (line_end_ == LineEnd::none) {
    return {bytes.empty() ? PartState::need_more : PartState::data, bytes.size(), bytes};
  }
  held_.append(bytes.substr(from));
  return {from > 0 ? PartState::data : PartState::need_more, bytes.size(), bytes.substr(0, from)};
}

}  // namespace cr::dialect::openai
