#include "engine/store/db.h"

#include <algorithm>
#include <memory>

#include "base/check.h"
#include "base/memory.h"
#include "base/number.h"
#include "engine/store/cut.h"
#include "engine/store/evicted_keys.h"
#include "engine/store/types/hash.h"

namespace kiln {
namespace {

// What a key that comes back soon after its eviction counts as reads: two.
constexpr uint8_t kReturnedReads = 0x30;
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
  if (from->shape().has_cas) to->set_cas(from->cas());
  to->CopyUse(*from);
}

// Copies the value's bytes; a collection is handed over by pointer.
void CopyValue(const Record* from, Record* to) {
  size_t bytes = from->is_raw() ? from->RawBytes() : 8;
  std::memcpy(to->value(), const_cast<Record*>(from)->value(), bytes);
}

// What the number stood for has been changed in place, by a command that knows nothing of it.
void ForgetCas(Record* record) {
  if (record->cas() != 0) [[unlikely]]
    record->set_cas(0);
}

bool MayBeInteger(std::string_view text) {
  return text.size() <= 20 && !text.empty() && text[0] <= '9';
}

}  // namespace

void StoreContext::SetTime(uint64_t time_ms) {
  now_ms = clock_ms = time_ms;
  bool is_noted = !keep_clocks && !IsLfu(settings.maxmemory_policy);
  read_mark = is_noted ? Record::ReadMark(Seconds(time_ms)) : 0;
}

void StoreContext::SetKeepClocks(bool keep) {
  keep_clocks = keep;
  SetTime(now_ms);
}

// ---- Looking up ----

[[gnu::always_inline]] inline void Db::NoteUse(Record* record) {
  if (context_.read_mark == 0) [[unlikely]]
    return CountUse(record);
  record->set_clock(Record::ClockIn(context_.read_mark));
}

[[gnu::always_inline]] inline Record* Db::Alive(const Key& key, Record* record) {
  if (record == nullptr || !IsExpired(record)) [[likely]]
    return record;
  if (context_.keep_expired || context_.is_replica) return nullptr;
  ++context_.stats.expired_seen;
  DropExpired(key, record);
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

[[gnu::noinline, gnu::cold]] void Db::SaveForCut(const Key& key) {
  keyspace_.cut()->BeforeChange(index_, key);
}

Record* Db::Touch(const Key& key) {
  BeforeChange(key);
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
  bool is_usual = record != nullptr && context_.read_mark != 0;
  if (!is_usual || IsExpired(record)) [[unlikely]]
    return FindAnew(key);
  record->NoteRead(context_.read_mark);
  ++context_.stats.hits;
  return record;
}

[[gnu::noinline]] Record* Db::FindAnew(const Key& key) {
  Record* record = Count(key, Look(key));
  if (record == nullptr) return nullptr;
  if (context_.read_mark == 0) {
    CountUse(record);
  } else {
    record->NoteRead(context_.read_mark);
  }
  return record;
}

uint32_t Db::FreshClock() const {
  if (IsLfu(context_.settings.maxmemory_policy))
    return Minutes(context_.clock_ms) << 8 | kLfuInitial;
  return Seconds(context_.clock_ms);
}

uint32_t Db::LfuCounter(const Record* record) const {
  uint32_t counter = record->clock() & 0xff;
  auto decay_minutes = static_cast<uint32_t>(context_.settings.lfu_decay_time_min);
  if (decay_minutes == 0) return counter;
  uint32_t idle = (Minutes(context_.clock_ms) - (record->clock() >> 8)) & 0xffff;
  uint32_t periods = idle / decay_minutes;
  return periods > counter ? 0 : counter - periods;
}

uint64_t Db::IdleSeconds(const Record* record) const {
  return (Seconds(context_.clock_ms) - record->clock()) & kClockMask;
}

void Db::SetLfuCounter(Record* record, uint32_t counter) {
  if (!IsLfu(context_.settings.maxmemory_policy)) return;
  record->set_clock(Minutes(context_.clock_ms) << 8 | counter);
}

void Db::SetIdleSeconds(Record* record, uint64_t seconds) {
  if (IsLfu(context_.settings.maxmemory_policy)) return;
  record->set_clock((Seconds(context_.clock_ms) - static_cast<uint32_t>(seconds)) & kClockMask);
}

void Db::CountUse(Record* record) {
  if (context_.keep_clocks) return;
  if (!IsLfu(context_.settings.maxmemory_policy))
    return record->set_clock(Seconds(context_.clock_ms));
  // Counts logarithmically: the fuller the counter, the less likely a use is to raise it.
  uint32_t counter = LfuCounter(record);
  if (counter < 255) {
    uint32_t above = counter > kLfuInitial ? counter - kLfuInitial : 0;
    uint64_t one_in = above * static_cast<uint64_t>(context_.settings.lfu_log_factor) + 1;
    if (context_.random.Below(one_in) == 0) ++counter;
  }
  record->set_clock(Minutes(context_.clock_ms) << 8 | counter);
}

// ---- Removing ----

void Db::Drop(const Key& key, Record* record) {
  BeforeChange(key);
  DbShard& table = this->table(key);
  if (record->expiry_ms() != kNoExpiry) --table.volatile_count;
  if (record->has_field_expiry()) --table.volatile_hash_count;
  table.records.Remove(key.table_hash(), key.text);
  keyspace_.FreeRecord(key.shard(), record, context_);
}

void Db::DropExpired(const Key& key, Record* record) {
  ++context_.stats.expired;
  if (!record->is_fetched()) ++context_.stats.expired_unfetched;
  ChangedByItself(key);
  ReplayDelete(key);
  Notify(kEventExpired, "expired", key.text);
  Drop(key, record);
}

void Db::DropEvicted(const Key& key, Record* record) {
  ++context_.stats.evicted;
  if (!record->is_fetched()) {
    ++context_.stats.evicted_unfetched;
  } else if (record->reads() > 0) {
    ++context_.stats.evicted_active;
  }
  ChangedByItself(key);
  ReplayDelete(key);
  Notify(kEventEvicted, "evicted", key.text);
  Drop(key, record);
}

void Db::Evict(size_t shard, Record* record) {
  Key key = HashKey(record->key());
  KILN_DCHECK(key.shard() == shard);
  (void)shard;
  // To memcached an item that was due anyway is reclaimed; to Redis it is evicted like any other.
  if (context_.settings.memcache.keeps_frequent && IsExpired(record)) {
    DropExpired(key, record);
  } else {
    DropEvicted(key, record);
  }
  // Where memory is short, an index of nothing but stale entries is too much.
  DbShard& table = this->table(key);
  if (table.volatile_count + table.volatile_hash_count == 0) table.expiry.reset();
}

bool Db::Delete(const Key& key) {
  Record* record = Peek(key);
  // What a replica only leaves out of sight is deleted all the same.
  if (record == nullptr && context_.is_replica)
    record = table(key).records.Find(key.table_hash(), key.text);
  if (record == nullptr) return false;
  Drop(key, record);
  return true;
}

void Db::ExpirePrefix(size_t shard, uint32_t prefix, size_t* budget) {
  DbShard& table = keyspace_.table(index_, shard);
  uint64_t table_hash = uint64_t{prefix} << 32;
  Record* due[8];
  size_t count = 0;
  table.records.ForEachWithPrefix(table_hash, 32, [&](Record* record) {
    uint64_t due_ms = SoonestDueMs(record);
    if (due_ms == kNoExpiry) return;
    if (due_ms > context_.now_ms) {
      table.expiry->Add(prefix, due_ms, context_.now_ms);
    } else if (count < std::size(due)) {
      due[count++] = record;
    }
  });
  for (size_t i = 0; i < count; ++i) {
    Key key = HashKey(due[i]->key());
    if (IsExpired(due[i])) {
      DropExpired(key, due[i]);
      continue;
    }
    uint64_t before = context_.stats.expired_fields;
    bool is_left = RemoveDueFields(key, due[i], std::max<size_t>(*budget, 1));
    *budget -= std::min<size_t>(*budget, context_.stats.expired_fields - before);
    uint64_t next_ms = is_left ? SoonestDueMs(due[i]) : kNoExpiry;
    if (next_ms != kNoExpiry) table.expiry->Add(prefix, next_ms, context_.now_ms);
  }
}

// ---- Strings ----

Record* Db::Reshape(const Key& key, Record* record, const RecordShape& shape, size_t spare_bytes,
                    bool keep_collection) {
  DbShard& table = this->table(key);
  if (record == nullptr) {
    if (context_.is_replica) [[unlikely]]
      DropHidden(key);
    Record* fresh = keyspace_.AllocateRecord(key.shard(), shape, key.text, spare_bytes);
    fresh->set_clock(FreshClock());
    if (LatelyEvicted().Take(key.hash)) fresh->SetReadBits(kReturnedReads);
    table.records.Insert(key.table_hash(), fresh);
    Notify(kEventNew, "new", key.text);
    return fresh;
  }
  if (!keep_collection && record->type() != Type::kString) {
    if (record->has_field_expiry()) --table.volatile_hash_count;
    context_.reclaimer.Free(record->type(), record->collection<void>());
  }
  uint32_t clock = record->clock();
  uint8_t reads = record->ReadBits();
  const SizeClasses& classes = RecordSizeClasses();
  size_t bytes = shape.Bytes() + spare_bytes;
  if (bytes <= classes.max_bytes() && !record->is_large() &&
      classes.ClassOf(bytes) == classes.ClassOf(record->shape().Bytes())) {
    Record::Format(record, shape, key.text, false);
    record->set_clock(clock);
    record->SetReadBits(reads);
    return record;
  }
  // A big one goes first, for memory that holds both may not be there. Its address alone is still
  // known to the table, which asks for no more.
  bool is_big = record->block() != nullptr;
  if (is_big) keyspace_.FreeRecordMemory(key.shard(), record);
  Record* fresh = keyspace_.AllocateRecord(key.shard(), shape, key.text, spare_bytes);
  fresh->set_clock(clock);
  fresh->SetReadBits(reads);
  table.records.Replace(key.table_hash(), record, fresh);
  if (!is_big) keyspace_.FreeRecordMemory(key.shard(), record);
  return fresh;
}

void Db::IndexExpiry(DbShard& table, const Key& key, uint64_t expiry_ms) {
  bool is_own = context_.is_replica && context_.now_ms != 0;
  if (is_own && context_.local_expiries.size() < StoreContext::kMaxLocalExpiries) [[unlikely]]
    context_.local_expiries.emplace(index_, key.text);
  if (table.expiry == nullptr) table.expiry = std::make_unique<ExpiryIndex>();
  table.expiry->Add(static_cast<uint32_t>(key.table_hash() >> 32), expiry_ms, context_.now_ms);
  auto& next = keyspace_.shard(key.shard()).next_expiry_ms;
  if (expiry_ms < next.load(std::memory_order_relaxed)) {
    next.store(expiry_ms, std::memory_order_relaxed);
  }
}

// Most strings that are set again keep their size.
Record* Db::SetString(const Key& key, std::string_view value) {
  BeforeChange(key);
  Record* record = FindSeen(key);
  if (record == nullptr || MayBeInteger(value) || !record->Overwrite(value)) [[unlikely]]
    return SetString(key, value, {});
  NoteUse(record);
  return record;
}

Record* Db::SetString(const Key& key, std::string_view value, const StringOptions& options) {
  BeforeChange(key);
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
  shape.is_wide = RecordShape::NeedWidth(options.client_flags, options.cas);
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
  BeforeChange(key);
  Record* record = Peek(key);
  if (record != nullptr && record->is_integer()) {
    ForgetCas(record);
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
    shape.is_integer = true;
    shape.has_cas = false;
    record = Reshape(key, record, shape, 0, false);
    if (shape.has_expiry) record->set_expiry_ms(expiry);
    if (shape.has_client_flags) record->set_client_flags(flags);
  }
  record->set_integer(value);
  return record;
}

std::string_view Db::StringOf(const Record* record, char* scratch) {
  if (!record->is_integer()) return record->raw();
  return {scratch, FormatInt64(record->integer(), scratch)};
}

Record* Db::ResizeString(const Key& key, Record* record, size_t bytes, bool spare) {
  BeforeChange(key);
  RecordShape shape;
  shape.key_bytes = key.text.size();
  if (record != nullptr) shape = record->shape();
  size_t capacity = record == nullptr ? 0 : keyspace_.CapacityBytes(key.shard(), record);
  bool is_raw = record != nullptr && shape.IsRaw();
  bool was_shared = shape.IsShared();
  size_t old_length_bytes = shape.ValueLengthBytes();
  char digits[kMaxInt64Chars];
  std::string_view old_value;
  if (record != nullptr) old_value = StringOf(record, digits);
  shape.is_integer = false;
  shape.value_bytes = bytes;
  size_t copied = std::min(old_value.size(), bytes);
  if (is_raw && shape.ValueLengthBytes() == old_length_bytes && shape.Bytes() <= capacity &&
      shape.IsShared() == was_shared && !record->IsBeingRead()) {
    record->set_raw_bytes(bytes);
  } else {
    if (record == nullptr && context_.is_replica) [[unlikely]]
      DropHidden(key);
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
  ForgetCas(record);
  return record;
}

// ---- Expiry, collections, moving ----

Record* Db::SetExpiry(const Key& key, Record* record, uint64_t expiry_ms) {
  BeforeChange(key);
  uint64_t before = record->expiry_ms();
  if (before == expiry_ms) return record;
  if (!record->has_expiry()) {
    RecordShape shape = record->shape();
    shape.has_expiry = true;
    record = Move(key, record, shape);
  }
  record->set_expiry_ms(expiry_ms);
  NoteExpiryChange(key, before, expiry_ms);
  return record;
}

Record* Db::SetCas(const Key& key, Record* record, uint64_t cas) {
  BeforeChange(key);
  if (RecordShape::NeedWidth(0, cas) && !record->has_room_for_any()) [[unlikely]] {
    RecordShape shape = record->shape();
    shape.is_wide = true;
    record = Move(key, record, shape);
  }
  record->set_cas(cas);
  return record;
}

Record* Db::Move(const Key& key, Record* record, const RecordShape& shape) {
  Record* fresh = keyspace_.AllocateRecord(key.shard(), shape, key.text, 0);
  CopyMetadata(record, fresh);
  CopyValue(record, fresh);
  table(key).records.Replace(key.table_hash(), record, fresh);
  keyspace_.FreeRecordMemory(key.shard(), record);
  return fresh;
}

Record* Db::PutCollection(const Key& key, Type type, void* collection) {
  return ShapeCollection(key, nullptr, type, collection);
}

Record* Db::ReplaceWithCollection(const Key& key, Type type, void* collection) {
  BeforeChange(key);
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
  // A hash that was read from elsewhere may bring fields with times to live.
  if (type == Type::kHash && static_cast<Hash*>(collection)->TracksExpiry()) {
    record->set_field_expiry();
    NoteArrival(key, record);
  }
  return record;
}

Record* Db::Extract(const Key& key) {
  BeforeChange(key);
  Record* record = Peek(key);
  if (record == nullptr) return nullptr;
  DbShard& table = this->table(key);
  if (record->expiry_ms() != kNoExpiry) --table.volatile_count;
  if (record->has_field_expiry()) --table.volatile_hash_count;
  return table.records.Remove(key.table_hash(), key.text);
}

Record* Db::Adopt(const Key& key, size_t from_shard, Record* extracted) {
  RecordShape shape = extracted->shape();
  shape.key_bytes = key.text.size();
  Record* record = Reshape(key, nullptr, shape, 0, false);
  CopyMetadata(extracted, record);
  CopyValue(extracted, record);
  NoteArrival(key, record);
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
  NoteArrival(key, record);
  return record;
}

size_t Db::MemoryBytes(const Key& key, const Record* record) const {
  constexpr size_t kSlotBytes = 10;  // a table slot at the usual fill
  size_t bytes = keyspace_.CapacityBytes(key.shard(), record) + kSlotBytes;
  if (record->block() != nullptr) bytes += SharedBlock::kHeadBytes;
  if (record->type() == Type::kString) return bytes;
  return bytes + CollectionMemoryBytes(record->type(), record->collection<void>());
}

void Db::TellObservers(const Key& key, bool by_itself) {
  Shard& shard = keyspace_.shard(key.shard());
  if (shard.watched != nullptr) shard.watched->MarkDirty(index_, key.text);
  if (shard.is_tracked && context_.changes != nullptr) context_.changes->OnChange(key, by_itself);
}

// Does not count among the changes, which commands make.
void Db::ChangedByItself(const Key& key) {
  if (keyspace_.shard(key.shard()).is_observed) TellObservers(key, true);
}

}  // namespace kiln
