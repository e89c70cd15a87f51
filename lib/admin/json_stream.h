// SPDX-License-Identifier: MIT
// AnswerStream: reads an answer straight into its message where the text is as the daemon of this version writes it:
// the members of fields(), all of them, in their order. A page of a thousand records makes no tree. Whatever else the
// text is, a newer daemon's or no JSON at all, it gives up, and Reader (json_read.h) says what there is to say. Private
// to this folder's .cpp files. Plain values, one thread each.
#pragma once

#include <charconv>

#include "admin/messages.h"
#include "base/text.h"
#include "json/cursor.h"

namespace cr::admin {

class AnswerStream {
 public:
  explicit AnswerStream(std::string_view utf8) : cursor_(utf8) {}
  // False: it gave up, and the message is half filled.
  template <class M>
  bool read(M& message) {
    return take(message) && cursor_.finish();
  }

  // --- what fields() calls ---
  template <class T>
  void operator()(std::string_view name, T& value) {
    ok_ = ok_ && next(name) && take(value);
  }
  template <class T>
  void required(std::string_view name, T& value) {
    (*this)(name, value);
  }
  void quota(std::string_view name, Quota& value) {
    (*this)(name, value);
    ok_ = ok_ && (!value || *value >= Credits());
  }
  template <class T>
  void edit(std::string_view /*name*/, std::optional<T>& /*value*/) {
    ok_ = false;  // no answer's
  }

 private:
  bool next(std::string_view name) {
    json::JsonString found;
    return cursor_.next_member(found) && found.raw == name;
  }
  bool take(std::string& value) {
    json::JsonString text;
    if (!cursor_.read_string(text)) return false;
    value = unescape(text);
    return !text.escaped() || value.find('\0') == std::string::npos;
  }
  bool take(bool& value) { return cursor_.read_boolean(value); }
  bool take(std::int64_t& value) { return take_number(value); }
  bool take(int& value) { return take_number(value); }
  bool take(Credits& value) {
    return take_parsed(value, [](std::string_view text) { return Credits::parse_signed(text); });
  }
  bool take(Time& value) {
    return take_parsed(value, [](std::string_view text) { return base::parse_time(text); });
  }
  bool take(JsonText& value) {
    std::string_view raw;
    if (!cursor_.read_raw(raw)) return false;
    value.text = raw == "null" ? std::string() : std::string(raw);
    return true;
  }
  bool take(ListEdit& /*value*/) { return false; }   // no answer's
  bool take(QuotaEdit& /*value*/) { return false; }  // no answer's
  template <class T>
  bool take(std::optional<T>& value) {
    value.reset();
    return cursor_.kind() == json::JsonKind::null ? cursor_.skip_value() : take(value.emplace());
  }
  template <class T>
  bool take(std::vector<T>& value) {
    value.clear();
    if (!cursor_.begin_array()) return false;
    while (cursor_.next_element()) {
      if (!take(value.emplace_back())) return false;
    }
    return cursor_.fault() == json::JsonFault::none;
  }
  template <class T>
  bool take(std::map<std::string, T>& value) {
    value.clear();
    if (!cursor_.begin_object()) return false;
    json::JsonString name;
    while (cursor_.next_member(name)) {
      const auto [at, is_new] = value.try_emplace(unescape(name));
      if (!is_new || !take(at->second)) return false;
    }
    return cursor_.fault() == json::JsonFault::none;
  }
  template <class M>
  bool take(M& message) {
    if (!cursor_.begin_object()) return false;
    fields(*this, message);
    json::JsonString more;
    return ok_ && !cursor_.next_member(more) && cursor_.fault() == json::JsonFault::none;
  }

  template <class T>
  bool take_number(T& value) {
    std::string_view raw;
    if (cursor_.kind() != json::JsonKind::number || !cursor_.read_raw(raw)) return false;
    const char* const end = raw.data() + raw.size();
    const auto [at, error] = std::from_chars(raw.data(), end, value);
    return error == std::errc() && at == end;
  }
  template <class T, class Parse>
  bool take_parsed(T& value, const Parse& parse) {
    json::JsonString text;
    if (!cursor_.read_string(text) || text.escaped()) return false;
    const auto parsed = parse(text.raw);
    if (parsed) value = *parsed;
    return parsed.has_value();
  }

  json::JsonCursor cursor_;
  bool ok_ = true;
};

}  // namespace cr::admin
