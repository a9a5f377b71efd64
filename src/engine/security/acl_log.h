// AclLog: what was refused to whom, newest first, for ACL LOG and INFO.
//
// Refusals that are alike and come within a minute of each other are one entry that counts them, as
// in Redis. Bounded by acllog-max-len. Thread safety: any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "engine/commands/access_control.h"

namespace kiln {

struct AclLogEntry {
  DenialReason reason = DenialReason::kNone;
  DenialContext context = DenialContext::kTopLevel;
  std::string object;  // the command, key or channel
  std::string user;
  std::string client;  // as CLIENT LIST shows it
  uint64_t count = 1;
  int64_t id = 0;
  int64_t created_ms = 0;  // Unix time
  int64_t updated_ms = 0;
};

class AclLog {
 public:
  // Counts the refusal and keeps it. `entry` has neither times, id nor count yet.
  void Add(AclLogEntry entry, int64_t now_ms, size_t max_entries);
  std::vector<AclLogEntry> Newest(size_t count) const;
  void Clear();
  // How often something was refused for this reason since the start.
  uint64_t CountOf(DenialReason reason) const {
    return counts_[static_cast<size_t>(reason)].load(std::memory_order_relaxed);
  }

 private:
  mutable std::mutex mutex_;
  std::deque<AclLogEntry> entries_;  // newest first
  int64_t next_id_ = 0;
  std::array<std::atomic<uint64_t>, 5> counts_{};
};

}  // namespace kiln
