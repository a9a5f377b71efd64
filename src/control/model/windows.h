// Maintenance and snapshot windows: "sun:23:00-mon:01:30" and "05:00-09:00", in UTC.
//
// Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kiln {

// In minutes; `start` since Sunday 00:00 (snapshot windows: since midnight). May wrap.
struct Window {
  int start = 0;
  int length = 0;
};

// An error text, or empty. 60 minutes to 24 hours; 60 minutes or more.
std::string ParseMaintenanceWindow(std::string_view text, Window* window);
std::string ParseSnapshotWindow(std::string_view text, Window* window);

// Whether the daily snapshot window and the weekly maintenance window have a minute in common.
bool Overlap(const Window& snapshot, const Window& maintenance);

// Whether the moment lies in the maintenance window; false when the text is no window.
bool IsInMaintenanceWindow(std::string_view window, int64_t now_ms);

// When the occurrence of the daily snapshot window began that the moment lies in. Nullopt: it lies
// in none, or the text is no window.
std::optional<int64_t> SnapshotWindowStart(std::string_view window, int64_t now_ms);

// The windows given to those who ask for none: spread over the night by the name, not overlapping.
std::string DefaultMaintenanceWindow(std::string_view name);
std::string DefaultSnapshotWindow(std::string_view name);

}  // namespace kiln
