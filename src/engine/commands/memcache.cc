// The verbs of memcached's classic text protocol, over the same records as the Redis commands.
//
// Items are string records with client flags and a CAS number. A key that holds another type is a
// miss to who reads it, and only set, replace and delete get past it. For the storage verbs the
// parser (protocol/memcache) has checked the line, and left the data block in place of the word
// that gave its length. Source: memcached's doc/protocol.txt; replies and oddities as
// memcached 1.6.18.

#include <charconv>
#include <string>

#include "base/number.h"
#include "base/short_bytes.h"
#include "base/version.h"
#include "engine/commands/call.h"
#include "engine/commands/discovery.h"
#include "engine/commands/groups.h"
#include "engine/commands/memcache_counters.h"
#include "engine/commands/services.h"
#include "params/parameter_set.h"
#include "protocol/memcache/number.h"
#include "protocol/memcache/request_parser.h"

namespace kiln {
namespace {

using memcache::kMaxKeyBytes;
using memcache::ReadInt32;
using memcache::ReadUint32;
using memcache::ReadUint64;

constexpr std::string_view kError = "ERROR\r\n";
constexpr std::string_view kBadFormat = "CLIENT_ERROR bad command line format\r\n";
constexpr std::string_view kBadExpiry = "CLIENT_ERROR invalid exptime argument\r\n";
constexpr std::string_view kNotFound = "NOT_FOUND\r\n";
constexpr std::string_view kNotStored = "NOT_STORED\r\n";
constexpr std::string_view kEnd = "END\r\n";
constexpr std::string_view kStored = "STORED\r\n";

MemcacheCounters& Counters(Call& call) {
  return *call.services.memcache;
}

// The last word is "noreply": the client wants no answer, not even an error.
bool IsQuiet(Call& call) {
  return call.args.all().back() == "noreply";
}

[[gnu::always_inline]] inline void Say(Call& call, bool is_quiet, std::string_view line) {
  if (!is_quiet) call.reply.Raw(line);
}

// Seconds from now up to 30 days, Unix time above, 0 for ever, negative for at once.
uint64_t ExpiryMs(int32_t exptime, uint64_t now_ms) {
  constexpr int32_t kMaxRelative = 60 * 60 * 24 * 30;
  if (exptime == 0) return kNoExpiry;
  if (exptime < 0) return now_ms;
  auto given_ms = static_cast<uint64_t>(exptime) * 1000;
  return exptime > kMaxRelative ? given_ms : now_ms + given_ms;
}

bool IsString(const Record* record) {
  return record != nullptr && record->type() == Type::kString;
}

// A number no item had before: each shard counts, and the shard's own number keeps the counts
// apart.
uint64_t NextCas(Call& call, const Key& key) {
  if (!call.settings().memcache.has_cas) return 0;
  return ++call.db.keyspace().shard(key.shard()).last_cas << kShardBits | key.shard();
}

void RenewCas(Call& call, const Key& key, Record* record) {
  if (record->cas() != 0) record->set_cas(NextCas(call, key));
}

// ---- Reading ----

char* PutText(char* at, std::string_view text) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

// Most numbers in replies have one or two digits.
char* PutDigits(char* at, uint64_t number) {
  if (number < 100) [[likely]]
    return FormatShort(at, number);
  return at + FormatInt64(static_cast<int64_t>(number), at);
}

// What an item's reply has around key and value, at most.
constexpr size_t kItemFrameBytes = 80;

struct ItemView {
  std::string_view key;
  std::string_view value;
  uint32_t flags = 0;
  bool with_cas = false;
  uint64_t cas = 0;
};

// Writes an item's reply, and `tail` behind it; returns the end. `copy` copies key and value.
template <class Copy>
[[gnu::always_inline]] inline char* WriteItem(char* at, const ItemView& item, std::string_view tail,
                                              Copy copy) {
  at = PutText(at, "VALUE ");
  copy(at, item.key);
  at += item.key.size();
  *at++ = ' ';
  at = PutDigits(at, item.flags);
  *at++ = ' ';
  at = PutDigits(at, item.value.size());
  if (item.with_cas) {
    *at++ = ' ';
    at = PutDigits(at, item.cas);
  }
  at = PutText(at, "\r\n");
  copy(at, item.value);
  at = PutText(at + item.value.size(), "\r\n");
  return PutText(at, tail);
}

void AppendView(ByteBuffer& out, const ItemView& item, std::string_view tail) {
  char* at = out.Reserve(item.key.size() + item.value.size() + kItemFrameBytes);
  out.CommitTo(WriteItem(at, item, tail, CopyBytes));
}

[[gnu::noinline]] void AppendAnyItem(ByteBuffer& out, std::string_view key, const Record* record,
                                     bool with_cas, std::string_view tail) {
  char scratch[kMaxInt64Chars];
  AppendView(out,
             {key, Db::StringOf(record, scratch), record->client_flags(), with_cas, record->cas()},
             tail);
}

// The same for a raw string: a short one with small flags, which nearly all are, is written without
// any call.
[[gnu::always_inline]] inline void AppendItem(ByteBuffer& out, std::string_view key,
                                              const Record* record, bool with_cas,
                                              std::string_view tail) {
  constexpr size_t kShortBytes = 64;
  if (with_cas) return AppendAnyItem(out, key, record, with_cas, tail);
  ItemView item{key, record->raw(), record->client_flags(), false, 0};
  if (key.size() > kShortBytes || item.value.size() > kShortBytes || item.flags >= 100 ||
      !out.HasRoom(2 * kShortBytes + kItemFrameBytes)) [[unlikely]] {
    return AppendAnyItem(out, key, record, with_cas, tail);
  }
  out.CommitTo(WriteItem(out.end(), item, tail, CopyShortBytes));
}

Record* Touched(Call& call, const Key& key, uint64_t expiry_ms) {
  Record* record = call.db.Touch(key);
  if (!IsString(record)) {
    ++Counters(call).touch_misses;
    return nullptr;
  }
  ++Counters(call).touch_hits;
  call.Touched(key);
  record->set_fetched();
  return call.db.SetExpiry(key, record, expiry_ms);
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
  Record* record = expiry_ms == nullptr ? call.db.Find(key) : Touched(call, key, *expiry_ms);
  if (record != nullptr && record->is_raw()) [[likely]]
    return AppendItem(call.reply.out(), key.text, record, with_cas, tail);
  if (!IsString(record)) {
    bool was_miss = record == nullptr && expiry_ms == nullptr;
    return RetrieveMissing(call, key.text, with_cas, was_miss, tail);
  }
  AppendAnyItem(call.reply.out(), key.text, record, with_cas, tail);
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
  uint64_t expiry_ms = ExpiryMs(exptime, call.now_ms());
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
  bool found = Touched(call, key, ExpiryMs(exptime, call.now_ms())) != nullptr;
  Say(call, is_quiet, found ? "TOUCHED\r\n" : kNotFound);
}

// ---- Storing ----

enum class StoreVerb { kSet, kAdd, kReplace, kAppend, kPrepend, kCas };

// verb key flags exptime <block> [cas] [noreply]
struct Item {
  Key key;
  uint32_t flags = 0;
  uint64_t expiry_ms = kNoExpiry;
  std::string_view block;
  uint64_t cas = 0;
  bool is_quiet = false;

  std::string_view value() const { return block.substr(0, block.size() - 2); }
};

[[gnu::always_inline]] inline Item ReadItem(Call& call, StoreVerb verb) {
  Item item;
  item.key = call.args.NextKey();
  Arguments rest = call.args.Rest();
  ReadUint32(rest[0], &item.flags);
  int32_t exptime = 0;
  ReadInt32(rest[1], &exptime);
  item.expiry_ms = ExpiryMs(exptime, call.now_ms());
  item.block = rest[2];
  if (verb == StoreVerb::kCas) ReadUint64(rest[3], &item.cas);
  item.is_quiet = rest.back() == "noreply";
  return item;
}

[[gnu::always_inline]] inline void Put(Call& call, const Item& item) {
  Db::StringOptions options;
  options.expiry_ms = item.expiry_ms;
  options.client_flags = item.flags;
  options.cas = NextCas(call, item.key);
  call.db.SetString(item.key, item.value(), options);
  call.Touched(item.key);
  ++Counters(call).stored;
  Say(call, item.is_quiet, kStored);
}

// The value grows at one end; flags and expiry stay.
void Extend(Call& call, const Item& item, Record* record, bool at_end) {
  if (!IsString(record)) return Say(call, item.is_quiet, kNotStored);
  char scratch[kMaxInt64Chars];
  size_t old_bytes = Db::StringOf(record, scratch).size();
  std::string_view value = item.value();
  size_t bytes = old_bytes + value.size();
  const auto& settings = call.settings().memcache;
  if (memcache::ItemBytes(item.key.text.size(), record->client_flags(), bytes, settings.has_cas) >
      static_cast<size_t>(settings.max_item_bytes)) {
    return Say(call, item.is_quiet, kNotStored);
  }
  record = call.db.ResizeString(item.key, record, bytes, true);
  char* at = record->value();
  if (!at_end) std::memmove(at + value.size(), at, old_bytes);
  std::memcpy(at_end ? at + old_bytes : at, value.data(), value.size());
  RenewCas(call, item.key, record);
  call.Touched(item.key);
  ++Counters(call).stored;
  Say(call, item.is_quiet, kStored);
}

void CompareAndPut(Call& call, const Item& item, const Record* record) {
  MemcacheCounters& counters = Counters(call);
  if (record == nullptr) {
    ++counters.cas_misses;
    return Say(call, item.is_quiet, kNotFound);
  }
  if (item.cas == 0 || item.cas != record->cas()) {
    ++counters.cas_bad;
    return Say(call, item.is_quiet, "EXISTS\r\n");
  }
  ++counters.cas_hits;
  Put(call, item);
}

// There is no place for the item. A set must not leave the old value behind: its client believes it
// is gone.
void RefuseItem(Call& call, const Item& item, StoreVerb verb) {
  bool is_too_large = item.block.empty();
  ++(is_too_large ? Counters(call).too_large : Counters(call).no_memory);
  if (verb == StoreVerb::kSet && call.db.Delete(item.key)) call.Touched(item.key);
  Say(call, item.is_quiet,
      is_too_large ? "SERVER_ERROR object too large for cache\r\n"
                   : "SERVER_ERROR out of memory storing object\r\n");
}

// Counts a store that may go on; false when its block is bad or has no place.
[[gnu::always_inline]] inline bool MayStore(Call& call, const Item& item, StoreVerb verb) {
  if (item.block.empty() || call.db.context().no_room) [[unlikely]] {
    RefuseItem(call, item, verb);
    return false;
  }
  ++Counters(call).sets;
  if (item.block.ends_with("\r\n")) [[likely]]
    return true;
  Say(call, item.is_quiet, "CLIENT_ERROR bad data chunk\r\n");
  return false;
}

void StoreIf(Call& call, StoreVerb verb) {
  Item item = ReadItem(call, verb);
  if (!MayStore(call, item, verb)) return;
  Record* record = call.db.Touch(item.key);
  switch (verb) {
    case StoreVerb::kSet:
      return Put(call, item);
    case StoreVerb::kAdd:
      return record == nullptr ? Put(call, item) : Say(call, item.is_quiet, kNotStored);
    case StoreVerb::kReplace:
      return record != nullptr ? Put(call, item) : Say(call, item.is_quiet, kNotStored);
    case StoreVerb::kAppend:
      return Extend(call, item, record, true);
    case StoreVerb::kPrepend:
      return Extend(call, item, record, false);
    case StoreVerb::kCas:
      return CompareAndPut(call, item, record);
  }
}

// set key flags exptime bytes [noreply]
void Set(Call& call) {
  Item item = ReadItem(call, StoreVerb::kSet);
  if (MayStore(call, item, StoreVerb::kSet)) Put(call, item);
}
// add key flags exptime bytes [noreply]
void Add(Call& call) {
  StoreIf(call, StoreVerb::kAdd);
}
// replace key flags exptime bytes [noreply]
void Replace(Call& call) {
  StoreIf(call, StoreVerb::kReplace);
}
// append key flags exptime bytes [noreply]
void Append(Call& call) {
  StoreIf(call, StoreVerb::kAppend);
}
// prepend key flags exptime bytes [noreply]
void Prepend(Call& call) {
  StoreIf(call, StoreVerb::kPrepend);
}
// cas key flags exptime bytes cas [noreply]
void Cas(Call& call) {
  StoreIf(call, StoreVerb::kCas);
}

// ---- Changing ----

// A shorter number is padded with spaces to the length of the old text, as memcached writes it in
// place.
void PutNumber(Call& call, const Key& key, Record* record, std::string_view digits,
               size_t old_bytes) {
  auto canonical = ParseInt64(digits);
  if (record->is_integer() && canonical && digits.size() >= old_bytes) {
    return RenewCas(call, key, call.db.SetInteger(key, *canonical));
  }
  std::string text(digits);
  if (text.size() < old_bytes) text.append(old_bytes - text.size(), ' ');
  Db::StringOptions options;
  options.keep_expiry = true;
  options.client_flags = record->client_flags();
  options.cas = NextCas(call, key);
  call.db.SetString(key, text, options);
}

// Adds up to 2^64 and round again; subtracts down to 0.
void Count(Call& call, bool up) {
  if (call.args.all().size() > 4) return call.reply.Raw(kError);
  bool is_quiet = IsQuiet(call);
  Key key = call.args.NextKey();
  if (key.text.size() > kMaxKeyBytes) return Say(call, is_quiet, kBadFormat);
  uint64_t delta = 0;
  if (!ReadUint64(call.args.Text(), &delta)) {
    return Say(call, is_quiet, "CLIENT_ERROR invalid numeric delta argument\r\n");
  }
  MemcacheCounters& counters = Counters(call);
  Record* record = call.db.Touch(key);
  if (record == nullptr) {
    ++(up ? counters.incr_misses : counters.decr_misses);
    return Say(call, is_quiet, kNotFound);
  }
  char scratch[kMaxInt64Chars];
  std::string_view old_text = IsString(record) ? Db::StringOf(record, scratch) : std::string_view();
  uint64_t value = 0;
  if (!ReadUint64(old_text, &value)) {
    return Say(call, is_quiet, "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
  }
  ++(up ? counters.incr_hits : counters.decr_hits);
  value = up ? value + delta : value - std::min(value, delta);
  char line[kMaxInt64Chars + 2];
  char* end = std::to_chars(line, line + kMaxInt64Chars, value).ptr;
  PutNumber(call, key, record, {line, end}, old_text.size());
  call.Touched(key);
  *end++ = '\r';
  *end++ = '\n';
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
  bool found = call.db.Delete(key);
  ++(found ? Counters(call).delete_hits : Counters(call).delete_misses);
  if (found) call.Touched(key);
  Say(call, is_quiet, found ? "DELETED\r\n" : kNotFound);
}

// flush_all [delay] [noreply]
void FlushAll(Call& call) {
  Arguments all = call.args.all();
  if (all.size() > 3) return call.reply.Raw(kError);
  bool is_quiet = IsQuiet(call);
  ++Counters(call).flushes;
  if (!call.settings().memcache.flush_enabled && !call.client.is_admin) {
    return Say(call, is_quiet, "CLIENT_ERROR flush_all not allowed\r\n");
  }
  int32_t delay = 0;
  if (all.size() != (is_quiet ? 2u : 1u) && !ReadInt32(all[1], &delay))
    return Say(call, is_quiet, kBadExpiry);
  call.services.server->FlushAt(delay > 0 ? ExpiryMs(delay, call.now_ms()) : 0);
  Say(call, is_quiet, "OK\r\n");
}

// ---- The server ----

// mn
// Answers what a client may put behind a row of quiet requests, to see their end.
void MetaNoop(Call& call) {
  call.reply.Raw("MN\r\n");
}

// quit
void Quit(Call& call) {
  call.client.CloseAfterReply();
}

// shutdown
void Shutdown(Call& call) {
  if (!call.settings().memcache.shutdown_enabled && !call.client.is_admin)
    return call.reply.Raw("ERROR: shutdown not enabled\r\n");
  Arguments all = call.args.all();
  if (all.size() > 1 && !(all.size() == 2 && all[1] == "graceful")) {
    return call.reply.Raw("CLIENT_ERROR invalid shutdown mode\r\n");
  }
  call.client.CloseAfterReply();
  call.services.server->Shutdown();
}

// stats [topic ...]
void Stats(Call& call) {
  Arguments topic = call.args.Rest();
  if (topic.empty() || topic[0] != "reset")
    return call.reply.Raw(call.services.server->MemcacheStats(topic));
  call.services.server->ResetStatistics();
  call.reply.Raw("RESET\r\n");
}

// verbosity level [noreply]
void Verbosity(Call& call) {
  constexpr uint32_t kMaxVerbosity = 1024;
  if (call.args.all().size() > 3) return call.reply.Raw(kError);
  uint32_t level = 0;
  if (!ReadUint32(call.args.Text(), &level)) return Say(call, IsQuiet(call), kBadFormat);
  call.services.parameters->settings()->memcache.verbosity = std::min(level, kMaxVerbosity);
  Say(call, IsQuiet(call), "OK\r\n");
}

// version
void Version(Call& call) {
  call.reply.Raw("VERSION ");
  call.reply.Raw(kMemcachedVersion);
  call.reply.Raw("\r\n");
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
  {"flush_all", -1,    Keys::None(),            kWrite | kGate,           Acl::kString, FlushAll,  "1.0.0", "[delay] [noreply]",                       "Deletes all items, now or later."},
  {"gat",       -2,    Keys::Range(2, -1, 1),   kWrite | kFast | kWalksShards,Acl::kString, Gat,       "1.5.3", "exptime key [key ...]",                   "Returns items and sets when they expire."},
  {"gats",      -2,    Keys::Range(2, -1, 1),   kWrite | kFast | kWalksShards,Acl::kString, Gats,      "1.5.3", "exptime key [key ...]",                   "Returns items with their CAS numbers and sets when they expire."},
  {"get",       -2,    Keys::All(),             kReadOnly | kFast | kWalksShards,Acl::kString, Get,       "1.0.0", "key [key ...]",                           "Returns items."},
  {"gets",      -2,    Keys::All(),             kReadOnly | kFast | kWalksShards,Acl::kString, Gets,      "1.2.4", "key [key ...]",                           "Returns items with their CAS numbers."},
  {"incr",      -3,    Keys::One(),             kWrite | kFast,           Acl::kString, Incr,      "1.0.0", "key value [noreply]",                     "Adds to a number."},
  {"mn",        -1,    Keys::None(),            kFast,                    Acl::kString, MetaNoop,  "1.6.0", "",                                        "Answers MN."},
  {"prepend",   -5,    Keys::One(),             kWrite | kGrows | kFast,  Acl::kString, Prepend,   "1.2.4", "key flags exptime bytes [noreply]",       "Adds data before an item's value."},
  {"quit",      -1,    Keys::None(),            kFast | kEndsBatch,       Acl::kString, Quit,      "1.0.0", "",                                        "Closes the connection."},
  {"replace",   -5,    Keys::One(),             kWrite | kGrows | kFast,  Acl::kString, Replace,   "1.0.0", "key flags exptime bytes [noreply]",       "Stores an item if its key exists."},
  {"set",       -5,    Keys::One(),             kWrite | kGrows | kFast,  Acl::kString, Set,       "1.0.0", "key flags exptime bytes [noreply]",       "Stores an item."},
  {"shutdown",  -1,    Keys::None(),            kAdmin | kEndsBatch,      Acl::kString, Shutdown,  "1.4.7", "[graceful]",                              "Ends the server, where that is allowed."},
  {"stats",     -1,    Keys::None(),            kGate,                    Acl::kString, Stats,     "1.0.0", "[topic]",                                 "Returns statistics or settings."},
  {"touch",     -3,    Keys::One(),             kWrite | kFast,           Acl::kString, Touch,     "1.4.8", "key exptime [noreply]",                   "Sets when an item expires."},
  {"verbosity", -2,    Keys::None(),            kGate,                    Acl::kString, Verbosity, "1.0.0", "level [noreply]",                         "Sets how much the server logs."},
  {"version",   -1,    Keys::None(),            kFast,                    Acl::kString, Version,   "1.0.0", "",                                        "Returns the server's version."},
};
// clang-format on
static_assert(WellFormed(kMemcacheCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> MemcacheCommands() {
  return kMemcacheCommands;
}

}  // namespace kiln
