// memcached's meta commands: mg, ms, mn and me, and the rows of all; md and ma are in
// memcache_meta_change.cc.
//
// The flags are read first, all of them; nothing is done when one is wrong. What the reply gives
// back stands in the order of the flags. A key sent in base64 has been decoded by the parser, which
// leaves an empty one where that could not be. Stale items, and who was told to renew them, are two
// bits of the record. Source: memcached's doc/protocol.txt; replies and oddities as
// memcached 1.6.18, with what newer versions document: E, x, ms with s and N, mg with C.

#include "engine/commands/memcache_meta.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <iterator>

#include "base/number.h"
#include "base/short_bytes.h"
#include "engine/commands/groups.h"
#include "engine/commands/memcache_item.h"
#include "engine/commands/memcache_log.h"
#include "engine/commands/memcache_reply.h"

namespace kiln {
namespace {

using memcache::kMaxKeyBytes;
using memcache::MetaFlags;

char* PutKey(char* at, const MetaRequest& request) {
  at = PutText(at, " k");
  if (!request.flags.is_base64()) return PutText(at, request.key.text);
  return PutText(memcache::EncodeBase64(request.key.text, at), " b");
}

}  // namespace

// ---- Writing replies ----

void SayError(Call& call, std::string_view error) {
  call.reply.Raw(error);
  call.reply.Raw("\r\n");
}

char* PutNumber(char* at, char letter, uint64_t number) {
  *at++ = ' ';
  *at++ = letter;
  return std::to_chars(at, at + kMaxInt64Chars, number).ptr;
}

// Seconds that are left, a begun one counted as whole; of what is due, none.
uint64_t SecondsLeft(Call& call, uint64_t expiry_ms) {
  return expiry_ms <= call.now_ms() ? 0 : (expiry_ms - call.now_ms() + 999) / 1000;
}

char* PutTimeLeft(Call& call, char* at, const Record* record) {
  if (record->expiry_ms() == kNoExpiry) return PutText(at, " t-1");
  return PutNumber(at, 't', SecondsLeft(call, record->expiry_ms()));
}

// What every reply gives back: opaque and key. Other letters are passed over.
char* PutEcho(char* at, const MetaRequest& request, std::string_view word) {
  if (word[0] == 'k') return PutKey(at, request);
  if (word[0] != 'O') return at;
  *at++ = ' ';
  return PutText(at, word);
}

// A line of a code and what every reply gives back.
void SayCode(Call& call, const MetaRequest& request, std::string_view code) {
  ByteBuffer& out = call.reply.out();
  char* at = PutText(out.Reserve(kMaxLineBytes), code);
  for (std::string_view word : request.words) at = PutEcho(at, request, word);
  out.CommitTo(PutText(at, "\r\n"));
}

std::string_view CodeOf(ItemResult result) {
  switch (result) {
    case ItemResult::kDone:
      return "HD";
    case ItemResult::kExists:
      return "EX";
    case ItemResult::kNotFound:
      return "NF";
    default:
      return "NS";
  }
}

namespace {

// ---- mg ----

[[gnu::always_inline]] inline std::string_view TextOf(const Record* record, char* scratch) {
  return record->is_raw() ? record->raw() : Db::StringOf(record, scratch);
}

// What a read finds, and how it stood before.
struct Found {
  Record* record = nullptr;
  bool was_fetched = false;
  uint64_t idle_seconds = 0;
  bool is_new = false;
  bool wins = false;
};

Record* Vivify(Call& call, const MetaRequest& request) {
  if (call.db.context().no_room) return nullptr;
  ItemStore item;
  item.key = request.key;
  item.expiry_ms = ItemExpiryMs(request.flags.vivify_exptime, call.now_ms());
  item.new_cas = request.flags.new_cas;
  --Counters(call).stored;  // nobody stored it
  return PutItem(call, item);
}

[[gnu::always_inline]] inline Found Look(Call& call, const MetaRequest& request) {
  Found found;
  if (request.flags.HasAny(memcache::LetterBits("hlu"))) [[unlikely]] {
    const Record* before = call.db.Peek(request.key);
    found.was_fetched = before != nullptr && before->is_fetched();
    found.idle_seconds = before == nullptr ? 0 : call.db.IdleSeconds(before);
  }
  StoreStats& stats = call.db.context().stats;
  if (request.flags.keeps_use()) [[unlikely]] {
    found.record = call.db.Peek(request.key);
    ++(found.record != nullptr ? stats.hits : stats.misses);
  } else {
    found.record = call.db.Find(request.key);
  }
  if (found.record == nullptr && request.flags.vivifies()) {
    found.record = Vivify(call, request);
    found.is_new = found.record != nullptr;
  }
  if (IsString(found.record)) [[likely]]
    return found;
  found.record = nullptr;
  return found;
}

bool WinsRecache(Call& call, const MetaRequest& request, const Found& found) {
  uint64_t limit_ms = ItemExpiryMs(request.flags.recache_exptime, call.now_ms());
  uint64_t expiry_ms = found.record->expiry_ms();
  return !found.is_new && !found.record->has_sent_win() && expiry_ms != kNoExpiry &&
         limit_ms != kNoExpiry && SecondsLeft(call, expiry_ms) < SecondsLeft(call, limit_ms);
}

// Does what a flag of mg asks for, and writes what it gives back.
char* PutItemFlag(Call& call, const MetaRequest& request, std::string_view word, Found* found,
                  char* at) {
  char scratch[kMaxInt64Chars];
  const Record* record = found->record;
  switch (word[0]) {
    case 'T':
      found->record = call.db.SetExpiry(request.key, found->record,
                                        ItemExpiryMs(request.flags.exptime, call.now_ms()));
      call.Changed(request.key, kEventGeneric, "expire");
      return at;
    case 'N':
      found->wins = found->wins || found->is_new;
      return at;
    case 'R':
      found->wins = found->wins || WinsRecache(call, request, *found);
      return at;
    case 's':
      return PutNumber(at, 's', Db::StringOf(record, scratch).size());
    case 't':
      return PutTimeLeft(call, at, record);
    case 'c':
      return PutNumber(at, 'c', CasOf(call, record));
    case 'f':
      return PutNumber(at, 'f', record->client_flags());
    case 'l':
      return PutNumber(at, 'l', found->idle_seconds);
    case 'h':
      return PutNumber(at, 'h', found->was_fetched ? 1 : 0);
    default:
      return PutEcho(at, request, word);
  }
}

// Whether the item is stale, and who is to renew it.
char* PutRecache(Found* found, char* at) {
  Record* record = found->record;
  if (record->has_sent_win()) at = PutText(at, " Z");
  if (record->is_stale()) {
    at = PutText(at, " X");
    found->wins = found->wins || !record->has_sent_win();
  }
  if (!found->wins) return at;
  record->set_use_flags(record->use_flags() | Record::kWinFlag);
  return PutText(at, " W");
}

void CountRead(Call& call, const MetaRequest& request) {
  ++Counters(call).meta_commands;
  if (request.flags.has_expiry()) ++Counters(call).touch_hits;
}

// The line and, where it was asked for, the value. The record may move while the line is written,
// its value's length does not change.
[[gnu::always_inline]] inline void SayItem(Call& call, const MetaRequest& request, Found found) {
  constexpr uint64_t kValueOnly = memcache::LetterBit('v');
  char scratch[kMaxInt64Chars];
  std::string_view value = TextOf(found.record, scratch);
  const MetaFlags& flags = request.flags;
  bool has_value =
      flags.has_value() && !(flags.has_cas() && flags.cas == CasOf(call, found.record));
  bool is_big = value.size() >= SharedBlock::kMinBytes;
  ByteBuffer& out = call.reply.out();
  char* at = out.Reserve(kMaxLineBytes + (is_big ? 0 : value.size()));
  if (has_value) {
    at = PutDigits(PutText(at, "VA "), value.size());
  } else {
    at = PutText(at, "HD");
  }
  if (flags.letters != kValueOnly) {
    for (std::string_view word : request.words) {
      if (word[0] != 'v') at = PutItemFlag(call, request, word, &found, at);
    }
    value = TextOf(found.record, scratch);
  }
  if ((found.record->use_flags() & Record::kMetaFlags) != 0 || found.wins) [[unlikely]]
    at = PutRecache(&found, at);
  at = PutText(at, "\r\n");
  if (has_value && is_big) [[unlikely]] {
    out.CommitTo(at);
    out.AppendShared(value, found.record->block());
    return out.Append("\r\n");
  }
  if (has_value) {
    CopyBytes(at, value);
    at = PutText(at + value.size(), "\r\n");
  }
  out.CommitTo(at);
}

// mg key [flag ...]
void MetaGet(Call& call) {
  MetaRequest request;
  if (!ReadRequest(call, &request, "CLIENT_ERROR options flags are too long", {})) return;
  if (request.flags.is_opaque_too_long) return SayError(call, kOpaqueTooLong);
  Found found = Look(call, request);
  CountRead(call, request);
  if (call.services.memcache_log->Wants(kWatchFetchers)) [[unlikely]]
    LogFetch(call, request.key.text, found.record);
  if (found.record != nullptr) [[likely]]
    return SayItem(call, request, found);
  if (!request.flags.is_quiet()) SayCode(call, request, "EN");
}

// ---- ms ----

// The mode with which an item is stored; false when there is none of this letter. A CAS number
// turns what replaces into cas.
bool ReadMode(const MetaFlags& flags, StoreMode* mode) {
  switch (flags.mode) {
    case 0:
    case 'S':
      *mode = flags.has_cas() ? StoreMode::kCas : StoreMode::kSet;
      return true;
    case 'R':
      *mode = flags.has_cas() ? StoreMode::kCas : StoreMode::kReplace;
      return true;
    case 'E':
      *mode = StoreMode::kAdd;
      return true;
    case 'A':
      *mode = StoreMode::kAppend;
      return true;
    case 'P':
      *mode = StoreMode::kPrepend;
      return true;
    default:
      return false;
  }
}

// Reads the flags of ms into an item to store; false when it has been refused.
[[gnu::noinline]] bool ReadItemFlags(Call& call, MetaRequest* request, ItemStore* item) {
  const MetaFlags& flags = request->flags;
  std::string_view error = memcache::ReadMetaFlags(request->words, &request->flags);
  if (error.empty() && request->key.text.empty()) error = "CLIENT_ERROR error decoding key";
  if (error.empty() && !ReadMode(flags, &item->mode))
    error = "CLIENT_ERROR invalid mode for ms M token";
  if (error.empty() && flags.is_opaque_too_long) error = kOpaqueTooLong;
  if (!error.empty()) [[unlikely]] {
    SayError(call, error);
    return false;
  }
  item->flags = flags.client_flags;
  if (flags.has_expiry()) item->expiry_ms = ItemExpiryMs(flags.exptime, call.now_ms());
  item->cas = flags.cas;
  item->new_cas = flags.new_cas;
  item->accepts_stale = flags.invalidates();
  item->vivifies = flags.vivifies();
  if (flags.vivifies()) item->vivify_expiry_ms = ItemExpiryMs(flags.vivify_exptime, call.now_ms());
  return true;
}

// What ms replies: the flags that ask for something, in their order.
void SayStored(Call& call, const MetaRequest& request, const ItemStore& item, StoredItem stored) {
  if (stored.result == ItemResult::kDone && request.flags.is_quiet()) return;
  ByteBuffer& out = call.reply.out();
  char* at = PutText(out.Reserve(kMaxLineBytes), CodeOf(stored.result));
  char scratch[kMaxInt64Chars];
  for (std::string_view word : request.words) {
    if (word[0] == 'c') {
      at = PutNumber(at, 'c', stored.record == nullptr ? 0 : CasOf(call, stored.record));
    } else if (word[0] == 's') {
      at = PutNumber(at, 's',
                     stored.record == nullptr ? item.value.size()
                                              : Db::StringOf(stored.record, scratch).size());
    } else {
      at = PutEcho(at, request, word);
    }
  }
  out.CommitTo(PutText(at, "\r\n"));
}

// ms key length [flag ...]
void MetaSet(Call& call) {
  MetaRequest request;
  ItemStore item;
  ++Counters(call).meta_commands;
  request.key = item.key = call.args.NextKey();
  request.block = call.args.Text();
  request.words = call.args.Rest();
  if (!request.words.empty() && !ReadItemFlags(call, &request, &item)) return;
  if (request.block.empty() || call.db.context().no_room) [[unlikely]] {
    RefuseItem(call, item.key, request.block.empty(), true);
    return call.reply.Raw(request.block.empty() ? kTooLarge : kOutOfMemory);
  }
  ++Counters(call).sets;
  if (!EndsLine(request.block)) return call.reply.Raw(kBadChunk);
  item.value = request.block.substr(0, request.block.size() - 2);
  StoredItem stored = item.mode == StoreMode::kSet
                          ? StoredItem{ItemResult::kDone, PutItem(call, item)}
                          : StoreItem(call, item);
  if (call.services.memcache_log->Wants(kWatchMutations)) [[unlikely]]
    LogStore(call, item, stored.result);
  if (request.words.empty()) return call.reply.Raw("HD\r\n");
  SayStored(call, request, item, stored);
}

// ---- mn, me ----

// mn
// Answers what a client may put behind a row of quiet requests, to see their end.
void MetaNoop(Call& call) {
  call.reply.Raw("MN\r\n");
}

// me key [b]
void MetaDebug(Call& call) {
  Key key = call.args.NextKey();
  bool is_base64 = call.args.Peek() == "b";
  if (key.text.size() > kMaxKeyBytes || key.text.empty()) return call.reply.Raw(kBadFormat);
  ++Counters(call).meta_commands;
  const Record* record = call.db.Peek(key);
  if (!IsString(record)) return call.reply.Raw("EN\r\n");
  char text[kMaxKeyBytes * 2];
  char* end = is_base64 ? memcache::EncodeBase64(key.text, text) : PutText(text, key.text);
  int64_t left = record->expiry_ms() == kNoExpiry
                     ? -1
                     : static_cast<int64_t>(SecondsLeft(call, record->expiry_ms()));
  call.reply.Raw(fmt::format(
      "ME {} exp={} la={} cas={} fetch={} cls=1 size={}\r\n",
      std::string_view(text, static_cast<size_t>(end - text)), left, call.db.IdleSeconds(record),
      CasOf(call, record), record->is_fetched() ? "yes" : "no", call.db.MemoryBytes(key, record)));
}

// clang-format off
constexpr Command kMemcacheMetaCommands[] = {
  // name  arity  keys          flags                    acl           handler         since    usage                    summary
  {"ma",   -2,    Keys::One(),  kWrite | kGrows | kFast, Acl::kString, MetaArithmetic, "1.6.0", "key [flag ...]",        "Adds to a number, or subtracts."},
  {"md",   -2,    Keys::One(),  kWrite | kFast,          Acl::kString, MetaDelete,     "1.6.0", "key [flag ...]",        "Deletes an item, or marks it as stale."},
  {"me",   -2,    Keys::One(),  kReadOnly | kFast,       Acl::kString, MetaDebug,      "1.6.0", "key [b]",               "Tells what is known of an item."},
  {"mg",   -2,    Keys::One(),  kWrite | kGrows | kFast, Acl::kString, MetaGet,        "1.6.0", "key [flag ...]",        "Returns an item, what is known of it, or both."},
  {"mn",   -1,    Keys::None(), kFast,                   Acl::kString, MetaNoop,       "1.6.0", "",                      "Answers MN."},
  {"ms",   -3,    Keys::One(),  kWrite | kGrows | kFast, Acl::kString, MetaSet,        "1.6.0", "key length [flag ...]", "Stores an item."},
};
// clang-format on
static_assert(WellFormed(kMemcacheMetaCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> MemcacheMetaCommands() {
  return kMemcacheMetaCommands;
}

}  // namespace kiln
