// What tests of the store start from: a keyspace of two databases, a clock they move, and a record
// of all events.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/number.h"
#include "engine/store/db.h"

namespace kiln {

// Writes events down as "<db> <event> <key>".
class EventLog final : public KeyEventSink {
 public:
  void OnKeyEvent(EventClass, std::string_view event, std::string_view key, int db) override {
    events_.push_back(std::to_string(db) + " " + std::string(event) + " " + std::string(key));
  }
  std::vector<std::string> Take() { return std::exchange(events_, {}); }

 private:
  std::vector<std::string> events_;
};

class StoreTest : public testing::Test {
 protected:
  static constexpr uint64_t kStart = 1'700'000'000'000;

  StoreTest() {
    settings_.maxmemory_samples = 5;
    settings_.lfu_log_factor = 10;
    settings_.lfu_decay_time_min = 1;
    context_.events = &events_;
    context_.now_ms = context_.clock_ms = kStart;
  }
  ~StoreTest() override {
    for (int db = 0; db < keyspace_.databases(); ++db) keyspace_.Flush(db, true, context_);
    FreeFlushed();
  }

  void Set(std::string_view key, std::string_view value, uint64_t expiry_ms = kNoExpiry) {
    db_.SetString(HashKey(key), value, {.expiry_ms = expiry_ms});
  }
  // "(none)" when absent.
  std::string Get(std::string_view key) { return Get(db_, key); }
  static std::string Get(Db& db, std::string_view key) {
    const Record* record = db.Peek(HashKey(key));
    char scratch[kMaxInt64Chars];
    return record == nullptr ? "(none)" : std::string(Db::StringOf(record, scratch));
  }
  // Removes all that is due now.
  void ExpireDue() {
    for (size_t i = 0; i < kShardCount; ++i) {
      size_t budget = ~size_t{0};
      EXPECT_TRUE(keyspace_.ExpireDue(i, &budget, context_));
    }
  }
  void FreeFlushed() {
    for (size_t i = 0; i < kShardCount; ++i) {
      size_t budget = ~size_t{0};
      EXPECT_TRUE(keyspace_.FreeFlushed(i, &budget, context_));
    }
    while (!context_.reclaimer.Run(1 << 20)) {
    }
  }
  size_t RecordBytes() {
    size_t bytes = 0;
    for (size_t i = 0; i < kShardCount; ++i) bytes += keyspace_.shard(i).heap.used_bytes();
    return bytes;
  }

  Settings settings_;
  EventLog events_;
  StoreContext context_{settings_, 1};
  Keyspace keyspace_{2};
  Db db_{keyspace_, 0, context_};
  Db other_db_{keyspace_, 1, context_};
};

}  // namespace kiln
