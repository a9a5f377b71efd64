#include "engine/store/db.h"

#include <algorithm>
#include <memory>

#include "base/check.h"
#include "base/memory.h"
#include "base/number.h"

namespace kiln {
namespace {

constexpr uint32_t kClockMask = 0xffffff;
// A new key starts with some frequency, so that it is not the first to go. As Redis's LFU_INIT_VAL.
constexpr uint32_t kLfuInitial = 5;
// A string that grows gets as much again in reserve, up to this.
constexpr size_t kMaxSpareBytes = size_t{1} << 20;

uint32_t Minutes(uint64_t now_ms) {
  return static_cast<uint32_t>(now_ms / 60000) & 0xffff;
}
uint32_t Seconds(uint64_t now_ms) {
  return static_cast<uint32_t>(now_ms / 1000) & kClockMask;
}

void CopyMetadata(const Record* from, Record* to) {
  if (to->has_expiry()) to->set_expiry_ms(from->expiry_ms());
  if (from->client_flags() != 0) to->set_client_flags(from->client_flags());
  if (from->cas() != 0) to->set_cas(from->cas());
  to->CopyUse(*from);
}

// Copies the value's bytes; a collection is handed over by pointer.
void CopyValue(const Record* from, Record* to) {
  size_t bytes = from->is_raw() ? from->RawBytes() : 8;
  std::memcpy(to->value(), const_cast<Record*>(from)->value(), bytes);
}

bool MayBeInteger(std::string_view text) {
  return text.size() <= 20 && !text.empty() && text[0] <= '9';
}

}  // namespace

void StoreContext::SetTime(uint64_t time_ms) {
  now_ms = time_ms;
  read_mark = IsLfu(settings.maxmemory_policy) ? 0 : Record::ReadMark(Seconds(time_ms));
}

// ---- Looking up ----

[[gnu::always_inline]] inline void Db::NoteUse(Record* record) {
  if (context_.read_mark == 0 || context_.keep_clocks) [[unlikely]]
    return CountUse(record);
  record->set_clock(Record::ClockIn(context_.read_mark));
}

[[gnu::always_inline]] inline Record* Db::Alive(const Key& key, Record* record) {
  if (record == nullptr || !IsExpired(record)) [[likely]]
    return record;
  if (!context_.keep_expired) DropExpired(key, record);
  return nullptr;
}

[[gnu::always_inline]] inline Record* Db::Look(const Key& key) {
  Record* record = FindSeen(key);
  if (record == nullptr || IsExpired(record)) [[unlikely]]
    return LookAnew(key);
  return record;
}

[[gnu::noinline]] Record* Db::LookAnew(const Key& key) {
  return Alive(key, table(key).records.Find(key.table_hash(), key.text));
}

Record* Db::Peek(const Key& key) {
  return Look(key);
}

Record* Db::Touch(const Key& key) {
  Record* record = Look(key);
  if (record != nullptr) NoteUse(record);
  return record;
}

[[gnu::always_inline]] inline Record* Db::Count(const Key& key, Record* record) {
  if (record == nullptr) {
    ++context_.stats.misses;
    Notify(kEventKeyMiss, "keymiss", key.text);
    return nullptr;
  }
  ++context_.stats.hits;
  if (!record->is_fetched()) record->set_fetched();
  return record;
}

Record* Db::Inspect(const Key& key) {
  return Count(key, Look(key));
}

// Nearly every record found is where it was seen, and then its read is noted in one go.
Record* Db::Find(const Key& key) {
  Record* record = FindSeen(key);
  bool is_usual = record != nullptr && context_.read_mark != 0 && !context_.keep_clocks;
  if (!is_usual || IsExpired(record)) [[unlikely]]
    return FindAnew(key);
  record->NoteRead(context_.read_mark);
  ++context_.stats.hits;
  return record;
}

[[gnu::noinline]] Record* Db::FindAnew(const Key& key) {
  Record* record = Count(key, Look(key));
  if (record != nullptr) NoteUse(record);
  return record;
}

uint32_t Db::FreshClock() const {
  if (IsLfu(context_.settings.maxmemory_policy)) return Minutes(context_.now_ms) << 8 | kLfuInitial;
  return Seconds(context_.now_ms);
}

uint32_t Db::LfuCounter(const Record* record) const {
  uint32_t counter = record->clock() & 0xff;
  auto decay_minutes = static_cast<uint32_t>(context_.settings.lfu_decay_time_min);
  if (decay_minutes == 0) return counter;
  uint32_t idle = (Minutes(context_.now_ms) - (record->clock() >> 8)) & 0xffff;
  uint32_t periods = idle / decay_minutes;
  return periods > counter ? 0 : counter - periods;
}

uint64_t Db::IdleSeconds(const Record* record) const {
  return (Seconds(context_.now_ms) - record->clock()) & kClockMask;
}

void Db::SetLfuCounter(Record* record, uint32_t counter) {
  if (!IsLfu(context_.settings.maxmemory_policy)) return;
  record->set_clock(Minutes(context_.now_ms) << 8 | counter);
}

void Db::SetIdleSeconds(Record* record, uint64_t seconds) {
  if (IsLfu(context_.settings.maxmemory_policy)) return;
  record->set_clock((Seconds(context_.now_ms) - static_cast<uint32_t>(seconds)) & kClockMask);
}

void Db::CountUse(Record* record) {
  if (context_.keep_clocks) return;
  if (!IsLfu(context_.settings.maxmemory_policy))
    return record->set_clock(Seconds(context_.now_ms));
  // Counts logarithmically: the fuller the counter, the less likely a use is to raise it.
  uint32_t counter = LfuCounter(record);
  if (counter < 255) {
    uint32_t above = counter > kLfuInitial ? counter - kLfuInitial : 0;
    uint64_t one_in = above * static_cast<uint64_t>(context_.settings.lfu_log_factor) + 1;
    if (context_.random.Below(one_in) == 0) ++counter;
  }
  record->set_clock(Minutes(context_.now_ms) << 8 | counter);
}

// ---- Removing ----

void Db::Drop(const Key& key, Record* record) {
  DbShard& table = this->table(key);
  if (record->expiry_ms() != kNoExpiry) --table.volatile_count;
  table.records.Remove(key.table_hash(), key.text);
  keyspace_.FreeRecord(key.shard(), record, context_);
}

void Db::DropExpired(const Key& key, Record* record) {
  ++context_.stats.expired;
  if (!record->is_fetched()) ++context_.stats.expired_unfetched;
  Changed(key);
  Notify(kEventExpired, "expired", key.text);
  Drop(key, record);
}

void Db::Evict(size_t shard, Record* record) {
  Key key = HashKey(record->key());
  KILN_DCHECK(key.shard() == shard);
  (void)shard;
  ++context_.stats.evicted;
  if (!record->is_fetched()) ++context_.stats.evicted_unfetched;
  Changed(key);
  Notify(kEventEvicted, "evicted", key.text);
  Drop(key, record);
  // Where memory is short, an index of nothing but stale entries is too much.
  DbShard& table = this->table(key);
  if (table.volatile_count == 0) table.expiry.reset();
}

bool Db::Delete(const Key& key) {
  Record* record = Peek(key);
  if (record == nullptr) return false;
  Drop(key, record);
  return true;
}

void Db::ExpirePrefix(size_t shard, uint32_t prefix) {
  DbShard& table = keyspace_.table(index_, shard);
  uint64_t table_hash = uint64_t{prefix} << 32;
  Record* due[8];
  size_t count = 0;
  table.records.ForEachWithPrefix(table_hash, 32, [&](Record* record) {
    if (record->expiry_ms() == kNoExpiry) return;
    if (!IsExpired(record)) {
      table.expiry->Add(prefix, record->expiry_ms(), context_.now_ms);
    } else if (count < std::size(due)) {
      due[count++] = record;
    }
  });
  for (size_t i = 0; i < count; ++i) DropExpired(HashKey(due[i]->key()), due[i]);
}

// ---- Strings ----

Record* Db::Reshape(const Key& key, Record* record, const RecordShape& shape, size_t spare_bytes,
                    bool keep_collection) {
  DbShard& table = this->table(key);
  if (record == nullptr) {
    Record* fresh = keyspace_.AllocateRecord(key.shard(), shape, key.text, spare_bytes);
    fresh->set_clock(FreshClock());
    table.records.Insert(key.table_hash(), fresh);
    Notify(kEventNew, "new", key.text);
    return fresh;
  }
  if (!keep_collection && record->type() != Type::kString) {
    context_.reclaimer.Free(record->type(), record->collection<void>());
  }
  uint32_t clock = record->clock();
  const SizeClasses& classes = RecordSizeClasses();
  size_t bytes = shape.Bytes() + spare_bytes;
  if (bytes <= classes.max_bytes() && !record->is_large() &&
      classes.ClassOf(bytes) == classes.ClassOf(record->shape().Bytes())) {
    Record::Format(record, shape, key.text, false);
    record->set_clock(clock);
    return record;
  }
  Record* fresh = keyspace_.AllocateRecord(key.shard(), shape, key.text, spare_bytes);
  fresh->set_clock(clock);
  table.records.Replace(key.table_hash(), record, fresh);
  keyspace_.FreeRecordMemory(key.shard(), record);
  return fresh;
}

void Db::IndexExpiry(DbShard& table, const Key& key, uint64_t expiry_ms) {
  if (table.expiry == nullptr) table.expiry = std::make_unique<ExpiryIndex>();
  table.expiry->Add(static_cast<uint32_t>(key.table_hash() >> 32), expiry_ms, context_.now_ms);
  auto& next = keyspace_.shard(key.shard()).next_expiry_ms;
  if (expiry_ms < next.load(std::memory_order_relaxed)) {
    next.store(expiry_ms, std::memory_order_relaxed);
  }
}

// Most strings that are set again keep their size.
Record* Db::SetString(const Key& key, std::string_view value) {
  Record* record = FindSeen(key);
  if (record == nullptr || MayBeInteger(value) || !record->Overwrite(value)) [[unlikely]]
    return SetString(key, value, {});
  NoteUse(record);
  return record;
}

Record* Db::SetString(const Key& key, std::string_view value, const StringOptions& options) {
  Record* record = Look(key);
  uint8_t fields = options.fields();
  if (record == nullptr || !record->IsSmallString(fields) || MayBeInteger(value)) [[unlikely]]
    return PutString(key, record, value, options);
  uint64_t old_expiry = record->expiry_ms();
  if (!record->Rewrite(value, options.expiry_ms, options.client_flags, options.cas)) [[unlikely]]
    return PutString(key, record, value, options);
  NoteUse(record);
  if (options.expiry_ms != old_expiry) NoteExpiryChange(key, old_expiry, options.expiry_ms);
  return record;
}

Record* Db::PutString(const Key& key, Record* record, std::string_view value,
                      const StringOptions& options) {
  bool may_be_integer = !options.as_text && MayBeInteger(value);
  uint64_t old_expiry = record == nullptr ? kNoExpiry : record->expiry_ms();
  uint64_t expiry = options.keep_expiry ? old_expiry : options.expiry_ms;
  RecordShape shape;
  shape.key_bytes = key.text.size();
  shape.value_bytes = value.size();
  shape.has_expiry = expiry != kNoExpiry;
  shape.has_client_flags = options.client_flags != 0;
  shape.has_cas = options.cas != 0;
  std::optional<int64_t> integer;
  if (may_be_integer) integer = ParseInt64(value);
  shape.is_integer = integer.has_value();
  if (shape.Bytes() > RecordSizeClasses().max_bytes()) shape.has_expiry = true;
  bool is_new = record == nullptr;
  record = Reshape(key, record, shape, 0, false);
  if (!is_new) NoteUse(record);  // being created is no use
  if (shape.has_client_flags) record->set_client_flags(options.client_flags);
  if (shape.has_cas) record->set_cas(options.cas);
  if (integer) {
    record->set_integer(*integer);
  } else {
    std::memcpy(record->value(), value.data(), value.size());
  }
  if (shape.has_expiry) record->set_expiry_ms(expiry);
  if (old_expiry != expiry) NoteExpiryChange(key, old_expiry, expiry);
  return record;
}

void Db::NoteExpiryChange(const Key& key, uint64_t before, uint64_t after) {
  DbShard& table = this->table(key);
  if (before == kNoExpiry) ++table.volatile_count;
  if (after == kNoExpiry) --table.volatile_count;
  // A later time needs no new entry: the old one comes up first and is put off.
  if (after < before) IndexExpiry(table, key, after);
}

Record* Db::SetInteger(const Key& key, int64_t value) {
  Record* record = Peek(key);
  if (record != nullptr && record->is_integer()) {
    record->set_integer(value);
    return record;
  }
  if (record == nullptr) {
    RecordShape shape;
    shape.is_integer = true;
    shape.key_bytes = key.text.size();
    record = Reshape(key, nullptr, shape, 0, false);
  } else {
    RecordShape shape = record->shape();
    uint64_t expiry = record->expiry_ms();
    uint32_t flags = record->client_flags();
    uint64_t cas = record->cas();
    shape.is_integer = true;
    record = Reshape(key, record, shape, 0, false);
    if (shape.has_expiry) record->set_expiry_ms(expiry);
    if (shape.has_client_flags) record->set_client_flags(flags);
    if (shape.has_cas) record->set_cas(cas);
  }
  record->set_integer(value);
  return record;
}

std::string_view Db::StringOf(const Record* record, char* scratch) {
  if (!record->is_integer()) return record->raw();
  return {scratch, FormatInt64(record->integer(), scratch)};
}

Record* Db::ResizeString(const Key& key, Record* record, size_t bytes, bool spare) {
  RecordShape shape;
  shape.key_bytes = key.text.size();
  size_t old_bytes = 0;
  if (record != nullptr) {
    shape = record->shape();
    old_bytes = shape.value_bytes;
  }
  size_t capacity = record == nullptr ? 0 : keyspace_.CapacityBytes(key.shard(), record);
  bool is_raw = record != nullptr && shape.IsRaw();
  bool same_length_bytes =
      is_raw && RecordShape::LengthBytes(old_bytes) == RecordShape::LengthBytes(bytes);
  char digits[kMaxInt64Chars];
  std::string_view old_value;
  if (record != nullptr) old_value = StringOf(record, digits);
  shape.is_integer = false;
  shape.value_bytes = bytes;
  size_t copied = std::min(old_value.size(), bytes);
  if (same_length_bytes && shape.Bytes() <= capacity) {
    record->set_raw_bytes(bytes);
  } else {
    size_t spare_bytes = spare && record != nullptr ? std::min(bytes, kMaxSpareBytes) : 0;
    if (shape.Bytes() + spare_bytes > RecordSizeClasses().max_bytes()) shape.has_expiry = true;
    Record* fresh = keyspace_.AllocateRecord(key.shard(), shape, key.text, spare_bytes);
    if (shape.has_expiry) fresh->set_expiry_ms(kNoExpiry);
    if (record == nullptr) {
      fresh->set_clock(FreshClock());
      table(key).records.Insert(key.table_hash(), fresh);
      Notify(kEventNew, "new", key.text);
    } else {
      CopyMetadata(record, fresh);
      std::memcpy(fresh->value(), old_value.data(), copied);
      table(key).records.Replace(key.table_hash(), record, fresh);
      keyspace_.FreeRecordMemory(key.shard(), record);
    }
    record = fresh;
  }
  if (bytes > copied) std::memset(record->value() + copied, 0, bytes - copied);
  record->set_edited(true);
  return record;
}

// ---- Expiry, collections, moving ----

Record* Db::SetExpiry(const Key& key, Record* record, uint64_t expiry_ms) {
  uint64_t before = record->expiry_ms();
  if (before == expiry_ms) return record;
  if (!record->has_expiry()) {
    RecordShape shape = record->shape();
    shape.has_expiry = true;
    Record* fresh = keyspace_.AllocateRecord(key.shard(), shape, key.text, 0);
    CopyMetadata(record, fresh);
    CopyValue(record, fresh);
    table(key).records.Replace(key.table_hash(), record, fresh);
    keyspace_.FreeRecordMemory(key.shard(), record);
    record = fresh;
  }
  record->set_expiry_ms(expiry_ms);
  NoteExpiryChange(key, before, expiry_ms);
  return record;
}

Record* Db::PutCollection(const Key& key, Type type, void* collection) {
  return ShapeCollection(key, nullptr, type, collection);
}

Record* Db::ReplaceWithCollection(const Key& key, Type type, void* collection) {
  Record* record = Peek(key);
  if (record != nullptr && record->expiry_ms() != kNoExpiry) {
    NoteExpiryChange(key, record->expiry_ms(), kNoExpiry);
  }
  return ShapeCollection(key, record, type, collection);
}

Record* Db::ShapeCollection(const Key& key, Record* record, Type type, void* collection) {
  RecordShape shape;
  shape.type = type;
  shape.key_bytes = key.text.size();
  record = Reshape(key, record, shape, 0, false);
  record->set_collection(collection);
  return record;
}

Record* Db::Extract(const Key& key) {
  Record* record = Peek(key);
  if (record == nullptr) return nullptr;
  DbShard& table = this->table(key);
  if (record->expiry_ms() != kNoExpiry) --table.volatile_count;
  return table.records.Remove(key.table_hash(), key.text);
}

Record* Db::Adopt(const Key& key, size_t from_shard, Record* extracted) {
  RecordShape shape = extracted->shape();
  shape.key_bytes = key.text.size();
  Record* record = Reshape(key, nullptr, shape, 0, false);
  CopyMetadata(extracted, record);
  CopyValue(extracted, record);
  if (record->expiry_ms() != kNoExpiry) NoteExpiryChange(key, kNoExpiry, record->expiry_ms());
  keyspace_.FreeRecordMemory(from_shard, extracted);
  return record;
}

Record* Db::CopyFrom(const Key& key, const Record* source) {
  RecordShape shape = source->shape();
  shape.key_bytes = key.text.size();
  Record* record = Reshape(key, nullptr, shape, 0, false);
  CopyMetadata(source, record);
  record->set_clock(FreshClock());
  if (source->type() == Type::kString) {
    CopyValue(source, record);
  } else {
    record->set_collection(CloneCollection(source->type(), source->collection<void>()));
  }
  if (record->expiry_ms() != kNoExpiry) NoteExpiryChange(key, kNoExpiry, record->expiry_ms());
  return record;
}

size_t Db::MemoryBytes(const Key& key, const Record* record) const {
  constexpr size_t kSlotBytes = 10;  // a table slot at the usual fill
  size_t bytes = keyspace_.CapacityBytes(key.shard(), record) + kSlotBytes;
  if (record->type() == Type::kString) return bytes;
  return bytes + CollectionMemoryBytes(record->type(), record->collection<void>());
}

void Db::MarkWatched(const Key& key) {
  keyspace_.shard(key.shard()).watched->MarkDirty(index_, key.text);
}

}  // namespace kiln
