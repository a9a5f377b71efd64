#include "net/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace kiln {

void Timer::Cancel() {
  if (wheel_ != nullptr) wheel_->Unlink(*this);
}

TimerWheel::~TimerWheel() {
  for (Timer*& head : heads_) {
    while (head != nullptr) Unlink(*head);
  }
}

void TimerWheel::Arm(Timer& timer, int64_t due_ms) {
  due_ms = std::max(due_ms, now_ms_ + 1);
  int slot = SlotFor(due_ms);
  timer.due_ms_ = due_ms;
  if (timer.wheel_ == this && timer.slot_ == slot) return;  // The usual re-arm of an idle timer.
  timer.Cancel();
  Link(timer, slot);
}

void TimerWheel::Advance(int64_t now_ms) {
  while (true) {
    NextSlot next = FindNextSlot();
    if (next.slot < 0 || next.at_ms > now_ms) break;
    now_ms_ = next.at_ms;
    if (next.slot < kSlots) {
      Fire(next.slot);
    } else {
      Cascade(next.slot);
    }
  }
  now_ms_ = std::max(now_ms_, now_ms);
}

int64_t TimerWheel::NextDueMs() const {
  NextSlot next = FindNextSlot();
  return next.slot < 0 ? kNever : next.at_ms;
}

int TimerWheel::SlotFor(int64_t due_ms) const {
  uint64_t differing = static_cast<uint64_t>(due_ms) ^ static_cast<uint64_t>(now_ms_);
  if (differing >> (8 * kWheels) != 0) return kFarSlot;
  int wheel = differing == 0 ? 0 : (std::bit_width(differing) - 1) / 8;
  return wheel * kSlots + static_cast<int>((due_ms >> (8 * wheel)) & (kSlots - 1));
}

// Used slots of a wheel always lie ahead of now's own, so the first used slot of the finest used
// wheel is next.
TimerWheel::NextSlot TimerWheel::FindNextSlot() const {
  for (int wheel = 0; wheel < kWheels; ++wheel) {
    for (int word = 0; word < kWords; ++word) {
      if (used_[wheel][word] == 0) continue;
      int64_t index = word * 64 + std::countr_zero(used_[wheel][word]);
      int64_t span_ms = int64_t{1} << (8 * wheel);
      int64_t wheel_start_ms = now_ms_ & ~(span_ms * kSlots - 1);
      return {static_cast<int>(wheel * kSlots + index), wheel_start_ms + index * span_ms};
    }
  }
  if (heads_[kFarSlot] == nullptr) return {-1, 0};
  return {kFarSlot, (now_ms_ | 0xffffffff) + 1};
}

void TimerWheel::Link(Timer& timer, int slot) {
  timer.wheel_ = this;
  timer.slot_ = static_cast<uint16_t>(slot);
  timer.next_ = heads_[slot];
  timer.link_ = &heads_[slot];
  if (timer.next_ != nullptr) timer.next_->link_ = &timer.next_;
  heads_[slot] = &timer;
  if (slot != kFarSlot) used_[slot / kSlots][slot % kSlots / 64] |= uint64_t{1} << (slot % 64);
}

void TimerWheel::Unlink(Timer& timer) {
  int slot = timer.slot_;
  *timer.link_ = timer.next_;
  if (timer.next_ != nullptr) timer.next_->link_ = timer.link_;
  timer.wheel_ = nullptr;
  if (slot != kFarSlot && heads_[slot] == nullptr) {
    used_[slot / kSlots][slot % kSlots / 64] &= ~(uint64_t{1} << (slot % 64));
  }
}

// Now is the start of the slot's span, so its timers belong in finer wheels (the far ones perhaps
// still far away).
void TimerWheel::Cascade(int slot) {
  Timer* moving = heads_[slot];
  heads_[slot] = nullptr;
  if (slot != kFarSlot) used_[slot / kSlots][slot % kSlots / 64] &= ~(uint64_t{1} << (slot % 64));
  while (moving != nullptr) {
    Timer* next = moving->next_;
    Link(*moving, SlotFor(moving->due_ms_));
    moving = next;
  }
}

// What callbacks arm is due later than now and so in another slot: the list only shrinks.
void TimerWheel::Fire(int slot) {
  while (Timer* timer = heads_[slot]) {
    Unlink(*timer);
    timer->callback_(timer->owner_);
  }
}

}  // namespace kiln
