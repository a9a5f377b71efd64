#include "engine/store/cut.h"

#include <algorithm>

#include "base/check.h"

namespace kiln {
namespace {

// Of one stay under a shard's lock: some tens of microseconds.
constexpr size_t kSliceRecords = 128;
constexpr size_t kSliceBytes = size_t{32} << 10;

}  // namespace

Cut::Cut(Keyspace& keyspace, CutWriter& writer)
    : keyspace_(keyspace), writer_(writer), mark_(record_mark ^ kMarkBit) {
  KILN_CHECK(keyspace.cut() == nullptr);
  for (int db = 0; db < keyspace.databases(); ++db) {
    sizes_.push_back({keyspace.KeyCount(db), keyspace.VolatileCount(db)});
    keys_ += sizes_.back().keys;
  }
  record_mark = mark_;
  keyspace.set_cut(this);
}

Cut::~Cut() {
  keyspace_.set_cut(nullptr);
}

bool Cut::Next(CutChunk* chunk) {
  chunk->db = -1;
  chunk->goes_on = false;
  chunk->bytes.clear();
  if (big_shard_.load(std::memory_order_relaxed) != kNoShard) return TakePiece(chunk), true;
  if (TakeAhead(chunk)) return true;
  while (db_ < keyspace_.databases() && chunk->bytes.size() < chunk_bytes_) {
    chunk->db = db_;
    bool is_done = WalkSlice(db_, shard_, &chunk->bytes);
    if (big_shard_.load(std::memory_order_relaxed) != kNoShard) return true;  // its first piece
    if (!is_done) continue;
    position_ = 0;
    if (++shard_ < kShardCount) continue;
    shard_ = 0;
    ++db_;
    if (!chunk->bytes.empty()) return true;
  }
  return !chunk->bytes.empty() || TakeAhead(chunk);
}

bool Cut::TakeAhead(CutChunk* chunk) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (ahead_.empty()) return false;
  *chunk = std::move(ahead_.back());
  ahead_.pop_back();
  return true;
}

bool Cut::WalkSlice(int db, size_t shard, std::string* out) {
  Table<RecordPolicy>& records = keyspace_.table(db, shard).records;
  std::lock_guard<ShardLock> lock(keyspace_.shard(shard).lock);
  bool writes = !is_abandoned();
  size_t met = 0;
  size_t end = out->size() + std::min(kSliceBytes, chunk_bytes_);
  bool is_done = false;
  while (!is_done && met < kSliceRecords && out->size() < end) {
    is_done = records.WalkNotMarked(mark_, &position_, [&](const Record* record) {
      ++met;
      if (!writes) return met < kSliceRecords;
      if (std::unique_ptr<CutEntry> entry = writer_.Begin(record)) {
        big_ = {db, std::string(record->key()), std::move(entry), {}};
        if (big_.entry->WriteSome(out, kSliceBytes)) return out->size() < end;
        big_shard_.store(shard, std::memory_order_relaxed);
        return false;
      }
      writer_.Write(record, out);
      return met < kSliceRecords && out->size() < end;
    });
    if (big_shard_.load(std::memory_order_relaxed) != kNoShard) break;
  }
  if (writes) keys_done_.fetch_add(met, std::memory_order_relaxed);
  return is_done;
}

void Cut::TakePiece(CutChunk* chunk) {
  chunk->db = big_.db;
  chunk->goes_on = true;
  size_t shard = big_shard_.load(std::memory_order_relaxed);
  while (chunk->bytes.size() < kFullChunkBytes) {
    std::lock_guard<ShardLock> lock(keyspace_.shard(shard).lock);
    bool is_done = big_.entry == nullptr || is_abandoned() ||
                   big_.entry->WriteSome(&chunk->bytes, kSliceBytes);
    if (!is_done) continue;
    chunk->bytes += big_.rest;
    big_ = {};
    big_shard_.store(kNoShard, std::memory_order_relaxed);
    return;
  }
}

void Cut::BeforeChange(int db, const Key& key) {
  if (key.shard() == big_shard_.load(std::memory_order_relaxed) && big_.entry != nullptr &&
      big_.db == db && big_.key == key.text) {
    if (!is_abandoned()) (void)big_.entry->WriteSome(&big_.rest, ~size_t{0});
    big_.entry.reset();
    return;
  }
  if (is_abandoned()) return;  // the walker gives the record its mark
  const Record* record =
      keyspace_.table(db, key.shard()).records.MarkIfNot(mark_, key.table_hash(), key.text);
  if (record == nullptr) return;
  std::string bytes;
  writer_.Write(record, &bytes);
  keys_done_.fetch_add(1, std::memory_order_relaxed);
  std::lock_guard<std::mutex> lock(mutex_);
  if (ahead_.empty() || ahead_.back().db != db || ahead_.back().bytes.size() >= kFullChunkBytes) {
    ahead_.push_back({db, {}});
  }
  ahead_.back().bytes += bytes;
}

}  // namespace kiln
