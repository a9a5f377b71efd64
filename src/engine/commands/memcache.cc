// The verbs of memcached's classic text protocol, over the same records as the Redis commands.
//
// What is done with items is in memcache_item.h; here the words are read and the replies written.
// For the storage verbs the parser (protocol/memcache) has checked the line, and left the data
// block in place of the word that gave its length. Source: memcached's doc/protocol.txt; replies
// and oddities as memcached 1.6.18.

#include <charconv>

#include "base/number.h"
#include "base/short_bytes.h"
#include "engine/commands/discovery.h"
#include "engine/commands/groups.h"
#include "engine/commands/memcache_item.h"
#include "engine/commands/memcache_log.h"
#include "engine/commands/memcache_reply.h"
#include "protocol/memcache/number.h"
#include "protocol/memcache/request_parser.h"

namespace kiln {
namespace {

using memcache::kMaxKeyBytes;
using memcache::ReadInt32;
using memcache::ReadUint32;
using memcache::ReadUint64;

// ---- Reading ----

// What an item's reply has around key and value, at most.
constexpr size_t kItemFrameBytes = 80;

struct ItemView {
  std::string_view key;
  std::string_view value;
  uint32_t flags = 0;
  bool with_cas = false;
  uint64_t cas = 0;
};

// Writes what stands before an item's value; returns the end. `copy` copies the key.
template <class Copy>
[[gnu::always_inline]] inline char* WriteHead(char* at, const ItemView& item, Copy copy) {
  at = PutText(at, "VALUE ");
  copy(at, item.key);
  at += item.key.size();
  if (item.flags == 0) [[likely]] {
    at = PutText(at, " 0 ");
  } else {
    *at++ = ' ';
    at = PutDigits(at, item.flags);
    *at++ = ' ';
  }
  at = PutDigits(at, item.value.size());
  if (item.with_cas) {
    *at++ = ' ';
    at = PutDigits(at, item.cas);
  }
  return PutText(at, "\r\n");
}

// Writes an item's reply, and `tail` behind it; returns the end. `copy` copies key and value.
template <class Copy>
[[gnu::always_inline]] inline char* WriteItem(char* at, const ItemView& item, std::string_view tail,
                                              Copy copy) {
  at = WriteHead(at, item, copy);
  copy(at, item.value);
  at = PutText(at + item.value.size(), "\r\n");
  return PutText(at, tail);
}

void AppendView(ByteBuffer& out, const ItemView& item, std::string_view tail) {
  char* at = out.Reserve(item.key.size() + item.value.size() + kItemFrameBytes);
  out.CommitTo(WriteItem(at, item, tail, CopyBytes));
}

[[gnu::noinline]] void AppendAnyItem(Call& call, std::string_view key, const Record* record,
                                     bool with_cas, std::string_view tail) {
  char scratch[kMaxInt64Chars];
  uint64_t cas = with_cas ? CasOf(call, record) : 0;
  ItemView item{key, Db::StringOf(record, scratch), record->client_flags(), with_cas, cas};
  ByteBuffer& out = call.reply.out();
  SharedBlock* block = record->block();
  if (block == nullptr) return AppendView(out, item, tail);
  out.CommitTo(WriteHead(out.Reserve(key.size() + kItemFrameBytes), item, CopyBytes));
  out.AppendShared(item.value, block);
  out.Append("\r\n");
  out.Append(tail);
}

// The same for a raw string: a short one with small flags, which nearly all are, is written without
// any call.
[[gnu::always_inline]] inline void AppendItem(Call& call, std::string_view key,
                                              const Record* record, bool with_cas,
                                              std::string_view tail) {
  constexpr size_t kShortBytes = 64;
  ByteBuffer& out = call.reply.out();
  if (with_cas) return AppendAnyItem(call, key, record, with_cas, tail);
  ItemView item{key, record->raw(), record->client_flags(), false, 0};
  if (key.size() > kShortBytes || item.value.size() > kShortBytes || item.flags >= 100 ||
      !out.HasRoom(2 * kShortBytes + kItemFrameBytes)) [[unlikely]] {
    return AppendAnyItem(call, key, record, with_cas, tail);
  }
  out.CommitTo(WriteItem(out.end(), item, tail, CopyShortBytes));
}

// Nothing is stored at the key. The one key that is answered all the same counts as found, where
// `was_miss` says that a miss was counted.
[[gnu::noinline]] void RetrieveMissing(Call& call, std::string_view key, bool with_cas,
                                       bool was_miss, std::string_view tail) {
  const Discovery::Entry* entry =
      key == Discovery::kItemKey ? call.services.discovery->Item() : nullptr;
  if (entry == nullptr) return call.reply.Raw(tail);
  StoreStats& stats = call.db.context().stats;
  stats.hits += was_miss ? 1 : 0;
  stats.misses -= was_miss ? 1 : 0;
  AppendView(call.reply.out(), {key, entry->text, entry->flags, with_cas, 0}, tail);
}

[[gnu::always_inline]] inline void RetrieveOne(Call& call, const Key& key, bool with_cas,
                                               const uint64_t* expiry_ms, std::string_view tail) {
  Record* record = expiry_ms == nullptr ? call.db.Find(key) : TouchItem(call, key, *expiry_ms);
  if (call.services.memcache_log->Wants(kWatchFetchers)) [[unlikely]]
    LogFetch(call, key.text, record);
  if (record != nullptr && record->is_raw()) [[likely]]
    return AppendItem(call, key.text, record, with_cas, tail);
  if (!IsString(record)) {
    bool was_miss = record == nullptr && expiry_ms == nullptr;
    return RetrieveMissing(call, key.text, with_cas, was_miss, tail);
  }
  AppendAnyItem(call, key.text, record, with_cas, tail);
}

// Answers with the items of all keys that are left, of which there are several. memcached promises
// nothing about them together, so each shard is locked for its key alone. `expiry_ms` is for gat
// and gats.
[[gnu::noinline]] void RetrieveSeveral(Call& call, bool with_cas, const uint64_t* expiry_ms) {
  constexpr size_t kAhead = 16;  // keys whose cache misses overlap
  ByteBuffer& out = call.reply.out();
  size_t reply_start = out.size();
  Key keys[kAhead];
  TableHint hints[kAhead];
  while (size_t count = std::min(call.args.Left(), kAhead)) {
    for (size_t i = 0; i < count; ++i) {
      if (call.args.Peek().size() > kMaxKeyBytes) {
        out.Truncate(reply_start);
        return call.reply.Raw(kBadFormat);
      }
      keys[i] = call.args.NextKey();
      hints[i] = call.db.PrefetchBucket(keys[i]);
      keys[i].seen = &hints[i];
    }
    for (size_t i = 0; i < count; ++i) Db::PrefetchRecord(&hints[i]);
    for (size_t i = 0; i < count; ++i) {
      call.WithShard(keys[i].shard(), [&] { RetrieveOne(call, keys[i], with_cas, expiry_ms, ""); });
    }
  }
  out.Append(kEnd);
}

// The usual one key, whose shard the dispatcher has locked, or several.
[[gnu::always_inline]] inline void Retrieve(Call& call, bool with_cas,
                                            const uint64_t* expiry_ms = nullptr) {
  if (call.args.Left() != 1) return RetrieveSeveral(call, with_cas, expiry_ms);
  const Key& key = call.args.LastKey();
  if (key.text.size() > kMaxKeyBytes) return call.reply.Raw(kBadFormat);
  RetrieveOne(call, key, with_cas, expiry_ms, kEnd);
}

void RetrieveAndTouch(Call& call, bool with_cas) {
  int32_t exptime = 0;
  if (!ReadInt32(call.args.Text(), &exptime)) return call.reply.Raw(kBadExpiry);
  uint64_t expiry_ms = ItemExpiryMs(exptime, call.now_ms());
  Retrieve(call, with_cas, &expiry_ms);
}

// get key [key ...]
void Get(Call& call) {
  Retrieve(call, false);
}
// gets key [key ...]
void Gets(Call& call) {
  Retrieve(call, true);
}
// gat exptime key [key ...]
void Gat(Call& call) {
  RetrieveAndTouch(call, false);
}
// gats exptime key [key ...]
void Gats(Call& call) {
  RetrieveAndTouch(call, true);
}

// touch key exptime [noreply]
void Touch(Call& call) {
  if (call.args.all().size() > 4) return call.reply.Raw(kError);
  bool is_quiet = IsQuiet(call);
  Key key = call.args.NextKey();
  if (key.text.size() > kMaxKeyBytes) return Say(call, is_quiet, kBadFormat);
  int32_t exptime = 0;
  if (!ReadInt32(call.args.Text(), &exptime)) return Say(call, is_quiet, kBadExpiry);
  bool found = TouchItem(call, key, ItemExpiryMs(exptime, call.now_ms())) != nullptr;
  Say(call, is_quiet, found ? "TOUCHED\r\n" : kNotFound);
}

// ---- Storing ----

// verb key flags exptime <block> [cas] [noreply]
struct StoreRequest {
  ItemStore item;
  std::string_view block;
  bool is_quiet = false;
};

StoreRequest ReadStore(Call& call, StoreMode mode) {
  StoreRequest request;
  ItemStore& item = request.item;
  item.mode = mode;
  item.key = call.args.NextKey();
  Arguments rest = call.args.Rest();
  ReadUint32(rest[0], &item.flags);
  int32_t exptime = 0;
  ReadInt32(rest[1], &exptime);
  item.expiry_ms = ItemExpiryMs(exptime, call.now_ms());
  request.block = rest[2];
  if (mode == StoreMode::kCas) ReadUint64(rest[3], &item.cas);
  size_t most_words = mode == StoreMode::kCas ? 4 : 3;  // but for noreply
  request.is_quiet = rest.size() > most_words && rest.back() == "noreply";
  if (!request.block.empty()) item.value = request.block.substr(0, request.block.size() - 2);
  return request;
}

[[gnu::always_inline]] inline bool WatchesStores(Call& call) {
  return call.services.memcache_log->Wants(kWatchMutations);
}

// Counts a store that may go on; false when its block is bad or has no place. A set must not leave
// the old value behind.
bool MayStore(Call& call, const StoreRequest& request) {
  if (request.block.empty() || call.db.context().no_room) [[unlikely]] {
    bool is_too_large = request.block.empty();
    RefuseItem(call, request.item.key, is_too_large, request.item.mode == StoreMode::kSet);
    if (WatchesStores(call))
      LogStore(call, request.item, is_too_large ? ItemResult::kTooLarge : ItemResult::kNoMemory);
    Say(call, request.is_quiet, is_too_large ? kTooLarge : kOutOfMemory);
    return false;
  }
  ++Counters(call).sets;
  if (EndsLine(request.block)) [[likely]]
    return true;
  Say(call, request.is_quiet, kBadChunk);
  return false;
}

void StoreIf(Call& call, StoreMode mode) {
  StoreRequest request = ReadStore(call, mode);
  if (!MayStore(call, request)) return;
  ItemResult result = StoreItem(call, request.item).result;
  if (WatchesStores(call)) [[unlikely]]
    LogStore(call, request.item, result);
  switch (result) {
    case ItemResult::kDone:
      return Say(call, request.is_quiet, kStored);
    case ItemResult::kExists:
      return Say(call, request.is_quiet, "EXISTS\r\n");
    case ItemResult::kNotFound:
      return Say(call, request.is_quiet, kNotFound);
    default:
      return Say(call, request.is_quiet, kNotStored);
  }
}

// set key flags exptime bytes [noreply]
void Set(Call& call) {
  Arguments words = call.args.all();
  bool is_usual = EndsLine(words[4]) && !call.db.context().no_room;
  if (!is_usual || WatchesStores(call)) [[unlikely]]
    return StoreIf(call, StoreMode::kSet);
  const Key& key = call.args.LastKey();
  Db::StringOptions options;
  ReadUint32(words[2], &options.client_flags);
  int32_t exptime = 0;
  ReadInt32(words[3], &exptime);
  options.expiry_ms = ItemExpiryMs(exptime, call.now_ms());
  options.cas = NextCas(call, key);
  ++Counters(call).sets;
  PutValue(call, key, {words[4].data(), words[4].size() - 2}, options);
  Say(call, words.size() > 5 && words.back() == "noreply", kStored);
}
// add key flags exptime bytes [noreply]
void Add(Call& call) {
  StoreIf(call, StoreMode::kAdd);
}
// replace key flags exptime bytes [noreply]
void Replace(Call& call) {
  StoreIf(call, StoreMode::kReplace);
}
// append key flags exptime bytes [noreply]
void Append(Call& call) {
  StoreIf(call, StoreMode::kAppend);
}
// prepend key flags exptime bytes [noreply]
void Prepend(Call& call) {
  StoreIf(call, StoreMode::kPrepend);
}
// cas key flags exptime bytes cas [noreply]
void Cas(Call& call) {
  StoreIf(call, StoreMode::kCas);
}

// ---- Changing ----

void Count(Call& call, bool up) {
  if (call.args.all().size() > 4) return call.reply.Raw(kError);
  bool is_quiet = IsQuiet(call);
  Key key = call.args.NextKey();
  if (key.text.size() > kMaxKeyBytes) return Say(call, is_quiet, kBadFormat);
  uint64_t delta = 0;
  if (!ReadUint64(call.args.Text(), &delta)) {
    return Say(call, is_quiet, "CLIENT_ERROR invalid numeric delta argument\r\n");
  }
  CountedItem counted = CountItem(call, key, {up, delta, 0, 0});
  if (counted.result == ItemResult::kNotFound) return Say(call, is_quiet, kNotFound);
  if (counted.result == ItemResult::kNotNumber) {
    return Say(call, is_quiet, "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
  }
  char line[kMaxInt64Chars + 2];
  char* end = PutText(std::to_chars(line, line + kMaxInt64Chars, counted.value).ptr, "\r\n");
  Say(call, is_quiet, {line, end});
}

// incr key value [noreply]
void Incr(Call& call) {
  Count(call, true);
}
// decr key value [noreply]
void Decr(Call& call) {
  Count(call, false);
}

// delete key [0] [noreply]
void Delete(Call& call) {
  Arguments all = call.args.all();
  if (all.size() > 4) return call.reply.Raw(kError);
  bool is_quiet = all.size() > 2 && IsQuiet(call);
  bool has_zero = all.size() > 2 && all[2] == "0";  // an old form, with a time to wait
  if (all.size() != 2 + size_t{has_zero} + size_t{is_quiet}) {
    return Say(call, is_quiet,
               "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n");
  }
  Key key = call.args.NextKey();
  if (key.text.size() > kMaxKeyBytes) return Say(call, is_quiet, kBadFormat);
  bool found = DeleteItem(call, key, nullptr) == ItemResult::kDone;
  if (call.services.memcache_log->Wants(kWatchDeletions)) [[unlikely]]
    LogDelete(call, key.text, "delete", found);
  Say(call, is_quiet, found ? "DELETED\r\n" : kNotFound);
}

// Names in small letters are found in small letters only, as memcached has them.
// clang-format off
constexpr Command kMemcacheCommands[] = {
  // name       arity  keys                     flags                     acl           handler    since    usage                                      summary
  {"add",       -5,    Keys::One(),             kWrite | kGrows | kFast,  Acl::kString, Add,       "1.0.0", "key flags exptime bytes [noreply]",       "Stores an item unless its key exists."},
  {"append",    -5,    Keys::One(),             kWrite | kGrows | kFast,  Acl::kString, Append,    "1.2.4", "key flags exptime bytes [noreply]",       "Adds data behind an item's value."},
  {"bget",      -2,    Keys::All(),             kReadOnly | kFast | kWalksShards,Acl::kString, Get,       "1.0.0", "key [key ...]",                           "An old name of get."},
  {"cas",       -6,    Keys::One(),             kWrite | kGrows | kFast,  Acl::kString, Cas,       "1.2.4", "key flags exptime bytes cas [noreply]",   "Stores an item if nobody changed it since it was read."},
  {"decr",      -3,    Keys::One(),             kWrite | kFast,           Acl::kString, Decr,      "1.0.0", "key value [noreply]",                     "Subtracts from a number, down to 0."},
  {"delete",    -2,    Keys::One(),             kWrite | kFast,           Acl::kString, Delete,    "1.0.0", "key [0] [noreply]",                       "Deletes an item."},
  {"gat",       -2,    Keys::Range(2, -1, 1),   kWrite | kFast | kWalksShards,Acl::kString, Gat,       "1.5.3", "exptime key [key ...]",                   "Returns items and sets when they expire."},
  {"gats",      -2,    Keys::Range(2, -1, 1),   kWrite | kFast | kWalksShards,Acl::kString, Gats,      "1.5.3", "exptime key [key ...]",                   "Returns items with their CAS numbers and sets when they expire."},
  {"get",       -2,    Keys::All(),             kReadOnly | kFast | kWalksShards,Acl::kString, Get,       "1.0.0", "key [key ...]",                           "Returns items."},
  {"gets",      -2,    Keys::All(),             kReadOnly | kFast | kWalksShards,Acl::kString, Gets,      "1.2.4", "key [key ...]",                           "Returns items with their CAS numbers."},
  {"incr",      -3,    Keys::One(),             kWrite | kFast,           Acl::kString, Incr,      "1.0.0", "key value [noreply]",                     "Adds to a number."},
  {"prepend",   -5,    Keys::One(),             kWrite | kGrows | kFast,  Acl::kString, Prepend,   "1.2.4", "key flags exptime bytes [noreply]",       "Adds data before an item's value."},
  {"replace",   -5,    Keys::One(),             kWrite | kGrows | kFast,  Acl::kString, Replace,   "1.0.0", "key flags exptime bytes [noreply]",       "Stores an item if its key exists."},
  {"set",       -5,    Keys::One(),             kWrite | kGrows | kFast,  Acl::kString, Set,       "1.0.0", "key flags exptime bytes [noreply]",       "Stores an item."},
  {"touch",     -3,    Keys::One(),             kWrite | kFast,           Acl::kString, Touch,     "1.4.8", "key exptime [noreply]",                   "Sets when an item expires."},
};
// clang-format on
static_assert(WellFormed(kMemcacheCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> MemcacheCommands() {
  return kMemcacheCommands;
}

}  // namespace kiln
