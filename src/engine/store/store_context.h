// What a worker brings along when it works on the store: the time, its counters, its random
// numbers.
//
// Thread safety: none; each worker owns one. Counters are summed by whoever holds the Gate alone.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/random.h"
#include "engine/store/eviction_pool.h"
#include "engine/store/journal_sink.h"
#include "engine/store/reclaimer.h"
#include "params/event_classes.h"
#include "params/settings.h"

namespace kiln {

struct StoreStats {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t expired = 0;
  uint64_t expired_seen = 0;  // of those, found by who looked for them
  uint64_t expired_fields = 0;
  uint64_t evicted = 0;
  uint64_t expired_unfetched = 0;
  uint64_t evicted_unfetched = 0;
  uint64_t evicted_active = 0;  // read of late all the same
  uint64_t changes = 0;         // "rdb_changes_since_last_save"

  void Add(const StoreStats& other);
};

// Told of events of the classes that are switched on. Called under the key's shard lock: must not
// touch the store.
class KeyEventSink {
 public:
  virtual void OnKeyEvent(EventClass event_class, std::string_view event, std::string_view key,
                          int db) = 0;

 protected:
  ~KeyEventSink() = default;
};

struct Key;

// Told of changes in shards that are marked so (Shard::is_tracked). OnChange is called under the
// key's shard lock: it must not touch the store.
class ChangeSink {
 public:
  // A key's value changed, appeared or went; by a command, or `by_itself`: it expired or was
  // evicted.
  virtual void OnChange(const Key& key, bool by_itself) = 0;
  // Exclusive: any key of any database may have changed.
  virtual void OnFlush() = 0;

 protected:
  ~ChangeSink() = default;
};

struct StoreContext {
  StoreContext(const Settings& settings_in, uint64_t seed) : settings(settings_in), random(seed) {}

  const Settings& settings;
  KeyEventSink* events = nullptr;
  ChangeSink* changes = nullptr;
  JournalSink* journal = nullptr;  // null: changes need not be replayed. Set under the Gate.
  // To be called when a batch begins.
  void SetTime(uint64_t time_ms);
  void SetKeepClocks(bool keep);

  uint64_t now_ms = 0;    // what is due by then is gone; 0 while a journal is replayed: nothing is
  uint64_t clock_ms = 0;  // for the records' clocks
  uint64_t read_mark =
      0;  // Record::ReadMark of now; 0 while uses are not noted so (LFU, keep_clocks)
  StoreStats stats;
  Random random;
  Reclaimer reclaimer;
  EvictionPool eviction_pool;
  bool keep_clocks = false;   // the client said NO-TOUCH; SetKeepClocks changes it
  bool keep_expired = false;  // during a pause reads leave expired keys where they are
  // The primary says when a key goes, so do reads here. Set under the Gate.
  bool is_replica = false;
  // Keys that clients of a writable replica gave times to live: nobody else will say when these go.
  static constexpr size_t kMaxLocalExpiries = size_t{1} << 20;
  std::set<std::pair<int, std::string>> local_expiries;
  // A hash as a replica shows it, without what is due but not gone yet; until the next one.
  std::shared_ptr<void> shown_hash;
  // Memory is short and could not be freed. Set for memcached's verbs only; Redis commands are
  // refused before they run.
  bool no_room = false;
};

}  // namespace kiln
