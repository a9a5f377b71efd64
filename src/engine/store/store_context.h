// What a worker brings along when it works on the store: the time, its counters, its random
// numbers.
//
// Thread safety: none; each worker owns one. Counters are summed by whoever holds the Gate alone.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/random.h"
#include "engine/store/reclaimer.h"
#include "params/event_classes.h"
#include "params/settings.h"

namespace kiln {

struct StoreStats {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t expired = 0;
  uint64_t evicted = 0;
  uint64_t expired_unfetched = 0;
  uint64_t evicted_unfetched = 0;
  uint64_t changes = 0;  // "rdb_changes_since_last_save"

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

struct StoreContext {
  StoreContext(const Settings& settings_in, uint64_t seed) : settings(settings_in), random(seed) {}

  const Settings& settings;
  KeyEventSink* events = nullptr;
  // To be called when a batch begins.
  void SetTime(uint64_t time_ms);

  uint64_t now_ms = 0;
  uint64_t read_mark = 0;  // Record::ReadMark of now; 0 while uses are counted another way (LFU)
  StoreStats stats;
  Random random;
  Reclaimer reclaimer;
  bool keep_clocks = false;   // the client said NO-TOUCH
  bool keep_expired = false;  // during a pause reads leave expired keys where they are
  // Memory is short and could not be freed. Set for memcached's verbs only; Redis commands are
  // refused before they run.
  bool no_room = false;
};

}  // namespace kiln
