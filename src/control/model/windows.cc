#include "control/model/windows.h"

#include <fmt/format.h>

#include <array>

namespace kiln {
namespace {

constexpr int kDay = 24 * 60;
constexpr int kWeek = 7 * kDay;
constexpr std::array<std::string_view, 7> kDays = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

std::optional<int> TwoDigits(std::string_view text, int limit) {
  if (text.size() != 2) return std::nullopt;
  int value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value < limit ? std::optional(value) : std::nullopt;
}

std::optional<int> MinuteOfDay(std::string_view text) {  // "23:30"
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  std::optional<int> hour = TwoDigits(text.substr(0, 2), 24);
  std::optional<int> minute = TwoDigits(text.substr(3), 60);
  if (!hour || !minute) return std::nullopt;
  return *hour * 60 + *minute;
}

std::optional<int> MinuteOfWeek(std::string_view text) {  // "sun:23:30"
  if (text.size() != 9 || text[3] != ':') return std::nullopt;
  for (size_t day = 0; day < kDays.size(); ++day) {
    std::optional<int> minute = MinuteOfDay(text.substr(4));
    if (text.substr(0, 3) == kDays[day] && minute) return static_cast<int>(day) * kDay + *minute;
  }
  return std::nullopt;
}

uint32_t StableHash(std::string_view text) {
  uint32_t hash = 2166136261u;
  for (char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619u;
  return hash;
}

}  // namespace

std::string ParseMaintenanceWindow(std::string_view text, Window* window) {
  std::optional<int> start = text.size() == 19 ? MinuteOfWeek(text.substr(0, 9)) : std::nullopt;
  std::optional<int> end = start && text[9] == '-' ? MinuteOfWeek(text.substr(10)) : std::nullopt;
  if (!end) {
    return fmt::format(
        "Invalid maintenance window format: {}. Should be specified as a range "
        "ddd:hh24:mi-ddd:hh24:mi (24H Clock UTC).",
        text);
  }
  *window = {*start, (*end - *start + kWeek) % kWeek};
  if (window->length < 60) return "Maintenance window must be at least 60 minutes.";
  if (window->length > kDay) return "Maintenance window must be less than 24 hours.";
  return {};
}

std::string ParseSnapshotWindow(std::string_view text, Window* window) {
  std::optional<int> start = text.size() == 11 ? MinuteOfDay(text.substr(0, 5)) : std::nullopt;
  std::optional<int> end = start && text[5] == '-' ? MinuteOfDay(text.substr(6)) : std::nullopt;
  if (!end) {
    return fmt::format(
        "Invalid snapshot window format: {}. Should be specified as a range "
        "hh24:mi-hh24:mi (24H Clock UTC).",
        text);
  }
  *window = {*start, (*end - *start + kDay) % kDay};
  if (window->length < 60) return "Snapshot window must be at least 60 minutes.";
  return {};
}

bool Overlap(const Window& snapshot, const Window& maintenance) {
  for (int day = -1; day <= 7; ++day) {  // The windows of the days around may reach in.
    for (int week = -kWeek; week <= kWeek; week += kWeek) {
      int start = day * kDay + snapshot.start + week;
      if (start < maintenance.start + maintenance.length &&
          maintenance.start < start + snapshot.length)
        return true;
    }
  }
  return false;
}

bool IsInMaintenanceWindow(std::string_view text, int64_t now_ms) {
  Window window;
  if (!ParseMaintenanceWindow(text, &window).empty()) return false;
  int64_t minutes = now_ms / 60000 + 4 * kDay;  // 1970 began on a Thursday.
  int now = static_cast<int>(minutes % kWeek);
  return (now - window.start + kWeek) % kWeek < window.length;
}

std::optional<int64_t> SnapshotWindowStart(std::string_view text, int64_t now_ms) {
  Window window;
  if (!ParseSnapshotWindow(text, &window).empty()) return std::nullopt;
  int64_t minutes = now_ms / 60000;
  int64_t since_start = (minutes - window.start + kDay) % kDay;
  if (since_start >= window.length) return std::nullopt;
  return (minutes - since_start) * 60000;
}

std::string DefaultMaintenanceWindow(std::string_view name) {
  uint32_t hash = StableHash(name);
  std::string_view day = kDays[hash % 7];
  unsigned hour = 7 + hash / 7 % 3;
  unsigned minute = hash / 21 % 2 * 30;
  return fmt::format("{}:{:02}:{:02}-{}:{:02}:{:02}", day, hour, minute, day, hour + 1, minute);
}

std::string DefaultSnapshotWindow(std::string_view name) {
  uint32_t hash = StableHash(name);
  unsigned hour = 3 + hash / 7 % 3;
  unsigned minute = hash / 21 % 2 * 30;
  return fmt::format("{:02}:{:02}-{:02}:{:02}", hour, minute, hour + 1, minute);
}

}  // namespace kiln
