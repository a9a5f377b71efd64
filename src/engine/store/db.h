// Db: one database as a command sees it. Commands read and change the keyspace through this and
// nothing else.
//
// A Db is a view, made for one command; the dispatcher has locked the shards of the command's keys,
// and every key given here must belong to one of them (or the caller holds the Gate alone). Record
// pointers are good until the next change of the same shard. Expired keys are removed on sight and
// never returned.
#pragma once

#include <memory>
#include <string_view>
#include <type_traits>

#include "engine/store/error.h"
#include "engine/store/keyspace.h"
#include "engine/store/value.h"

namespace kiln {

class Db {
 public:
  Db(Keyspace& keyspace, int index, StoreContext& context)
      : keyspace_(keyspace), context_(context), index_(index) {}

  int index() const { return index_; }
  Keyspace& keyspace() { return keyspace_; }
  StoreContext& context() { return context_; }
  uint64_t now_ms() const { return context_.now_ms; }

  // The key's record, or null. Find counts a hit or miss and notes the use; Inspect only counts;
  // Touch only notes, for who may change the value in place; Peek does neither.
  Record* Find(const Key& key);
  Record* Inspect(const Key& key);
  Record* Touch(const Key& key);
  Record* Peek(const Key& key);

  // Ask for a key's cache lines, for whoever is about to look up several: first all buckets, then
  // all records.
  TableHint PrefetchBucket(const Key& key) {
    return table(key).records.PrefetchBucket(key.table_hash(), static_cast<uint16_t>(index_));
  }
  static void PrefetchRecord(TableHint* hint) { Table<RecordPolicy>::PrefetchEntry(hint); }

  // The collection at a key: null when the key is absent, kWrongType when it holds something else.
  // Find is for reads (counts hits and misses), Change for commands that may change it.
  template <class T>
  StoreResult<T*> Find(const Key& key) {
    return As<T>(key, Find(key));
  }
  template <class T>
  StoreResult<T*> Change(const Key& key) {
    return As<T>(key, Touch(key));
  }
  template <class T>
  StoreResult<T*> FindOrCreate(const Key& key) {
    StoreResult<T*> found = As<T>(key, Touch(key));
    if (!found || *found != nullptr) return found;
    T* fresh = std::make_unique<T>().release();  // the record owns it
    PutCollection(key, TypeOf<T>::kType, fresh);
    return fresh;
  }
  // A new record for a collection, which the record then owns. The key must be absent.
  Record* PutCollection(const Key& key, Type type, void* collection);
  // The same in place of whatever is at the key, its TTL included.
  Record* ReplaceWithCollection(const Key& key, Type type, void* collection);

  // Deletes the key; false when there was none. Big values are freed later, in slices.
  bool Delete(const Key& key);
  // For a replica's own keys: drops one that is due; true when it need not be looked at again.
  bool DropIfDue(const Key& key);
  // Deletes a collection that has become empty; true when it did.
  template <class T>
  bool DeleteIfEmpty(const Key& key, const T& collection) {
    return collection.size() == 0 && Delete(key);
  }

  // What SET stores beside the bytes.
  struct StringOptions {
    uint64_t expiry_ms = kNoExpiry;
    bool keep_expiry = false;
    uint32_t client_flags = 0;  // memcached's
    uint64_t cas = 0;           // memcached's; 0 stores none
    bool as_text = false;       // bytes that only happen to be an integer's digits stay bytes
    // The record's flags for what is set here.
    uint8_t fields() const {
      return static_cast<uint8_t>((expiry_ms != kNoExpiry ? Record::kExpiryFlag : 0) |
                                  (client_flags != 0 ? Record::kClientFlagsFlag : 0) |
                                  (cas != 0 ? Record::kCasFlag : 0));
    }
  };
  // Sets a string, replacing whatever was there. Text that is a canonical integer is stored as one.
  Record* SetString(const Key& key, std::string_view value, const StringOptions& options);
  Record* SetString(const Key& key, std::string_view value);
  // Sets an integer at a key whose other metadata stays; the key may be absent.
  Record* SetInteger(const Key& key, int64_t value);
  // Makes the string `bytes` long, zero-filled where it grows, and returns its record, now raw.
  // Needs room for growth to come (APPEND) when `spare` is set. `record` may be null: then the key
  // is created.
  Record* ResizeString(const Key& key, Record* record, size_t bytes, bool spare);

  // The text of a string record. `scratch` (at least 21 bytes) holds the digits of an integer.
  static std::string_view StringOf(const Record* record, char* scratch);

  // Sets or (with kNoExpiry) removes the TTL. The record may move: returns where it is now.
  Record* SetExpiry(const Key& key, Record* record, uint64_t expiry_ms);
  // Sets memcached's CAS number of a string that has one. The record may move, as above.
  Record* SetCas(const Key& key, Record* record, uint64_t cas);

  // To be called after fields of the hash at a key were given times to live; `soonest_before` is
  // the hash's SoonestExpiryMs() from before. Record pointers stay good.
  void NoteFieldExpiry(const Key& key, uint64_t soonest_before);
  // The record without the fields that are due, or null when no other was left; for who reads
  // records of any type. Hashes found by Find() and Change() have lost them already. A replica,
  // which may not remove them, leaves them in.
  Record* WithoutDueFields(const Key& key, Record* record) {
    if (record == nullptr || !record->has_field_expiry()) [[likely]]
      return record;
    if (LeavesDueFields()) return record;
    return RemoveDueFields(key, record, ~size_t{0}) ? record : nullptr;
  }

  // Takes a record out of the table without freeing it, and puts its value under a (free) key of
  // this database; the old record is freed. Source and destination shards must be locked.
  Record* Extract(const Key& key);
  Record* Adopt(const Key& key, size_t from_shard, Record* extracted);
  // A copy of a record's value, TTL included, under a free key of this database.
  Record* CopyFrom(const Key& key, const Record* source);

  // Says that a key's value changed, appeared or went: counts it, marks those who watch it and
  // tells those who track it.
  void Changed(const Key& key) {
    ++context_.stats.changes;
    if (keyspace_.shard(key.shard()).is_observed) [[unlikely]]
      TellObservers(key, false);
  }

  // Bytes of a key's record, table slot and value.
  size_t MemoryBytes(const Key& key, const Record* record) const;

  // Calls the sink if the class of the event is switched on.
  void Notify(EventClass event_class, std::string_view event, std::string_view key) {
    if (!(context_.settings.notify_keyspace_events & event_class)) [[likely]]
      return;
    if (context_.events != nullptr) context_.events->OnKeyEvent(event_class, event, key, index_);
  }

  // Removes the due ones among the keys with this hash prefix, or their due fields, at most
  // *budget of those, and indexes the others anew. For Keyspace::ExpireDue.
  void ExpirePrefix(size_t shard, uint32_t prefix, size_t* budget);
  // Evicts this record, found by sampling.
  void Evict(size_t shard, Record* record);

  // LFU's counter after decay; exposed for OBJECT FREQ and the policies.
  uint32_t LfuCounter(const Record* record) const;
  // Seconds since the record was last used.
  uint64_t IdleSeconds(const Record* record) const;
  // Both, for RESTORE; without effect under the policies that keep the other.
  void SetLfuCounter(Record* record, uint32_t counter);
  void SetIdleSeconds(Record* record, uint64_t seconds);

 private:
  DbShard& table(const Key& key) { return keyspace_.table(index_, key.shard()); }

  template <class T>
  StoreResult<T*> As(const Key& key, Record* record) {
    if (record == nullptr) return static_cast<T*>(nullptr);
    if constexpr (std::is_same_v<T, Hash>) {
      if (!record->is_plain_hash()) [[unlikely]]
        return HashWithExpiry(key, record);
    } else if (record->type() != TypeOf<T>::kType) {
      return Error::kWrongType;
    }
    return record->template collection<T>();
  }

  bool IsExpired(const Record* record) const {
    return record->has_expiry() && record->expiry_ms() <= context_.now_ms;
  }
  // The record where it was seen before, or null, which says nothing. Due ones too.
  [[gnu::always_inline]] inline Record* FindSeen(const Key& key) {
    bool may_be = key.seen != nullptr && key.seen->owner == index_ &&
                  key.text.size() <= Record::kMaxShortBytes;
    return may_be ? Table<RecordPolicy>::FindSeen(*key.seen, key.text) : nullptr;
  }
  // To be called before a record, or what hangs off it, changes or goes.
  void BeforeChange(const Key& key) {
    if (keyspace_.cut() != nullptr) [[unlikely]]
      SaveForCut(key);
  }
  void SaveForCut(const Key& key);
  Record* Look(const Key& key);
  Record* LookAnew(const Key& key);
  // The record, or null when it has expired.
  Record* Alive(const Key& key, Record* record);
  Record* FindAnew(const Key& key);
  // Counts a hit or a miss.
  Record* Count(const Key& key, Record* record);
  void TellObservers(const Key& key, bool by_itself);
  // For a key that goes without a command.
  void ReplayDelete(const Key& key) {
    if (context_.journal != nullptr) context_.journal->Replay(index_, {"DEL", key.text});
  }
  // As Changed, for the same.
  void ChangedByItself(const Key& key);
  Record* PutString(const Key& key, Record* record, std::string_view value,
                    const StringOptions& options);
  // Refreshes a record's clock; CountUse takes care of the LFU policies.
  void NoteUse(Record* record);
  void CountUse(Record* record);
  uint32_t FreshClock() const;
  // Removes the record from the table and frees it.
  void Drop(const Key& key, Record* record);
  void DropExpired(const Key& key, Record* record);
  void DropEvicted(const Key& key, Record* record);
  // Before a record is made: a replica leaves keys that are due where they are, out of sight.
  void DropHidden(const Key& key);
  bool LeavesDueFields() const {
    return context_.is_replica && context_.settings.replica_read_only;
  }
  // Any record but a plain hash.
  StoreResult<Hash*> HashWithExpiry(const Key& key, Record* record);
  Hash* ShownHash(Hash* hash);
  // At most `limit` fields; false when the hash is gone with its last one.
  bool RemoveDueFields(const Key& key, Record* record, size_t limit);
  // When the key, or a field of it, is due.
  uint64_t SoonestDueMs(const Record* record) const;
  // What a record that came from elsewhere brings along.
  void NoteArrival(const Key& key, const Record* record);
  // A record of another shape in place of `record` (which may be null), with its use noted and the
  // key's TTL indexed. The value is not filled in. `record` is freed, its collection too unless
  // `keep_collection`.
  Record* Reshape(const Key& key, Record* record, const RecordShape& shape, size_t spare_bytes,
                  bool keep_collection);
  // Moves a record into one of another shape, which has room for all that it holds.
  Record* Move(const Key& key, Record* record, const RecordShape& shape);
  Record* ShapeCollection(const Key& key, Record* record, Type type, void* collection);
  void NoteExpiryChange(const Key& key, uint64_t before, uint64_t after);
  void IndexExpiry(DbShard& table, const Key& key, uint64_t expiry_ms);

  Keyspace& keyspace_;
  StoreContext& context_;
  int index_;
};

}  // namespace kiln
