#include "engine/store/waiters.h"

#include <algorithm>

namespace kiln {

void WatchList::Add(const DbKey& key, const std::shared_ptr<WatchState>& state) {
  auto& states = keys_[key];
  if (std::find(states.begin(), states.end(), state) == states.end()) states.push_back(state);
}

void WatchList::Remove(const DbKey& key, const WatchState* state) {
  auto found = keys_.find(key);
  if (found == keys_.end()) return;
  std::erase_if(found->second, [&](auto& entry) { return entry.get() == state; });
  if (found->second.empty()) keys_.erase(found);
}

void WatchList::MarkDirty(int db, std::string_view key) {
  auto found = keys_.find(DbKey{db, std::string(key)});
  if (found == keys_.end()) return;
  for (auto& state : found->second) state->dirty.store(true, std::memory_order_relaxed);
}

void WaiterList::Add(const DbKey& key, std::shared_ptr<Waiter> waiter) {
  keys_[key].push_back(std::move(waiter));
}

void WaiterList::Remove(const DbKey& key, const Waiter* waiter) {
  auto found = keys_.find(key);
  if (found == keys_.end()) return;
  found->second.remove_if([&](auto& entry) { return entry.get() == waiter; });
  if (found->second.empty()) keys_.erase(found);
}

const std::list<std::shared_ptr<Waiter>>* WaiterList::Find(int db, std::string_view key) const {
  auto found = keys_.find(DbKey{db, std::string(key)});
  return found == keys_.end() ? nullptr : &found->second;
}

}  // namespace kiln
