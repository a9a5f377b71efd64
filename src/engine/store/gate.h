// The Gate: a big-reader lock over the whole keyspace and all connections.
//
// Every worker is inside (shared) while it handles a turn of its event loop: one store to its own
// cache line to enter. The rare whole-keyspace command (FLUSHALL, SWAPDB, CLIENT LIST, CONFIG SET,
// a script that names no keys) asks for it alone and waits until the others are out; they step
// aside between batches.
//
// A script may run alone for so long that clients must hear why they wait: its worker then calls
// LetWaitersServe from time to time, and each worker that waits here gets a short turn, one after
// another, while the script stands still.
//
// Thread safety: Enter, Leave, StepAside and Exclusive are called by the worker that owns `slot`.
// A helper (a thread that loads or saves) only enters and leaves.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

namespace kiln {

class Gate {
 public:
  // `helpers` are threads beside the workers, in the slots behind theirs.
  explicit Gate(size_t workers, size_t helpers = 0)
      : slots_(std::make_unique<Slot[]>(workers + helpers)),
        workers_(workers),
        slot_count_(workers + helpers) {}

  // To be said before a helper first enters, and after the last one has left.
  void SetHelped(bool on) { helpers_.fetch_add(on ? 1 : -1, std::memory_order_seq_cst); }

  void Enter(size_t slot) {
    slots_[slot].inside.store(true, std::memory_order_seq_cst);
    if (closed_.load(std::memory_order_seq_cst)) [[unlikely]]
      WaitUntilOpen(slot);
  }
  // For a helper that must not wait: false, and it is not inside, while somebody has or wants the
  // Gate alone.
  bool TryEnter(size_t slot) {
    slots_[slot].inside.store(true, std::memory_order_seq_cst);
    if (!closed_.load(std::memory_order_seq_cst)) return true;
    Leave(slot);
    return false;
  }
  void Leave(size_t slot) {
    slots_[slot].inside.store(false, std::memory_order_seq_cst);
    if (closed_.load(std::memory_order_seq_cst)) [[unlikely]]
      NotifyLeft();
  }
  // Between batches: lets a waiting exclusive section pass.
  void StepAside(size_t slot) {
    if (!closed_.load(std::memory_order_relaxed)) [[likely]]
      return;
    Leave(slot);
    Enter(slot);
  }

  // What a worker does when it is let serve; to be set before the workers start.
  void SetServe(std::function<void(size_t slot)> serve) { serve_ = std::move(serve); }
  // For whoever runs alone: lets all that wait serve once, and returns when they have.
  void LetWaitersServe();

  // Runs f with everyone else outside. The caller must be inside, holding no shard lock.
  template <class F>
  void Exclusive(size_t slot, F&& f) {
    if (workers_ == 1 && helpers_.load(std::memory_order_relaxed) == 0) return f();
    Close(slot);
    f();
    Open(slot);
  }

 private:
  struct alignas(64) Slot {
    std::atomic<bool> inside{false};
    bool is_waiting = false;    // with mutex_
    uint64_t served_round = 0;  // with mutex_
  };

  void Close(size_t slot);
  void Open(size_t slot);
  void WaitUntilOpen(size_t slot);
  void WaitWhileClosed(std::unique_lock<std::mutex>& lock, size_t slot);
  void NotifyLeft();
  bool OthersInside(size_t slot) const;

  std::unique_ptr<Slot[]> slots_;
  size_t workers_;
  size_t slot_count_;
  std::atomic<int> helpers_{0};
  std::atomic<bool> closed_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void(size_t slot)> serve_;
  std::mutex serving_;         // held by the one that serves
  uint64_t round_ = 0;         // of serving; with mutex_
  size_t still_to_serve_ = 0;  // with mutex_
};

}  // namespace kiln
