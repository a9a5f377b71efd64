// Until when each primary may acknowledge writes, at the latest, by the leases it was granted.
//
// What a kilnd before this one granted is not known: the lease of a process that was found running
// counts as over when the longest that there is would be. Times are those of the machine's boot
// clock, in milliseconds. Thread safety: none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

namespace kiln {

inline constexpr int64_t kShortestLeaseMs = 500;
inline constexpr int64_t kLongestLeaseMs = 30'000;

class LeaseBook {
 public:
  // It was there before, and may have been granted any lease.
  void Adopt(const std::string& key, int64_t now_ms) { Grant(key, now_ms, kLongestLeaseMs); }

  // Before the node is told.
  void Grant(const std::string& key, int64_t from_ms, int64_t duration_ms) {
    int64_t& until_ms = until_ms_[key];
    until_ms = std::max(until_ms, from_ms + duration_ms + kMarginMs);
  }

  int64_t UntilMs(const std::string& key) const {
    auto found = until_ms_.find(key);
    return found == until_ms_.end() ? 0 : found->second;
  }

 private:
  static constexpr int64_t kMarginMs = 100;

  std::map<std::string, int64_t> until_ms_;
};

}  // namespace kiln
