// The keys that were evicted of late, as one byte each in a table: who comes back soon after it
// went was evicted too early, and is believed more the next time.
//
// The table has some places for each record that the keyspace holds, as eviction finds it; its
// memory is taken when it is first written. Two keys that share a place overwrite each other, and
// one in some 250 is taken for another: nothing but the choice of what is evicted depends on it.
//
// Thread safety: SetLimit before there are other threads; the others from any.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace kiln {

class EvictedKeys {
 public:
  EvictedKeys() = default;
  EvictedKeys(const EvictedKeys&) = delete;
  EvictedKeys& operator=(const EvictedKeys&) = delete;
  ~EvictedKeys();

  // Places at most, of which none is in use before FitTo. Without a limit nothing is noted.
  void SetLimit(size_t places);
  // Makes it large enough for a keyspace of so many records. It never shrinks.
  void FitTo(size_t records);

  void Note(uint64_t key_hash) {
    if (marks_ != nullptr) Place(key_hash).store(MarkOf(key_hash), std::memory_order_relaxed);
  }
  // Whether this key was noted; it is forgotten then.
  bool Take(uint64_t key_hash) {
    if (marks_ == nullptr) [[likely]]
      return false;
    std::atomic<uint8_t>& place = Place(key_hash);
    if (place.load(std::memory_order_relaxed) != MarkOf(key_hash)) return false;
    place.store(0, std::memory_order_relaxed);
    return true;
  }

 private:
  std::atomic<uint8_t>& Place(uint64_t key_hash) {
    return marks_[key_hash & mask_.load(std::memory_order_relaxed)];
  }
  static uint8_t MarkOf(uint64_t key_hash) {
    return static_cast<uint8_t>(std::max<uint64_t>(1, key_hash >> 40 & 0xff));
  }

  std::atomic<uint8_t>* marks_ = nullptr;
  size_t limit_ = 0;
  std::atomic<size_t> mask_ = 0;
};

// The process's own.
EvictedKeys& LatelyEvicted();

}  // namespace kiln
