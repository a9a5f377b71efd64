#include "engine/commands/latency_monitor.h"

#include <algorithm>

namespace kiln {

void LatencyMonitor::Add(std::string_view event, int64_t latency_ms, int64_t now_s) {
  std::lock_guard<std::mutex> lock(mutex_);
  Series& series = events_[std::string(event)];
  series.max_ms = std::max(series.max_ms, latency_ms);
  // One sample a second, the worst.
  if (!series.samples.empty() && series.samples.back().time_s == now_s) {
    series.samples.back().latency_ms = std::max(series.samples.back().latency_ms, latency_ms);
    return;
  }
  series.samples.push_back({now_s, latency_ms});
  if (series.samples.size() > kHistory) series.samples.pop_front();
}

std::vector<LatencyMonitor::Latest> LatencyMonitor::LatestOfAll() const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Latest> latest;
  for (const auto& [event, series] : events_) {
    latest.push_back({event, series.samples.back(), series.max_ms});
  }
  return latest;
}

std::vector<LatencyMonitor::Sample> LatencyMonitor::History(std::string_view event) const {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = events_.find(event);
  if (found == events_.end()) return {};
  return {found->second.samples.begin(), found->second.samples.end()};
}

size_t LatencyMonitor::Reset(const std::vector<std::string>& events) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (events.empty()) {
    size_t count = events_.size();
    events_.clear();
    return count;
  }
  size_t count = 0;
  for (const std::string& event : events) count += events_.erase(event);
  return count;
}

}  // namespace kiln
