#include "engine/persist/rdb_loader.h"

#include <fmt/format.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "base/log.h"
#include "base/number.h"
#include "base/prefetch.h"
#include "engine/persist/rdb_entry_reader.h"
#include "engine/persist/rdb_value.h"
#include "engine/store/store_context.h"

namespace kiln {
namespace {

constexpr size_t kGroup = 16;  // entries whose keys are looked for together
constexpr size_t kMaxLoggedEmptyKeys = 10;

// Batches on their way from the thread that reads to those that decode.
class BatchQueue {
 public:
  explicit BatchQueue(size_t limit) : limit_(limit) {}

  // Waits while it is full. False when nobody takes any more.
  bool Push(RdbBatch batch) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return batches_.size() < limit_ || is_closed_; });
    if (is_closed_) return false;
    batches_.push_back(std::move(batch));
    changed_.notify_all();
    return true;
  }
  // False when there will be no more.
  bool Pop(RdbBatch* batch) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return !batches_.empty() || is_closed_; });
    if (batches_.empty()) return false;
    *batch = std::move(batches_.front());
    batches_.pop_front();
    changed_.notify_all();
    return true;
  }
  // No more come; those that are there are still taken, or not.
  void Close(bool drops_rest) {
    std::lock_guard<std::mutex> lock(mutex_);
    is_closed_ = true;
    if (drops_rest) batches_.clear();
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<RdbBatch> batches_;
  size_t limit_;
  bool is_closed_ = false;
};

// An entry whose value is still to be read.
struct Entry : RdbEntryHead {
  RdbInput in{""};
  Key key;
  TableHint hint;
};

// Decodes batches and puts them into the keyspace. One a thread.
class BatchLoader {
 public:
  BatchLoader(Keyspace& keyspace, const Settings& settings, const RdbLoadOptions& options,
              RdbLoadProgress* progress, size_t number)
      : keyspace_(keyspace),
        options_(options),
        progress_(*progress),
        context_(settings, options.now_ms + number),
        number_(number) {
    context_.SetTime(options.now_ms);
  }
  ~BatchLoader() {
    while (!context_.reclaimer.empty()) context_.reclaimer.Run(1 << 16);
  }

  // False, with error() set, when something is wrong.
  bool Load(const RdbBatch& batch, uint16_t version) {
    keys_ = expired_ = 0;
    if (batch.db >= static_cast<uint64_t>(keyspace_.databases()))
      return Fail(batch, 0,
                  fmt::format("The file was made by a server with more than {} databases",
                              keyspace_.databases()));
    Db db(keyspace_, static_cast<int>(batch.db), context_);
    SortByShard(batch, version);
    for (size_t first = 0; first < sorted_.size() && error_.empty(); first += kGroup) {
      if (progress_.is_stopped.load(std::memory_order_relaxed)) break;
      if (options_.enter) options_.enter(number_);
      LoadGroup(db, batch, first, version);
      if (options_.leave) options_.leave(number_);
    }
    progress_.keys.fetch_add(keys_, std::memory_order_relaxed);
    progress_.expired_keys.fetch_add(expired_, std::memory_order_relaxed);
    return error_.empty();
  }

  const std::string& error() const { return error_; }
  uint64_t error_offset() const { return error_offset_; }
  uint64_t highest_cas() const { return highest_cas_; }
  std::vector<std::pair<int, std::string>>& due_keys() { return due_keys_; }

 private:
  bool Fail(const RdbBatch& batch, size_t at, std::string_view text) {
    error_ = text;
    error_offset_ = batch.offset + at;
    return false;
  }

  // Entries of a shard come one after another, so that its table and its memory stay in the cache;
  // each thread begins at other shards, so that they do not meet.
  void SortByShard(const RdbBatch& batch, uint16_t version) {
    size_t first_shard = number_ * kShardCount / options_.threads;
    uint32_t ends[kShardCount] = {};
    shards_.clear();
    for (size_t start : batch.entries) {
      RdbInput in(batch.view().substr(start), version);
      ReadRdbEntryHead(in, &entries_[0]);
      size_t shard = (HashKey(entries_[0].name).shard() + first_shard) % kShardCount;
      shards_.push_back(static_cast<uint16_t>(shard));
      ++ends[shard];
    }
    for (size_t i = 1; i < kShardCount; ++i) ends[i] += ends[i - 1];
    sorted_.resize(shards_.size());
    for (size_t i = shards_.size(); i-- > 0;) sorted_[--ends[shards_[i]]] = batch.entries[i];
  }

  void LoadGroup(Db& db, const RdbBatch& batch, size_t first, uint16_t version) {
    size_t count = std::min(kGroup, sorted_.size() - first);
    // The bytes of those that come next: sorted, they lie anywhere in the batch.
    for (size_t i = first + count; i < std::min(first + count + kGroup, sorted_.size()); ++i)
      Prefetch(batch.memory.get() + sorted_[i]);
    for (size_t i = 0; i < count; ++i) {
      entries_[i].in = RdbInput(batch.view().substr(sorted_[first + i]), version);
      ReadHead(db, &entries_[i]);
    }
    for (size_t i = 0; i < count; ++i) Db::PrefetchRecord(&entries_[i].hint);
    for (size_t i = 0; i < count && error_.empty(); ++i) TakeEntry(db, batch, &entries_[i]);
  }

  void ReadHead(Db& db, Entry* entry) {
    ReadRdbEntryHead(entry->in, entry);
    highest_cas_ = std::max(highest_cas_, CasCountOf(entry->cas));
    entry->key = HashKey(entry->name);
    entry->hint = db.PrefetchBucket(entry->key);
  }

  void TakeEntry(Db& db, const RdbBatch& batch, Entry* entry) {
    int64_t delay_us = context_.settings.key_load_delay_us;
    if (delay_us > 0) [[unlikely]]
      usleep(static_cast<useconds_t>(delay_us));
    if (!entry->in.is_broken() && entry->type == RdbType::kString) {
      std::string_view text = entry->in.Text();
      if (text.size() > kMaxStringBytes) entry->in.Break();
      if (!entry->in.is_broken()) return Put(db, batch, entry, text);
    } else if (!entry->in.is_broken()) {
      RdbValue value = ReadRdbBody(entry->in, entry->type, context_.settings);
      if (entry->in.is_empty() && !entry->in.is_broken()) return SkipEmpty(*entry);
      if (!entry->in.is_broken()) return PutCollection(db, batch, entry, std::move(value));
    }
    Fail(batch, batch.bytes - entry->in.left(),
         fmt::format("The value of key '{}' makes no sense", entry->name));
  }

  void SkipEmpty(const Entry& entry) {
    uint64_t before = progress_.empty_keys.fetch_add(1, std::memory_order_relaxed);
    if (before < kMaxLoggedEmptyKeys)
      Log(LogLevel::kNotice, "rdbLoadObject skipping empty key: " + entry.name);
  }

  bool IsDue(const RdbBatch& batch, const Entry& entry) {
    if (!options_.drops_due || entry.expiry_ms >= context_.now_ms) return false;
    ++expired_;
    if (options_.notes_due) due_keys_.emplace_back(static_cast<int>(batch.db), entry.name);
    return true;
  }

  // Under the key's lock: whether it is free. What is there goes, or is an error.
  bool MakeWay(Db& db, const RdbBatch& batch, const Entry& entry) {
    if (db.Peek(entry.key) == nullptr) return true;
    if (options_.replaces) return db.Delete(entry.key);
    return Fail(batch, batch.bytes - entry.in.left(),
                fmt::format("The key '{}' is there twice", entry.name));
  }

  void Put(Db& db, const RdbBatch& batch, Entry* entry, std::string_view text) {
    if (IsDue(batch, *entry)) return;
    ShardLock& lock = keyspace_.shard(entry->key.shard()).lock;
    lock.Lock();
    if (MakeWay(db, batch, *entry)) {
      Record* record = db.SetString(
          entry->key, text,
          {.expiry_ms = entry->expiry_ms, .client_flags = entry->client_flags, .cas = entry->cas});
      NoteUse(db, record, *entry);
      ++keys_;
    }
    lock.Unlock();
  }

  void PutCollection(Db& db, const RdbBatch& batch, Entry* entry, RdbValue value) {
    if (IsDue(batch, *entry)) return;
    bool drops_fields = options_.drops_due && !options_.notes_due;
    if (auto* hash = std::get_if<std::unique_ptr<Hash>>(&value); hash && drops_fields) {
      (*hash)->RemoveDue(context_.now_ms, ~size_t{0});
      if ((*hash)->empty()) return void(++expired_);
    }
    ShardLock& lock = keyspace_.shard(entry->key.shard()).lock;
    lock.Lock();
    if (MakeWay(db, batch, *entry)) {
      Record* record = StoreRdbValue(db, entry->key, std::move(value));
      if (entry->expiry_ms != kNoExpiry)
        record = db.SetExpiry(entry->key, record, entry->expiry_ms);
      NoteUse(db, record, *entry);
      ++keys_;
    }
    lock.Unlock();
  }

  static void NoteUse(Db& db, Record* record, const Entry& entry) {
    if (entry.idle_seconds) db.SetIdleSeconds(record, *entry.idle_seconds);
    if (entry.frequency) db.SetLfuCounter(record, *entry.frequency);
  }

  Keyspace& keyspace_;
  const RdbLoadOptions& options_;
  RdbLoadProgress& progress_;
  StoreContext context_;
  Entry entries_[kGroup];
  std::vector<uint16_t> shards_;  // of the batch's entries
  std::vector<size_t> sorted_;    // where they begin
  std::vector<std::pair<int, std::string>> due_keys_;
  std::string error_;
  uint64_t error_offset_ = 0;
  uint64_t highest_cas_ = 0;
  uint64_t keys_ = 0;
  uint64_t expired_ = 0;
  size_t number_;
};

class FileLoader {
 public:
  FileLoader(ByteSource& source, Keyspace& keyspace, const Settings& settings,
             const RdbLoadOptions& options, RdbLoadProgress* progress)
      : options_(options),
        progress_(*progress),
        keyspace_(keyspace),
        splitter_(source, options.checks_sum),
        queue_(2 * options.threads) {
    progress_.total_bytes = source.total_bytes() == ByteSource::kUnknown ? 0 : source.total_bytes();
    for (size_t i = 0; i < options_.threads; ++i)
      loaders_.push_back(std::make_unique<BatchLoader>(keyspace, settings, options_, progress, i));
  }

  RdbLoadResult Run() {
    options_.threads <= 1 ? LoadAlone() : LoadTogether();
    RdbLoadResult result;
    if (!splitter_.error().empty()) {
      result.error = splitter_.error();
      result.error_offset = splitter_.error_offset();
    }
    for (auto& loader : loaders_) {
      result.highest_cas = std::max(result.highest_cas, loader->highest_cas());
      auto& due = loader->due_keys();
      std::move(due.begin(), due.end(), std::back_inserter(result.due_keys));
      bool is_first = !loader->error().empty() &&
                      (result.error.empty() || loader->error_offset() < result.error_offset);
      if (!is_first) continue;
      result.error = loader->error();
      result.error_offset = loader->error_offset();
    }
    if (progress_.is_stopped && result.error.empty()) result.error = "The loading was stopped";
    result.facts = splitter_.facts();
    return result;
  }

 private:
  bool Next(RdbBatch* batch) {
    if (progress_.is_stopped.load(std::memory_order_relaxed)) return false;
    bool has_more = splitter_.Next(batch);
    progress_.bytes.store(splitter_.offset(), std::memory_order_relaxed);
    if (!has_used_memory_) NoteUsedMemory();
    if (has_more && batch->declared_keys > 0) Reserve(batch->db, batch->declared_keys);
    return has_more;
  }

  // A file may declare what it likes: room is made for no more keys than it may hold if they are
  // short.
  void Reserve(uint64_t db, uint64_t keys) {
    constexpr uint64_t kUsualEntryBytes = 16;
    keys = std::min(keys, progress_.total_bytes / kUsualEntryBytes);
    if (db >= static_cast<uint64_t>(keyspace_.databases())) return;
    for (size_t shard = 0; shard < kShardCount; ++shard) {
      std::lock_guard<ShardLock> lock(keyspace_.shard(shard).lock);
      keyspace_.table(static_cast<int>(db), shard).records.Reserve(keys / kShardCount);
    }
  }

  void NoteUsedMemory() {
    has_used_memory_ = true;
    auto bytes = ParseInt64(splitter_.facts().Aux("used-mem"));
    progress_.saved_memory_bytes = static_cast<uint64_t>(std::max<int64_t>(bytes.value_or(0), 0));
  }

  bool Load(size_t thread, const RdbBatch& batch) {
    return loaders_[thread]->Load(batch, splitter_.facts().version);
  }

  void LoadAlone() {
    RdbBatch batch;
    while (Next(&batch) && Load(0, batch)) {
    }
  }

  void LoadTogether() {
    std::vector<std::thread> threads;
    for (size_t i = 0; i < options_.threads; ++i) {
      threads.emplace_back([this, i] {
        RdbBatch batch;
        while (queue_.Pop(&batch)) {
          if (!Load(i, batch)) queue_.Close(true);
        }
      });
    }
    RdbBatch batch;
    while (Next(&batch) && queue_.Push(std::move(batch))) {
    }
    queue_.Close(!splitter_.error().empty());
    for (std::thread& thread : threads) thread.join();
  }

  RdbLoadOptions options_;
  RdbLoadProgress& progress_;
  Keyspace& keyspace_;
  RdbSplitter splitter_;
  BatchQueue queue_;
  std::vector<std::unique_ptr<BatchLoader>> loaders_;
  bool has_used_memory_ = false;
};

}  // namespace

RdbLoadResult LoadRdb(ByteSource& source, Keyspace& keyspace, const Settings& settings,
                      const RdbLoadOptions& options, RdbLoadProgress* progress) {
  RdbLoadResult result = FileLoader(source, keyspace, settings, options, progress).Run();
  if (result.highest_cas > 0) {
    // A key may be in another shard now: no shard may give out a number that an item has.
    for (size_t shard = 0; shard < kShardCount; ++shard) {
      ShardLock& lock = keyspace.shard(shard).lock;
      lock.Lock();
      uint64_t& last_cas = keyspace.shard(shard).last_cas;
      last_cas = std::max(last_cas, result.highest_cas);
      lock.Unlock();
    }
  }
  return result;
}

}  // namespace kiln
