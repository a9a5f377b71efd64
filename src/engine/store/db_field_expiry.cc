// What a database does about hashes whose fields have times to live. Their records carry a flag,
// the expiry index has an entry for the soonest field, and due fields go on sight or when that
// comes up.

#include <algorithm>
#include <string>
#include <vector>

#include "engine/store/db.h"
#include "engine/store/types/hash.h"

namespace kiln {

uint64_t Db::SoonestDueMs(const Record* record) const {
  uint64_t due_ms = record->expiry_ms();
  if (!record->has_field_expiry()) return due_ms;
  return std::min(due_ms, record->collection<Hash>()->SoonestExpiryMs());
}

StoreResult<Hash*> Db::HashWithExpiry(const Key& key, Record* record) {
  if (record->type() != Type::kHash) return Error::kWrongType;
  if (LeavesDueFields()) [[unlikely]]
    return ShownHash(record->collection<Hash>());
  record = WithoutDueFields(key, record);
  return record == nullptr ? nullptr : record->collection<Hash>();
}

bool Db::RemoveDueFields(const Key& key, Record* record, size_t limit) {
  auto* hash = record->collection<Hash>();
  if (hash->SoonestExpiryMs() > context_.now_ms) return true;
  BeforeChange(key);
  std::vector<std::string> names;
  bool is_journaled = context_.journal != nullptr;
  size_t removed = hash->RemoveDue(context_.now_ms, limit, is_journaled ? &names : nullptr);
  if (removed == 0) return true;
  if (is_journaled) {
    std::vector<std::string_view> words = {"HDEL", key.text};
    words.insert(words.end(), names.begin(), names.end());
    context_.journal->Replay(index_, words);
  }
  context_.stats.expired_fields += removed;
  if (keyspace_.shard(key.shard()).is_observed) TellObservers(key, false);
  Notify(kEventHash, "hexpired", key.text);
  if (!hash->empty()) return true;
  Notify(kEventGeneric, "del", key.text);
  Drop(key, record);
  return false;
}

void Db::NoteFieldExpiry(const Key& key, uint64_t soonest_before) {
  DbShard& table = this->table(key);
  Record* record = table.records.Find(key.table_hash(), key.text);
  if (!record->has_field_expiry()) {
    record->set_field_expiry();
    ++table.volatile_hash_count;
  }
  // A later time needs no new entry, as for keys.
  uint64_t soonest = record->collection<Hash>()->SoonestExpiryMs();
  if (soonest < soonest_before) IndexExpiry(table, key, soonest);
}

void Db::NoteArrival(const Key& key, const Record* record) {
  if (record->expiry_ms() != kNoExpiry) NoteExpiryChange(key, kNoExpiry, record->expiry_ms());
  if (!record->has_field_expiry()) return;
  ++table(key).volatile_hash_count;
  uint64_t soonest = record->collection<Hash>()->SoonestExpiryMs();
  if (soonest != kNoExpiry) IndexExpiry(table(key), key, soonest);
}

}  // namespace kiln
