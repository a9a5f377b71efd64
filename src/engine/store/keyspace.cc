#include "engine/store/keyspace.h"

#include <algorithm>
#include <utility>

#include "base/memory.h"
#include "engine/store/db.h"

namespace kiln {

PagePool& RecordPagePool() {
  alignas(PagePool) static char storage[sizeof(PagePool)];
  static PagePool& pool = *::new (storage) PagePool(1);
  return pool;
}

void StoreStats::Add(const StoreStats& other) {
  hits += other.hits;
  misses += other.misses;
  expired += other.expired;
  evicted += other.evicted;
  expired_unfetched += other.expired_unfetched;
  evicted_unfetched += other.evicted_unfetched;
  changes += other.changes;
}

Keyspace::Keyspace(int databases) : shards_(std::make_unique<Shard[]>(kShardCount)) {
  for (int i = 0; i < databases; ++i) tables_.push_back(std::make_unique<DbShard[]>(kShardCount));
}

size_t Keyspace::KeyCount(int db) const {
  size_t count = 0;
  for (size_t i = 0; i < kShardCount; ++i) count += table(db, i).records.size();
  return count;
}

size_t Keyspace::VolatileCount(int db) const {
  size_t count = 0;
  for (size_t i = 0; i < kShardCount; ++i) count += table(db, i).volatile_count;
  return count;
}

size_t Keyspace::Flush(int db, bool at_once, StoreContext& context) {
  size_t keys = 0;
  for (size_t i = 0; i < kShardCount; ++i) {
    DbShard& table = this->table(db, i);
    if (table.records.size() == 0) continue;
    keys += table.records.size();
    shards_[i].flushed.push_back(std::exchange(table, DbShard{}));
    flushed_tables_.fetch_add(1, std::memory_order_relaxed);
    size_t budget = ~size_t{0};
    if (at_once) FreeFlushed(i, &budget, context);
  }
  return keys;
}

void Keyspace::SwapDatabases(int a, int b) {
  std::swap(tables_[static_cast<size_t>(a)], tables_[static_cast<size_t>(b)]);
  for (int db : {a, b}) {
    for (size_t i = 0; i < kShardCount; ++i) table(db, i).records.ForgetSeen();
  }
}

bool Keyspace::FreeFlushed(size_t shard, size_t* budget, StoreContext& context) {
  std::vector<DbShard>& flushed = shards_[shard].flushed;
  while (!flushed.empty()) {
    bool done = flushed.back().records.Drain(
        budget, [&](Record* record) { FreeRecord(shard, record, context); });
    if (!done) return false;
    flushed.pop_back();
    flushed_tables_.fetch_sub(1, std::memory_order_relaxed);
  }
  if (flushed.capacity() > 0) std::vector<DbShard>().swap(flushed);
  return true;
}

bool Keyspace::ExpireDue(size_t shard, size_t* budget, StoreContext& context) {
  uint64_t next = ExpiryIndex::kNever;
  for (int db = 0; db < databases(); ++db) {
    if (table(db, shard).expiry == nullptr) continue;
    Db view(*this, db, context);
    bool done = table(db, shard).expiry->Advance(
        context.now_ms, budget, [&](uint32_t prefix) { view.ExpirePrefix(shard, prefix); });
    if (!done) return false;
    if (table(db, shard).expiry->empty()) {
      table(db, shard).expiry.reset();
    } else {
      next = std::min(next, table(db, shard).expiry->NextDueMs());
    }
  }
  shards_[shard].next_expiry_ms.store(next, std::memory_order_relaxed);
  return true;
}

Record* Keyspace::AllocateRecord(size_t shard, const RecordShape& shape, std::string_view key,
                                 size_t spare_bytes) {
  SlabHeap& heap = shards_[shard].heap;
  size_t bytes = shape.Bytes() + spare_bytes;
  if (bytes > heap.max_bytes()) {
    return Record::Format(AllocateBytes(bytes), shape, key, true);
  }
  size_t before = heap.used_bytes();
  void* memory = heap.Allocate(bytes);
  CountBytes(static_cast<long long>(heap.used_bytes() - before));
  return Record::Format(memory, shape, key, false);
}

void Keyspace::FreeRecordMemory(size_t shard, Record* record) {
  if (record->is_large()) {
    FreeBytes(record);
  } else {
    CountBytes(-static_cast<long long>(shards_[shard].heap.Free(record)));
  }
}

void Keyspace::FreeRecord(size_t shard, Record* record, StoreContext& context) {
  if (record->type() != Type::kString) {
    context.reclaimer.Free(record->type(), record->collection<void>());
  }
  FreeRecordMemory(shard, record);
}

size_t Keyspace::CapacityBytes(size_t shard, const Record* record) const {
  return record->is_large() ? UsableBytes(record) : shards_[shard].heap.UsableBytes(record);
}

}  // namespace kiln
