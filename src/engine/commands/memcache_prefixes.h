// PrefixCounts: what memcached's "stats detail dump" tells: how often items were asked for, stored
// and deleted, by the prefix of their keys.
//
// A prefix is what stands before the first delimiter; keys without one are not counted. Counting is
// off unless asked for, and then costs a lock for each key. Prefixes beyond kMaxPrefixes are not
// counted. Lines are memcached 1.6.18's, sorted by prefix.
//
// Thread safety: any worker; a lock of its own.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace kiln {

class PrefixCounts {
 public:
  static constexpr size_t kMaxPrefixes = 10000;

  void SetDelimiter(char delimiter) { delimiter_ = delimiter; }
  void CountGet(std::string_view key, bool is_hit);
  void CountSet(std::string_view key);
  void CountDelete(std::string_view key);
  void Clear();
  // A line for each prefix, each with its line end.
  std::string Dump();

 private:
  struct Counts {
    uint64_t gets = 0;
    uint64_t hits = 0;
    uint64_t sets = 0;
    uint64_t deletes = 0;
  };
  // Null when the key has no prefix, or there are too many. With the lock held.
  Counts* Find(std::string_view key);

  char delimiter_ = ':';  // before any counting
  std::mutex mutex_;
  std::map<std::string, Counts, std::less<>> counts_;
};

}  // namespace kiln
