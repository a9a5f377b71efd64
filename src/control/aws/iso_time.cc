#include "control/aws/iso_time.h"

#include <fmt/format.h>

#include <chrono>

namespace kiln {
namespace {

constexpr int64_t kMsPerSecond = 1000;
constexpr int64_t kMsPerMinute = 60 * kMsPerSecond;
constexpr int64_t kMsPerDay = 24 * 60 * kMsPerMinute;

// Reads a text from the left; after the first mismatch nothing more is read.
struct Cursor {
  std::string_view rest;
  bool is_good = true;

  int Digits(size_t count) {
    int number = 0;
    is_good = is_good && rest.size() >= count;
    for (size_t i = 0; is_good && i < count; ++i) {
      is_good = rest[i] >= '0' && rest[i] <= '9';
      number = number * 10 + (rest[i] - '0');
    }
    if (is_good) rest.remove_prefix(count);
    return is_good ? number : 0;
  }
  bool Take(char c) {
    bool is_next = is_good && !rest.empty() && rest[0] == c;
    if (is_next) rest.remove_prefix(1);
    return is_next;
  }
  void Expect(char c) { is_good = Take(c); }
};

std::optional<int64_t> DayMs(int year, int month, int day) {
  std::chrono::year_month_day date(std::chrono::year(year),
                                   std::chrono::month(static_cast<unsigned>(month)),
                                   std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok() || year < 1970) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * kMsPerDay;
}

std::optional<int64_t> ClockMs(int hour, int minute, int second) {
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return (hour * 60 + minute) * kMsPerMinute + second * kMsPerSecond;
}

int64_t FractionMs(Cursor& cursor) {
  int64_t scale = 100;
  int64_t ms = 0;
  do {
    ms += cursor.Digits(1) * scale;
    scale /= 10;
  } while (cursor.is_good && !cursor.rest.empty() && cursor.rest[0] >= '0' &&
           cursor.rest[0] <= '9');
  return ms;
}

// What is to be taken off to come to UTC.
int64_t ZoneMs(Cursor& cursor) {
  bool is_east = cursor.Take('+');
  if (!is_east && !cursor.Take('-')) {
    cursor.Take('Z');
    return 0;
  }
  int hours = cursor.Digits(2);
  cursor.Take(':');
  int minutes = cursor.Digits(2);
  cursor.is_good = cursor.is_good && hours < 24 && minutes < 60;
  return (is_east ? 1 : -1) * (hours * 60 + minutes) * kMsPerMinute;
}

struct Parts {
  int year, month, day, hour, minute, second, ms;
};

Parts Split(int64_t time_ms) {
  using std::chrono::floor;
  std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(time_ms)};
  auto days = floor<std::chrono::days>(time);
  std::chrono::year_month_day date(days);
  std::chrono::hh_mm_ss clock(time - days);
  return {static_cast<int>(date.year()),
          static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day())),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count()),
          static_cast<int>(clock.subseconds().count())};
}

}  // namespace

std::string FormatIsoTime(int64_t time_ms) {
  Parts at = Split(time_ms);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", at.year, at.month, at.day,
                     at.hour, at.minute, at.second, at.ms);
}

std::string FormatBasicTime(int64_t time_ms) {
  Parts at = Split(time_ms);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", at.year, at.month, at.day, at.hour,
                     at.minute, at.second);
}

std::optional<int64_t> ParseIsoTime(std::string_view text) {
  Cursor cursor{text};
  int year = cursor.Digits(4);
  cursor.Expect('-');
  int month = cursor.Digits(2);
  cursor.Expect('-');
  std::optional<int64_t> day_ms = DayMs(year, month, cursor.Digits(2));
  if (!cursor.is_good || !day_ms) return std::nullopt;
  if (cursor.rest.empty()) return day_ms;
  cursor.Expect('T');
  int hour = cursor.Digits(2);
  cursor.Expect(':');
  int minute = cursor.Digits(2);
  cursor.Expect(':');
  std::optional<int64_t> clock_ms = ClockMs(hour, minute, cursor.Digits(2));
  int64_t fraction_ms = cursor.Take('.') ? FractionMs(cursor) : 0;
  int64_t zone_ms = ZoneMs(cursor);
  if (!cursor.is_good || !clock_ms || !cursor.rest.empty()) return std::nullopt;
  return *day_ms + *clock_ms + fraction_ms - zone_ms;
}

std::optional<int64_t> ParseBasicTime(std::string_view text) {
  Cursor cursor{text};
  int year = cursor.Digits(4);
  int month = cursor.Digits(2);
  std::optional<int64_t> day_ms = DayMs(year, month, cursor.Digits(2));
  cursor.Expect('T');
  int hour = cursor.Digits(2);
  int minute = cursor.Digits(2);
  std::optional<int64_t> clock_ms = ClockMs(hour, minute, cursor.Digits(2));
  cursor.Expect('Z');
  if (!cursor.is_good || !cursor.rest.empty() || !day_ms || !clock_ms) return std::nullopt;
  return *day_ms + *clock_ms;
}

}  // namespace kiln
