// Timer wheel: fires callbacks at millisecond resolution without a heap.
//
// A connection re-arms its idle timer on every request, so arming must be O(1) and cancelling
// almost free. Four wheels of 256 slots cover 2^32 ms. A timer sits in the wheel of the highest
// byte in which its due time differs from now, so everything in a finer wheel is due before
// anything in a coarser one, and a timer moves to a finer wheel at most three times. What lies
// beyond the next multiple of 2^32 ms waits in one more list. Source: Varghese and Lauck, "Hashed
// and hierarchical timing wheels" (1987), scheme 7. Rejected: a binary heap. Re-arming costs O(log
// n), and almost every timer is cancelled before it fires.
//
// Times are milliseconds of any clock that never goes back. Thread safety: none. Each event loop
// owns one wheel.
#pragma once

#include <cstdint>

namespace kiln {

class TimerWheel;

// One timer: a node of the wheel, embedded in its owner. Dying cancels it. Must not move while
// armed.
//
//   class Session { void OnIdle(); Timer idle_timer_ = Timer::Calling<&Session::OnIdle>(this); };
class Timer {
 public:
  using Callback = void (*)(void* owner);

  Timer(Callback callback, void* owner) : callback_(callback), owner_(owner) {}
  ~Timer() { Cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  template <auto kMethod, class Owner>
  static Timer Calling(Owner* owner) {
    return Timer([](void* self) { (static_cast<Owner*>(self)->*kMethod)(); }, owner);
  }

  bool IsArmed() const { return wheel_ != nullptr; }
  int64_t due_ms() const { return due_ms_; }  // Meaningful while armed.
  void Cancel();                              // Nothing happens when it is not armed.

 private:
  friend class TimerWheel;

  Timer* next_ = nullptr;
  Timer** link_ =
      nullptr;  // What points at this timer: the slot's head or the previous timer's next_.
  TimerWheel* wheel_ = nullptr;  // Null when not armed.
  int64_t due_ms_ = 0;
  Callback callback_;
  void* owner_;
  uint16_t slot_ = 0;
};

class TimerWheel {
 public:
  static constexpr int64_t kNever = INT64_MAX;

  explicit TimerWheel(int64_t now_ms) : now_ms_(now_ms) {}
  ~TimerWheel();  // Disarms what is left, without calling it.
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Arms or re-arms. A time that has passed means the next millisecond, so that a callback which
  // re-arms itself cannot keep Advance from returning.
  void Arm(Timer& timer, int64_t due_ms);

  // Fires every timer due at or before now_ms, in the order of their times (unspecified within a
  // millisecond). A timer is disarmed before its callback runs. Callbacks may arm, cancel and
  // destroy any timer, their own too.
  void Advance(int64_t now_ms);

  // When to call Advance next: never later than the first due time, and exact when that is less
  // than 256 ms-slots ahead. May be earlier for far timers (the time they move to a finer wheel).
  // kNever when nothing is armed.
  int64_t NextDueMs() const;

 private:
  friend class Timer;

  static constexpr int kWheels = 4;
  static constexpr int kSlots = 256;
  static constexpr int kFarSlot = kWheels * kSlots;  // The list beyond the wheels.
  static constexpr int kWords = kSlots / 64;

  struct NextSlot {
    int slot;       // -1: nothing is armed.
    int64_t at_ms;  // When the slot's span begins.
  };

  int SlotFor(int64_t due_ms) const;
  NextSlot FindNextSlot() const;
  void Link(Timer& timer, int slot);
  void Unlink(Timer& timer);
  void Cascade(int slot);
  void Fire(int slot);

  int64_t now_ms_;  // Everything due up to here has been fired.
  uint64_t used_[kWheels][kWords] = {};
  Timer* heads_[kFarSlot + 1] = {};
};

}  // namespace kiln
