// Who waits for a key (blocking commands) and who watches one (WATCH), by database and key.
//
// Thread safety: none; both lists live in a shard, under its lock. A Waiter object is shared
// between the shards of its keys and its client; it is only touched by whoever holds the locks of
// all those shards.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kiln {

struct DbKey {
  int db = 0;
  std::string key;
  bool operator==(const DbKey&) const = default;
};
struct DbKeyHash {
  size_t operator()(const DbKey& k) const {
    return std::hash<std::string_view>()(k.key) * 31 + static_cast<size_t>(k.db);
  }
};

// Set when a watched key changes; EXEC reads it under the locks of all watched keys.
struct WatchState {
  std::atomic<bool> dirty{false};
};

class WatchList {
 public:
  void Add(const DbKey& key, const std::shared_ptr<WatchState>& state);
  void Remove(const DbKey& key, const WatchState* state);
  void MarkDirty(int db, std::string_view key);
  template <class F>
  void ForEach(F&& f) {
    for (auto& [key, states] : keys_) f(key, states);
  }
  bool empty() const { return keys_.empty(); }

 private:
  std::unordered_map<DbKey, std::vector<std::shared_ptr<WatchState>>, DbKeyHash> keys_;
};

// A blocked client's request, as far as the store must know it. commands/blocking.h derives from
// it.
struct Waiter {
  virtual ~Waiter() = default;
  std::vector<DbKey> keys;       // it waits for these
  std::vector<uint32_t> shards;  // of all keys its command names, ascending
  uint64_t order = 0;            // of arrival, over all shards
};

class WaiterList {
 public:
  void Add(const DbKey& key, std::shared_ptr<Waiter> waiter);
  void Remove(const DbKey& key, const Waiter* waiter);
  // In order of arrival; null when nobody waits.
  const std::list<std::shared_ptr<Waiter>>* Find(int db, std::string_view key) const;
  template <class F>
  void ForEach(F&& f) const {
    for (const auto& [key, waiters] : keys_) {
      for (const auto& waiter : waiters) f(*waiter);
    }
  }
  bool empty() const { return keys_.empty(); }

 private:
  std::unordered_map<DbKey, std::list<std::shared_ptr<Waiter>>, DbKeyHash> keys_;
};

}  // namespace kiln
