#include "engine/commands/memcache_item.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "base/hash.h"
#include "base/number.h"
#include "protocol/memcache/number.h"
#include "protocol/memcache/request_parser.h"

namespace kiln {
namespace {

// After a change in place, of an item that had a number.
Record* RenewCas(Call& call, const Key& key, Record* record, uint64_t new_cas) {
  return call.db.SetCas(key, record, new_cas != 0 ? new_cas : NextCas(call, key));
}

// What a new item knows nothing of: that it was read, that it is stale.
constexpr uint8_t kItemFlags = Record::kFetchedFlag | Record::kMetaFlags;

void SetItemFlags(Record* record, uint8_t flags) {
  record->set_use_flags(static_cast<uint8_t>((record->use_flags() & ~kItemFlags) | flags));
}

StoredItem Done(Record* record) {
  return {ItemResult::kDone, record};
}

// The value grows at one end; flags and expiry stay.
StoredItem ExtendItem(Call& call, const ItemStore& item, Record* record) {
  char scratch[kMaxInt64Chars];
  size_t old_bytes = Db::StringOf(record, scratch).size();
  size_t bytes = old_bytes + item.value.size();
  const auto& settings = call.settings().memcache;
  if (memcache::ItemBytes(item.key.text.size(), record->client_flags(), bytes, settings.has_cas) >
      static_cast<size_t>(settings.max_item_bytes)) {
    return {ItemResult::kNotStored, nullptr};
  }
  bool has_cas = record->cas() != 0;
  record = call.db.ResizeString(item.key, record, bytes, true);
  bool at_end = item.mode == StoreMode::kAppend;
  char* at = record->value();
  if (!at_end) std::memmove(at + item.value.size(), at, old_bytes);
  if (!item.value.empty()) {
    std::memcpy(at_end ? at + old_bytes : at, item.value.data(), item.value.size());
  }
  if (has_cas) record = RenewCas(call, item.key, record, item.new_cas);
  SetItemFlags(record, 0);
  call.Changed(item.key, kEventString, "append");
  ++Counters(call).stored;
  return Done(record);
}

StoredItem AppendOrPrepend(Call& call, const ItemStore& item, Record* record) {
  if (record == nullptr && item.vivifies) {
    ItemStore fresh = item;
    fresh.expiry_ms = item.vivify_expiry_ms;
    return Done(PutItem(call, fresh));
  }
  if (!IsString(record)) return {ItemResult::kNotStored, nullptr};
  if (item.cas != 0 && item.cas != CasOf(call, record)) return {ItemResult::kExists, nullptr};
  return ExtendItem(call, item, record);
}

// An older number may store what will be known as stale, until somebody renews it.
StoredItem CompareAndPut(Call& call, const ItemStore& item, const Record* record) {
  MemcacheCounters& counters = Counters(call);
  if (record == nullptr) {
    ++counters.cas_misses;
    return {ItemResult::kNotFound, nullptr};
  }
  if (!IsString(record)) return {ItemResult::kNotFound, nullptr};
  bool fits = item.cas != 0 && item.cas == CasOf(call, record);
  bool is_stale = !fits && item.cas != 0 && item.accepts_stale && item.cas < CasOf(call, record);
  if (!fits && !is_stale) {
    ++counters.cas_bad;
    return {ItemResult::kExists, nullptr};
  }
  ++counters.cas_hits;
  if (!is_stale) return Done(PutItem(call, item));
  ItemStore late = item;
  late.expiry_ms = record->expiry_ms();
  uint8_t sent = record->use_flags() & Record::kWinFlag;
  Record* stored = PutItem(call, late);
  stored->set_use_flags(stored->use_flags() | Record::kStaleFlag | sent);
  return Done(stored);
}

// A shorter number is padded with spaces to the length of the old text, as memcached writes it in
// place. A longer one makes a new item.
Record* PutNumber(Call& call, const Key& key, Record* record, std::string_view digits,
                  uint64_t new_cas) {
  char scratch[kMaxInt64Chars];
  size_t old_bytes = Db::StringOf(record, scratch).size();
  uint8_t kept = digits.size() > old_bytes ? 0 : record->use_flags() & kItemFlags;
  auto canonical = ParseInt64(digits);
  if (record->is_integer() && canonical && digits.size() >= old_bytes) {
    bool has_cas = record->cas() != 0;
    record = call.db.SetInteger(key, *canonical);
    if (has_cas) record = RenewCas(call, key, record, new_cas);
  } else {
    std::string text(digits);
    if (text.size() < old_bytes) text.append(old_bytes - text.size(), ' ');
    Db::StringOptions options;
    options.keep_expiry = true;
    options.client_flags = record->client_flags();
    options.cas = new_cas != 0 ? new_cas : NextCas(call, key);
    record = call.db.SetString(key, text, options);
  }
  SetItemFlags(record, kept);
  return record;
}

}  // namespace

uint64_t CasOfContent(const Record* record) {
  if (!IsString(record)) return 0;
  constexpr uint64_t kApart = uint64_t{1} << 62;  // from the numbers that shards count
  char scratch[kMaxInt64Chars];
  uint64_t hash = HashBytes(Db::StringOf(record, scratch)) + record->client_flags();
  return (hash >> 2) | kApart;
}

StoredItem StoreItem(Call& call, const ItemStore& item) {
  Record* record = call.db.Touch(item.key);
  switch (item.mode) {
    case StoreMode::kSet:
      break;
    case StoreMode::kAdd:
      if (record != nullptr) return {ItemResult::kNotStored, nullptr};
      break;
    case StoreMode::kReplace:
      if (record == nullptr) return {ItemResult::kNotStored, nullptr};
      break;
    case StoreMode::kAppend:
    case StoreMode::kPrepend:
      return AppendOrPrepend(call, item, record);
    case StoreMode::kCas:
      return CompareAndPut(call, item, record);
  }
  return Done(PutItem(call, item));
}

void RefuseItem(Call& call, const Key& key, bool is_too_large, bool drops_old) {
  ++(is_too_large ? Counters(call).too_large : Counters(call).no_memory);
  if (drops_old && call.db.Delete(key)) call.Changed(key, kEventGeneric, "del");
}

CountedItem CountItem(Call& call, const Key& key, const ItemCount& count) {
  MemcacheCounters& counters = Counters(call);
  Record* record = call.db.Touch(key);
  if (record == nullptr) {
    ++(count.up ? counters.incr_misses : counters.decr_misses);
    return {ItemResult::kNotFound, 0, nullptr};
  }
  char scratch[kMaxInt64Chars];
  std::string_view text = IsString(record) ? Db::StringOf(record, scratch) : std::string_view();
  if (text.empty()) return {ItemResult::kNotNumber, 0, nullptr};
  if (count.cas != 0 && count.cas != CasOf(call, record)) return {ItemResult::kExists, 0, nullptr};
  uint64_t value = 0;
  if (!memcache::ReadUint64(text, &value)) return {ItemResult::kNotNumber, 0, nullptr};
  ++(count.up ? counters.incr_hits : counters.decr_hits);
  value = count.up ? value + count.delta : value - std::min(value, count.delta);
  char digits[kMaxInt64Chars];
  char* end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  record = PutNumber(call, key, record, {digits, end}, count.new_cas);
  call.Changed(key, kEventString, "incrby");
  return {ItemResult::kDone, value, record};
}

Record* TouchItem(Call& call, const Key& key, uint64_t expiry_ms) {
  Record* record = call.db.Touch(key);
  if (!IsString(record)) {
    ++Counters(call).touch_misses;
    return nullptr;
  }
  ++Counters(call).touch_hits;
  call.Changed(key, kEventGeneric, "expire");
  record->set_fetched();
  return call.db.SetExpiry(key, record, expiry_ms);
}

ItemResult DeleteItem(Call& call, const Key& key, const uint64_t* cas) {
  if (cas != nullptr) {
    const Record* record = call.db.Peek(key);
    if (record != nullptr && (!IsString(record) || CasOf(call, record) != *cas)) {
      ++Counters(call).delete_misses;
      return ItemResult::kExists;
    }
  }
  bool found = call.db.Delete(key);
  ++(found ? Counters(call).delete_hits : Counters(call).delete_misses);
  if (found) call.Changed(key, kEventGeneric, "del");
  return found ? ItemResult::kDone : ItemResult::kNotFound;
}

}  // namespace kiln
