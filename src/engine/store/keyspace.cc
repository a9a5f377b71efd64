#include "engine/store/keyspace.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/memory.h"
#include "engine/store/cut.h"
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
  expired_fields += other.expired_fields;
  evicted += other.evicted;
  expired_seen += other.expired_seen;
  expired_unfetched += other.expired_unfetched;
  evicted_unfetched += other.evicted_unfetched;
  evicted_active += other.evicted_active;
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
  if (cut_ != nullptr) cut_->Abandon();
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
  if (cut_ != nullptr) cut_->Abandon();
  std::swap(tables_[static_cast<size_t>(a)], tables_[static_cast<size_t>(b)]);
  for (int db : {a, b}) {
    for (size_t i = 0; i < kShardCount; ++i) table(db, i).records.ForgetSeen();
  }
}

void Keyspace::SwapContents(Keyspace& other) {
  KILN_CHECK(cut_ == nullptr && other.cut_ == nullptr && databases() == other.databases());
  for (size_t i = 0; i < kShardCount; ++i) {
    Shard& mine = shards_[i];
    Shard& theirs = other.shards_[i];
    mine.heap.Swap(theirs.heap);
    mine.flushed.swap(theirs.flushed);
    for (int db = 0; db < databases(); ++db) std::swap(table(db, i), other.table(db, i));
    theirs.next_expiry_ms = mine.next_expiry_ms.exchange(theirs.next_expiry_ms);
    mine.last_cas = theirs.last_cas = std::max(mine.last_cas, theirs.last_cas);
  }
  other.flushed_tables_ = flushed_tables_.exchange(other.flushed_tables_);
}

void Keyspace::Clear(StoreContext& context) {
  for (int db = 0; db < databases(); ++db) Flush(db, true, context);
  for (size_t shard = 0; shard < kShardCount; ++shard) {
    size_t budget = ~size_t{0};
    FreeFlushed(shard, &budget, context);
  }
  while (!context.reclaimer.empty()) context.reclaimer.Run(size_t{1} << 16);
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
        context.now_ms, budget, [&](uint32_t prefix) { view.ExpirePrefix(shard, prefix, budget); });
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
    void* memory = shape.IsShared() ? SharedBlock::Allocate(bytes)->memory() : AllocateBytes(bytes);
    return Record::Format(memory, shape, key, true);
  }
  size_t before = heap.used_bytes();
  void* memory = heap.Allocate(bytes);
  CountBytes(static_cast<long long>(heap.used_bytes() - before));
  return Record::Format(memory, shape, key, false);
}

void Keyspace::FreeRecordMemory(size_t shard, Record* record) {
  if (SharedBlock* block = record->block()) {
    block->Drop();
  } else if (record->is_large()) {
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

void Keyspace::EmptyRun(size_t shard, Run* run) {
  // Flushed records are in no table that could be told.
  if (!shards_[shard].flushed.empty()) return;
  SlabHeap& heap = shards_[shard].heap;
  auto before = static_cast<long long>(heap.used_bytes());
  heap.EmptyRun(run, [&](void* from, void* to) {
    uint64_t hash = RecordPolicy::Hash(static_cast<Record*>(to));
    bool is_told = false;
    for (int db = 0; !is_told && db < databases(); ++db) {
      is_told = table(db, shard).records.ReplaceIfHeld(hash, static_cast<Record*>(from),
                                                       static_cast<Record*>(to));
    }
    KILN_CHECK(is_told);
  });
  CountBytes(static_cast<long long>(heap.used_bytes()) - before);
}

size_t Keyspace::CapacityBytes(size_t shard, const Record* record) const {
  if (const SharedBlock* block = record->block()) return block->usable_bytes();
  return record->is_large() ? UsableBytes(record) : shards_[shard].heap.UsableBytes(record);
}

}  // namespace kiln
