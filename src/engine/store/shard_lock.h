// Shard lock: a four-byte mutex that spins briefly, then sleeps in the kernel. Uncontended it costs
// one atomic exchange on the way in and one on the way out. After Drepper, "Futexes Are Tricky"
// (2011), mutex 2.
//
// Taken by the dispatcher in ascending shard order, never by handlers. Not recursive.
#pragma once

#include <atomic>
#include <cstdint>

namespace kiln {

class ShardLock {
 public:
  void Lock() {
    uint32_t expected = kFree;
    if (!state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire)) [[unlikely]] {
      LockSlowly();
    }
  }
  bool TryLock() {
    uint32_t expected = kFree;
    return state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire);
  }
  void Unlock() {
    if (state_.exchange(kFree, std::memory_order_release) == kContended) [[unlikely]]
      WakeOne();
  }
  // As std::lock_guard calls them.
  void lock() { Lock(); }
  void unlock() { Unlock(); }
  bool IsHeld() const { return state_.load(std::memory_order_relaxed) != kFree; }

 private:
  static constexpr uint32_t kFree = 0;
  static constexpr uint32_t kHeld = 1;
  static constexpr uint32_t kContended = 2;

  void LockSlowly();
  void WakeOne();

  std::atomic<uint32_t> state_{kFree};
};

}  // namespace kiln
