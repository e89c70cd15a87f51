// SPDX-License-Identifier: MIT
// How a message becomes JSON and back: each message has one fields() that names its members; Writer and Reader walk it.
// Private to this folder's .cpp files. Plain values, any thread.
#pragma once

#include <concepts>

#include "admin/json_read.h"
#include "admin/json_stream.h"
#include "admin/json_write.h"
#include "admin/record_fields.h"
#include "admin/token_messages.h"
#include "base/text.h"

namespace cr::admin {

// fields(visitor, message) serves a const message (writing) and a mutable one (reading).
template <class M, class T>
concept message_of = std::same_as<std::remove_const_t<M>, T>;

inline constexpr std::size_t k_request_bytes_max = std::size_t{8} << 20;
// A price import of 20,000 rows has 300,000.
inline constexpr std::size_t k_request_values_max = 400'000;
inline constexpr std::size_t k_answer_bytes_max = std::size_t{64} << 20;

template <class T>
inline constexpr Reading k_reading = Reading::answer;

template <class T>
void fields(auto& v, Page<T>& m) {
  v("items", m.items);
  v("next", m.next);
}
template <class T>
void fields(auto& v, const Page<T>& m) {
  v("items", m.items);
  v("next", m.next);
}

// A record's message, its create message and its edit message, by the rows of the record's table (record_fields.h).
// A Quota is read as one wherever it stands: "unlimited" is null, and it is never negative.
void field(auto& v, std::string_view name, auto& member) {
  if constexpr (std::same_as<std::remove_cvref_t<decltype(member)>, Quota>) {
    v.quota(name, member);
  } else {
    v(name, member);
  }
}
void record_fields(auto& v, auto& m, const auto& table) {
  base::each_field(table, [&](const auto& row) { field(v, row.name, m.*row.member); });
}
void create_fields(auto& v, auto& m, const auto& table) {
  base::each_field(table, [&](const auto& row) {
    if constexpr (std::remove_cvref_t<decltype(row)>::is_given) {
      if (row.facts.required) v.required(row.name, m.*row.given);
      if (!row.facts.required) field(v, row.name, m.*row.given);
    }
  });
}
void edit_fields(auto& v, auto& m, const auto& table) {
  base::each_field(table, [&](const auto& row) {
    if constexpr (std::remove_cvref_t<decltype(row)>::is_edited) v.edit(row.name, m.*row.edited);
  });
}

// Beside what the answers to all edits have it in.
void fields(auto& v, message_of<BillLine> auto& m) {
  v("what", m.what);
  v("count", m.count);
  v("rate", m.rate);
  v("dollars", m.dollars);
}

void fields(auto& v, message_of<Change> auto& m) {
  v("field", m.field);
  v("before", m.before);
  v("after", m.after);
}
template <class T>
void fields(auto& v, Edited<T>& m) {
  fields(v, static_cast<T&>(m));
  v("changes", m.changes);
}
template <class T>
void fields(auto& v, const Edited<T>& m) {
  fields(v, static_cast<const T&>(m));
  v("changes", m.changes);
}

template <class T>
std::string to_json(const T& message) {
  JsonWriter out;
  write_value(out, message);
  return out.take();
}

template <class T>
base::Result<T> from_json(std::string_view text) {
  constexpr auto reading = k_reading<T>;
  if constexpr (reading == Reading::answer) {
    T message;
    if (text.size() <= k_answer_bytes_max && base::is_valid_utf8(text) && AnswerStream(text).read(message))
      return message;
  }
  auto json = reading == Reading::request ? parse_json(text, k_request_bytes_max, k_request_values_max)
                                          : parse_json(text, k_answer_bytes_max);
  if (!json) return tl::unexpected(json.error());
  T message;
  ReadState state{reading, {}, {}};
  read_value(state, *json, message);
  if (state.error) return tl::unexpected(*state.error);
  return message;
}

}  // namespace cr::admin

// Explicit instantiation, once a message, in the .cpp that has its fields().
#define CR_ADMIN_ANSWER(T)                   \
  template std::string to_json<T>(const T&); \
  template base::Result<T> from_json<T>(std::string_view);
#define CR_ADMIN_REQUEST(T)                                 \
  template <>                                               \
  inline constexpr Reading k_reading<T> = Reading::request; \
  CR_ADMIN_ANSWER(T)
