// LatencyMonitor: the worst recent latencies of named events (LATENCY).
//
// Thread safety: all functions may be called from any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

class LatencyMonitor {
 public:
  static constexpr size_t kHistory = 160;

  struct Sample {
    int64_t time_s;
    int64_t latency_ms;
  };
  struct Latest {
    std::string event;
    Sample last;
    int64_t max_ms;
  };

  // The caller has compared with the threshold.
  void Add(std::string_view event, int64_t latency_ms, int64_t now_s);
  std::vector<Latest> LatestOfAll() const;
  std::vector<Sample> History(std::string_view event) const;
  // Forgets the named events (all if empty); returns how many there were.
  size_t Reset(const std::vector<std::string>& events);

 private:
  struct Series {
    std::deque<Sample> samples;
    int64_t max_ms = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Series, std::less<>> events_;
};

}  // namespace kiln
