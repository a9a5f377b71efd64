#include "engine/store/gate.h"

namespace kiln {

bool Gate::OthersInside(size_t slot) const {
  for (size_t i = 0; i < slot_count_; ++i) {
    if (i != slot && slots_[i].inside.load(std::memory_order_seq_cst)) return true;
  }
  return false;
}

void Gate::WaitWhileClosed(std::unique_lock<std::mutex>& lock, size_t slot) {
  Slot& self = slots_[slot];
  self.is_waiting = true;
  self.served_round = round_;
  while (true) {
    changed_.wait(lock, [&] {
      return !closed_.load(std::memory_order_relaxed) || self.served_round != round_;
    });
    if (self.served_round == round_) break;
    self.served_round = round_;
    lock.unlock();
    {
      std::lock_guard<std::mutex> alone(serving_);
      serve_(slot);
    }
    lock.lock();
    if (--still_to_serve_ == 0) changed_.notify_all();
  }
  self.is_waiting = false;
}

void Gate::LetWaitersServe() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (size_t i = 0; i < workers_; ++i) still_to_serve_ += slots_[i].is_waiting;
  if (still_to_serve_ == 0) return;
  ++round_;
  changed_.notify_all();
  changed_.wait(lock, [&] { return still_to_serve_ == 0; });
}

// The caller counts as outside while it waits for another exclusive section to end.
void Gate::Close(size_t slot) {
  Leave(slot);
  std::unique_lock<std::mutex> lock(mutex_);
  WaitWhileClosed(lock, slot);
  closed_.store(true, std::memory_order_seq_cst);
  changed_.wait(lock, [&] { return !OthersInside(slot); });
}

void Gate::Open(size_t slot) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    slots_[slot].inside.store(true, std::memory_order_seq_cst);
    closed_.store(false, std::memory_order_seq_cst);
  }
  changed_.notify_all();
}

void Gate::WaitUntilOpen(size_t slot) {
  while (closed_.load(std::memory_order_seq_cst)) {
    slots_[slot].inside.store(false, std::memory_order_seq_cst);
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.notify_all();
    WaitWhileClosed(lock, slot);
    slots_[slot].inside.store(true, std::memory_order_seq_cst);
  }
}

void Gate::NotifyLeft() {
  std::lock_guard<std::mutex> lock(mutex_);
  changed_.notify_all();
}

}  // namespace kiln
