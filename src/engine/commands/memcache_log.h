// MemcacheLog: the clients that said "watch", and the lines that they are sent; and who takes note
// of the same: the counts by prefix of "stats detail", keyspace events of stores.
//
// A line is made only where somebody watches its kind of event; else a look at one number is all
// it costs. What a watcher does not read in time is dropped and counted for it (Session::SendEvent
// says where). Lines are memcached 1.6.18's, those of deletions newer.
//
// Thread safety: any worker; the list of watchers has a lock of its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/commands/client.h"
#include "engine/commands/memcache_item.h"
#include "engine/commands/memcache_prefixes.h"

namespace kiln {

enum WatchedEvent : uint32_t {
  kWatchFetchers = 1u << 0,
  kWatchMutations = 1u << 1,
  kWatchEvictions = 1u << 2,
  kWatchConnections = 1u << 3,
  kWatchDeletions = 1u << 4,
  kWatchNothing = 1u << 5,  // kinds of which there are none here
};

class MemcacheLog {
 public:
  static constexpr size_t kMaxWatchers = 20;

  bool Wants(uint32_t kind) const { return (wanted_.load(std::memory_order_relaxed) & kind) != 0; }
  // False when there are too many. A watcher that says it again watches something else.
  bool Add(ClientHandle who, uint32_t kinds);
  void Remove(ClientHandle who);
  size_t size();
  // Whether events are counted by the prefix of their keys. Any worker.
  void SetCounting(bool on);
  bool is_counting() const { return is_counting_.load(std::memory_order_relaxed); }
  PrefixCounts& prefixes() { return prefixes_; }
  // Whether keyspace events are on, of which stores are told here. Any worker.
  void SetEvents(bool on);
  // Sends a line, which gets its time and number in front and its end behind.
  void Write(ClientHub& clients, uint32_t kind, std::string_view text);

 private:
  struct Watcher {
    ClientHandle who;
    uint32_t kinds;
  };
  void NoteWanted();

  std::atomic<uint32_t> wanted_ = 0;
  std::atomic<bool> is_counting_ = false;
  bool has_events_ = false;
  PrefixCounts prefixes_;
  std::mutex mutex_;
  std::vector<Watcher> watchers_;
  uint64_t last_number_ = 0;
};

// A key as the lines have it: what could be taken for something else is %-encoded. Keys from the
// other protocols may hold anything.
std::string EncodedKey(std::string_view key);

// Take note of what commands do. `record` may be null: not found.
void LogFetch(Call& call, std::string_view key, const Record* record);
void LogStore(Call& call, const ItemStore& item, ItemResult result);
// Also of a key that was not there, which no line tells of.
void LogDelete(Call& call, std::string_view key, std::string_view verb, bool was_there);
// `reason` is empty for a new connection.
void LogConnection(MemcacheLog& log, ClientHub& clients, const Client& client,
                   std::string_view reason);

}  // namespace kiln
