// What can be done with memcached's items: whatever protocol asks for it, the text ones or the
// binary one.
//
// An item is a string record with client flags and a CAS number. A key that holds another type is
// a miss to who reads it, and only set, replace and delete get past it. These functions count what
// "stats" tells, say that the key changed, and reply nothing. The caller's command row names the
// key, or the caller has locked its shard. Record pointers are good until the next change of the
// same shard. Source: memcached 1.6.18's behaviour.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/commands/call.h"
#include "engine/commands/memcache_counters.h"
#include "engine/commands/services.h"

namespace kiln {

enum class ItemResult : uint8_t {
  kDone,
  kNotStored,  // what the mode asks for is not so
  kExists,     // the CAS number is another
  kNotFound,
  kNotNumber,
  kTooLarge,
  kNoMemory,
};

enum class StoreMode : uint8_t { kSet, kAdd, kReplace, kAppend, kPrepend, kCas };

struct ItemStore {
  Key key;
  StoreMode mode = StoreMode::kSet;
  bool accepts_stale = false;  // kCas: an older number stores too, and marks the item as stale
  bool vivifies = false;       // kAppend, kPrepend: creates the item where there is none
  uint32_t flags = 0;
  uint64_t expiry_ms = kNoExpiry;         // Unix ms
  uint64_t vivify_expiry_ms = kNoExpiry;  // the same
  std::string_view value = "";
  uint64_t cas = 0;      // must be the item's; 0: need not, but never fits kCas
  uint64_t new_cas = 0;  // for the item; 0: the next of the server's own
};

struct StoredItem {
  ItemResult result = ItemResult::kDone;
  Record* record = nullptr;  // of what was stored
};

struct ItemCount {
  bool up = true;
  uint64_t delta = 1;
  uint64_t cas = 0;      // must be the item's; 0: need not
  uint64_t new_cas = 0;  // as above
};

struct CountedItem {
  ItemResult result = ItemResult::kDone;
  uint64_t value = 0;
  Record* record = nullptr;
};

inline MemcacheCounters& Counters(Call& call) {
  return *call.services.memcache;
}

inline bool IsString(const Record* record) {
  return record != nullptr && record->type() == Type::kString;
}

// Seconds from now up to 30 days, Unix time above, 0 for ever, negative for at once.
inline uint64_t ItemExpiryMs(int32_t exptime, uint64_t now_ms) {
  constexpr int32_t kMaxRelative = 60 * 60 * 24 * 30;
  if (exptime == 0) return kNoExpiry;
  if (exptime < 0) return now_ms;
  auto given_ms = static_cast<uint64_t>(exptime) * 1000;
  return exptime > kMaxRelative ? given_ms : now_ms + given_ms;
}

// A number no item had before: each shard counts, and the shard's own number keeps the counts
// apart. It fits a narrow record's field, so a shard begins again after some billions of changes:
// whoever holds a number is mistaken only if the item was changed for the last time exactly as many
// changes later.
inline uint64_t NextCas(Call& call, const Key& key) {
  if (!call.settings().memcache.has_cas) return 0;
  constexpr uint64_t kCounts = uint64_t{1} << (RecordShape::kNarrowCasBits - kShardBits);
  uint64_t& last = call.db.keyspace().shard(key.shard()).last_cas;
  last = last + 1 < kCounts ? last + 1 : 1;
  return last << kShardBits | key.shard();
}

// The number for an item that has none of its own, since a Redis command wrote it: it follows from
// what the item holds, and is never 0.
uint64_t CasOfContent(const Record* record);

// What tells whether an item is still what it was; 0 where numbers are switched off.
inline uint64_t CasOf(Call& call, const Record* record) {
  uint64_t cas = record->cas();
  if (cas != 0 || !call.settings().memcache.has_cas) [[likely]]
    return cas;
  return CasOfContent(record);
}

// Stores without a look at what was there. LogStore tells of the event, so that this need not ask
// whether somebody wants to know.
[[gnu::always_inline]] inline Record* PutValue(Call& call, const Key& key, std::string_view value,
                                               const Db::StringOptions& options) {
  Record* record = call.db.SetString(key, value, options);
  call.Touched(key);
  ++Counters(call).stored;
  record->set_use_flags(static_cast<uint8_t>(record->use_flags() & ~Record::kFetchedFlag));
  return record;
}
[[gnu::always_inline]] inline Record* PutItem(Call& call, const ItemStore& item) {
  Db::StringOptions options;
  options.expiry_ms = item.expiry_ms;
  options.client_flags = item.flags;
  options.cas = item.new_cas != 0 ? item.new_cas : NextCas(call, item.key);
  return PutValue(call, item.key, item.value, options);
}

StoredItem StoreItem(Call& call, const ItemStore& item);
// There is no place for the item: an old one must not stay if its client believes it gone.
void RefuseItem(Call& call, const Key& key, bool is_too_large, bool drops_old);
// Adds up to 2^64 and round again; subtracts down to 0.
CountedItem CountItem(Call& call, const Key& key, const ItemCount& count);
// The item with its new expiry, or null.
Record* TouchItem(Call& call, const Key& key, uint64_t expiry_ms);
// kDone, kNotFound or, where `cas` is given and another, kExists.
ItemResult DeleteItem(Call& call, const Key& key, const uint64_t* cas);

}  // namespace kiln
