// SlowLog: the last commands that took longer than a threshold (SLOWLOG).
//
// Thread safety: all functions may be called from any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "engine/commands/command.h"

namespace kiln {

class SlowLog {
 public:
  // Arguments past these limits are cut, as Redis does.
  static constexpr size_t kMaxArguments = 32;
  static constexpr size_t kMaxArgumentBytes = 128;

  struct Entry {
    int64_t id;
    int64_t time_s;
    int64_t duration_us;
    std::vector<std::string> arguments;
    std::string client_address;
    std::string client_name;
  };

  void Add(Arguments arguments, int64_t duration_us, int64_t time_s, const std::string& address,
           const std::string& name, size_t max_entries);
  // The newest first, at most `count`.
  std::vector<Entry> Get(size_t count) const;
  size_t size() const;
  void Reset();

 private:
  mutable std::mutex mutex_;
  std::deque<Entry> entries_;  // newest in front
  int64_t next_id_ = 0;
};

}  // namespace kiln
