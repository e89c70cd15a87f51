// SPDX-License-Identifier: MIT
#include "http/message/head_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <limits>
#include <utility>

#include "base/byte_search.h"
#include "http/message/head_fields.h"

namespace cr::http::message {
namespace {

constexpr std::pair<int, std::string_view> k_reasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
    {529, "Site Overloaded"},
};

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, std::numeric_limits<std::uint64_t>::digits10 + 1> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

bool breaks_out(std::string_view value) {
  const char* const end = value.data() + value.size();
  // What else may not stand in a line passes: it can end none.
  for (const char* at = base::find_byte<base::LineControl>(value.data(), end); at != end;
       at = base::find_byte<base::LineControl>(at + 1, end)) {
    if (*at == '\r' || *at == '\n' || *at == '\0') return true;
  }
  return false;
}

struct DateText {
  std::int64_t second = std::numeric_limits<std::int64_t>::min();
  std::array<char, 29> text{};
};

void put_digits(char* place, unsigned value, int width) {
  for (int digit = width - 1; digit >= 0; --digit, value /= 10) place[digit] = static_cast<char>('0' + value % 10);
}

void put_text(char* place, std::string_view text) {
  std::copy(text.begin(), text.end(), place);
}

void fill(DateText& date, std::chrono::sys_seconds time) {
  using namespace std::chrono;
  constexpr std::string_view k_days = "SunMonTueWedThuFriSat";
  constexpr std::string_view k_months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto day = floor<days>(time);
  const year_month_day calendar(day);
  const hh_mm_ss clock(time - day);
  char* text = date.text.data();
  put_text(text, "Sun, 06 Nov 1994 08:49:37 GMT");
  put_text(text, k_days.substr(std::size_t{weekday(day).c_encoding()} * 3, 3));
  put_digits(text + 5, static_cast<unsigned>(calendar.day()), 2);
  put_text(text + 8, k_months.substr((static_cast<std::size_t>(static_cast<unsigned>(calendar.month())) - 1) * 3, 3));
  put_digits(text + 12, static_cast<unsigned>(static_cast<int>(calendar.year())), 4);
  put_digits(text + 17, static_cast<unsigned>(clock.hours().count()), 2);
  put_digits(text + 20, static_cast<unsigned>(clock.minutes().count()), 2);
  put_digits(text + 23, static_cast<unsigned>(clock.seconds().count()), 2);
}

}  // namespace

void HeadWriter::status_line(int status) {
  const int three_digits = std::clamp(status, 100, 999);
  out_.append("HTTP/1.1 ");
  append_number(out_, static_cast<std::uint64_t>(three_digits));
  out_.append(" ").append(reason_phrase(three_digits)).append("\r\n");
}

bool HeadWriter::request_line(std::string_view method, std::string_view target, std::string_view target_rest) {
  const auto printable = [](std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
  };
  if (!is_token(method) || (target.empty() && target_rest.empty())) return false;
  if (!printable(target) || !printable(target_rest)) return false;
  out_.append(method).append(" ").append(target).append(target_rest).append(" HTTP/1.1\r\n");
  return true;
}

bool HeadWriter::field(std::string_view name, std::string_view value) {
  if (!is_token(name) || breaks_out(value)) return false;
  out_.append(name).append(": ").append(value).append("\r\n");
  return true;
}

bool HeadWriter::field(std::string_view name, std::string_view scheme, std::string_view rest) {
  if (!is_token(name) || breaks_out(scheme) || breaks_out(rest)) return false;
  out_.append(name).append(": ").append(scheme).append(rest).append("\r\n");
  return true;
}

bool HeadWriter::field(std::string_view name, std::uint64_t number) {
  if (!is_token(name)) return false;
  out_.append(name).append(": ");
  append_number(out_, number);
  out_.append("\r\n");
  return true;
}

void HeadWriter::end() {
  out_.append("\r\n");
}

std::string_view reason_phrase(int status) {
  const auto* known = std::lower_bound(std::begin(k_reasons), std::end(k_reasons), status,
                                       [](const auto& reason, int wanted) { return reason.first < wanted; });
  if (known != std::end(k_reasons) && known->first == status) return known->second;
  switch (status / 100) {
    case 1:
      return "Informational";
    case 2:
      return "Success";
    case 3:
      return "Redirection";
    case 4:
      return "Client Error";
    case 5:
      return "Server Error";
    default:
      return "Unknown";
  }
}

std::string_view http_date(base::Time time) {
  static thread_local DateText date;
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  if (second.time_since_epoch().count() != date.second) {
    fill(date, second);
    date.second = second.time_since_epoch().count();
  }
  return {date.text.data(), date.text.size()};
}

}  // namespace cr::http::message
