// memcached's binary protocol: its commands over items, the server and the cluster's texts.
//
// Their names are no words of the text protocol, so no line can call them. A request comes as the
// parser leaves it (protocol/memcache/binary_parser.h); quiet forms and those that give the key
// back share a row, and the opcode tells which it is. What is done with items is in
// memcache_item.h. Source: memcached 1.6.18; the commands of config are ElastiCache's.

#include <algorithm>
#include <charconv>

#include "base/number.h"
#include "base/version.h"
#include "engine/commands/discovery.h"
#include "engine/commands/groups.h"
#include "engine/commands/memcache_item.h"
#include "engine/commands/memcache_log.h"
#include "engine/commands/memcache_packet.h"
#include "protocol/memcache/request_parser.h"

namespace kiln {
namespace {

using memcache::BinaryStatus;
using memcache::ReadBig32;
using memcache::ReadBig64;

// As ItemExpiryMs; the number has no sign here.
uint64_t ExpiryMs(uint32_t exptime, uint64_t now_ms) {
  constexpr uint32_t kMaxRelative = 60 * 60 * 24 * 30;
  if (exptime == 0) return kNoExpiry;
  uint64_t given_ms = uint64_t{exptime} * 1000;
  return exptime > kMaxRelative ? given_ms : now_ms + given_ms;
}

// ---- Reading ----

void AnswerMiss(Call& call, const Packet& request, std::string_view key) {
  if (request.is_quiet()) return;
  if (!request.opcode->returns_key) return AnswerError(call, request, BinaryStatus::kNotFound);
  Answer(call, request, BinaryStatus::kNotFound, 0, {{}, key, {}});
}

// Items are sent to quiet requests too.
void AnswerItem(Call& call, const Packet& request, std::string_view key, uint64_t cas,
                uint32_t flags, std::string_view value, SharedBlock* block = nullptr) {
  char extras[sizeof(flags)];
  memcache::PutBig32(extras, flags);
  std::string_view told = request.opcode->returns_key ? key : std::string_view();
  Answer(call, request, BinaryStatus::kOk, cas, {{extras, sizeof(extras)}, told, value, block});
}

// Nothing is stored at the key; one is answered all the same, and then counts as found.
void AnswerMissing(Call& call, const Packet& request, std::string_view key, bool was_miss) {
  const Discovery::Entry* entry =
      key == Discovery::kItemKey ? call.services.discovery->Item() : nullptr;
  if (entry == nullptr) return AnswerMiss(call, request, key);
  StoreStats& stats = call.db.context().stats;
  stats.hits += was_miss ? 1 : 0;
  stats.misses -= was_miss ? 1 : 0;
  AnswerItem(call, request, key, 0, entry->flags, entry->text);
}

void AnswerRecord(Call& call, const Packet& request, std::string_view key, const Record* record) {
  char scratch[kMaxInt64Chars];
  AnswerItem(call, request, key, CasOf(call, record), record->client_flags(),
             Db::StringOf(record, scratch), record->block());
}

// get, getq, getk, getkq: key
void Get(Call& call) {
  Packet request(call);
  Key key = call.args.NextKey();
  Record* record = call.db.Find(key);
  if (call.services.memcache_log->Wants(kWatchFetchers)) [[unlikely]]
    LogFetch(call, key.text, record);
  if (IsString(record)) return AnswerRecord(call, request, key.text, record);
  AnswerMissing(call, request, key.text, record == nullptr);
}

// gat, gatq, gatk, gatkq: key, extras exptime
void GetAndTouch(Call& call) {
  Packet request(call);
  Key key = call.args.NextKey();
  uint64_t expiry_ms = ExpiryMs(ReadBig32(request.extras.data()), call.now_ms());
  const Record* record = TouchItem(call, key, expiry_ms);
  if (call.services.memcache_log->Wants(kWatchFetchers)) [[unlikely]]
    LogFetch(call, key.text, record);
  if (record != nullptr) return AnswerRecord(call, request, key.text, record);
  AnswerMissing(call, request, key.text, false);
}

// touch: key, extras exptime
void Touch(Call& call) {
  Packet request(call);
  Key key = call.args.NextKey();
  uint64_t expiry_ms = ExpiryMs(ReadBig32(request.extras.data()), call.now_ms());
  const Record* record = TouchItem(call, key, expiry_ms);
  if (record == nullptr) return AnswerMiss(call, request, key.text);
  AnswerItem(call, request, key.text, CasOf(call, record), record->client_flags(), {});
}

// ---- Storing ----

// What a store that did not happen is told.
BinaryStatus StatusOf(ItemResult result, StoreMode mode) {
  switch (result) {
    case ItemResult::kExists:
      return BinaryStatus::kExists;
    case ItemResult::kNotFound:
      return BinaryStatus::kNotFound;
    default:
      if (mode == StoreMode::kAdd) return BinaryStatus::kExists;
      if (mode == StoreMode::kReplace) return BinaryStatus::kNotFound;
      return BinaryStatus::kNotStored;
  }
}

void LogStored(Call& call, const ItemStore& item, ItemResult result) {
  if (call.services.memcache_log->Wants(kWatchMutations)) [[unlikely]]
    LogStore(call, item, result);
}

// A number to compare with makes a cas of set, add and replace; append and prepend have their own.
void Store(Call& call, const Packet& request, ItemStore& item) {
  item.key = call.args.NextKey();
  item.value = request.value;
  item.cas = request.header.cas;
  bool is_too_large = request.is_too_large();
  if (is_too_large || call.db.context().no_room) [[unlikely]] {
    RefuseItem(call, item.key, is_too_large, item.mode == StoreMode::kSet);
    LogStored(call, item, is_too_large ? ItemResult::kTooLarge : ItemResult::kNoMemory);
    if (is_too_large) return AnswerError(call, request, BinaryStatus::kTooLarge);
    return AnswerError(call, request, BinaryStatus::kOutOfMemory, "Out of memory allocating item");
  }
  ++Counters(call).sets;
  bool extends = item.mode == StoreMode::kAppend || item.mode == StoreMode::kPrepend;
  if (item.cas != 0 && !extends) item.mode = StoreMode::kCas;
  StoredItem stored = StoreItem(call, item);
  LogStored(call, item, stored.result);
  if (stored.result == ItemResult::kDone)
    return AnswerDone(call, request, CasOf(call, stored.record));
  AnswerError(call, request, StatusOf(stored.result, item.mode));
}

void StoreNew(Call& call, StoreMode mode) {
  Packet request(call);
  ItemStore item;
  item.mode = mode;
  item.flags = ReadBig32(request.extras.data());
  item.expiry_ms = ExpiryMs(ReadBig32(request.extras.data() + 4), call.now_ms());
  Store(call, request, item);
}

void Extend(Call& call, StoreMode mode) {
  ItemStore item;
  item.mode = mode;
  Store(call, Packet(call), item);
}

// set, setq: key, extras flags exptime, value
void Set(Call& call) {
  StoreNew(call, StoreMode::kSet);
}
// add, addq
void Add(Call& call) {
  StoreNew(call, StoreMode::kAdd);
}
// replace, replaceq
void Replace(Call& call) {
  StoreNew(call, StoreMode::kReplace);
}
// append, appendq: key, value
void Append(Call& call) {
  Extend(call, StoreMode::kAppend);
}
// prepend, prependq
void Prepend(Call& call) {
  Extend(call, StoreMode::kPrepend);
}

// ---- Changing ----

// Creates the number that is not there to be counted.
CountedItem CreateNumber(Call& call, const Key& key, uint64_t initial, uint32_t exptime) {
  if (call.db.context().no_room) return {ItemResult::kNoMemory, 0, nullptr};
  char digits[kMaxInt64Chars];
  ItemStore item;
  item.key = key;
  item.value = {digits, std::to_chars(digits, digits + sizeof(digits), initial).ptr};
  item.expiry_ms = ExpiryMs(exptime, call.now_ms());
  return {ItemResult::kDone, initial, PutItem(call, item)};
}

void AnswerCounted(Call& call, const Packet& request, const CountedItem& counted) {
  char value[sizeof(counted.value)];
  memcache::PutBig64(value, counted.value);
  AnswerDone(call, request, CasOf(call, counted.record), {{}, {}, {value, sizeof(value)}});
}

// Extras: delta, what to begin with, exptime of what begins.
void Count(Call& call, bool up) {
  constexpr uint32_t kOnlyIfThere = 0xffffffff;
  Packet request(call);
  Key key = call.args.NextKey();
  const char* extras = request.extras.data();
  uint32_t exptime = ReadBig32(extras + 16);
  CountedItem counted = CountItem(call, key, {up, ReadBig64(extras), request.header.cas, 0});
  if (counted.result == ItemResult::kNotFound && exptime != kOnlyIfThere) {
    --(up ? Counters(call).incr_misses : Counters(call).decr_misses);
    counted = CreateNumber(call, key, ReadBig64(extras + 8), exptime);
  }
  switch (counted.result) {
    case ItemResult::kDone:
      return AnswerCounted(call, request, counted);
    case ItemResult::kNotNumber:
      return AnswerError(call, request, BinaryStatus::kNotNumber);
    case ItemResult::kExists:
      return AnswerError(call, request, BinaryStatus::kExists);
    case ItemResult::kNoMemory:
      return AnswerError(call, request, BinaryStatus::kOutOfMemory,
                         "Out of memory allocating new item");
    default:
      return AnswerError(call, request, BinaryStatus::kNotFound);
  }
}

// increment, incrementq
void Incr(Call& call) {
  Count(call, true);
}
// decrement, decrementq
void Decr(Call& call) {
  Count(call, false);
}

// delete, deleteq: key
void Delete(Call& call) {
  Packet request(call);
  Key key = call.args.NextKey();
  uint64_t cas = request.header.cas;
  ItemResult result = DeleteItem(call, key, cas == 0 ? nullptr : &cas);
  if (call.services.memcache_log->Wants(kWatchDeletions)) [[unlikely]]
    LogDelete(call, key.text, "delete", result == ItemResult::kDone);
  if (result == ItemResult::kExists) return AnswerError(call, request, BinaryStatus::kExists);
  if (result == ItemResult::kNotFound) return AnswerError(call, request, BinaryStatus::kNotFound);
  AnswerDone(call, request, 0);
}

// ---- The server ----

// flush, flushq: extras exptime, or none
void Flush(Call& call) {
  Packet request(call);
  if (!call.settings().memcache.flush_enabled && !call.client.is_admin)
    return AnswerError(call, request, BinaryStatus::kAuthError);
  ++Counters(call).flushes;
  uint32_t delay = request.extras.empty() ? 0 : ReadBig32(request.extras.data());
  call.services.server->FlushAt(delay > 0 ? ExpiryMs(delay, call.now_ms()) : 0);
  AnswerDone(call, request, 0);
}

// noop
void Noop(Call& call) {
  AnswerDone(call, Packet(call), 0);
}

// quit, quitq
void Quit(Call& call) {
  AnswerDone(call, Packet(call), 0);
  call.client.CloseAfterReply();
}

// version
void Version(Call& call) {
  AnswerDone(call, Packet(call), 0, {{}, {}, kMemcachedVersion});
}

// Sends what the text protocol says in lines, one packet a line, and an empty one behind them.
void AnswerStats(Call& call, const Packet& request, std::string_view lines) {
  constexpr std::string_view kStart = "STAT ";
  while (lines.starts_with(kStart)) {
    lines.remove_prefix(kStart.size());
    size_t end = lines.find("\r\n");
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    size_t space = std::min(line.find(' '), line.size());
    std::string_view value = line.substr(std::min(space + 1, line.size()));
    Answer(call, request, BinaryStatus::kOk, 0, {{}, line.substr(0, space), value});
  }
  Answer(call, request, BinaryStatus::kOk, 0, {});
}

// stat: [topic]
void Stat(Call& call) {
  Packet request(call);
  std::string_view topic = call.args.Text();
  ServerControl& server = *call.services.server;
  constexpr std::string_view kDetail = "detail ";
  if (topic.starts_with("reset")) {
    server.ResetStatistics();
    return AnswerStats(call, request, {});
  }
  constexpr std::string_view kSettings = "settings";
  if (topic.starts_with(kSettings)) topic = kSettings;
  std::string_view words[2] = {topic, {}};
  bool is_detail = topic.starts_with(kDetail);
  if (is_detail) {
    words[0] = topic.substr(0, kDetail.size() - 1);
    words[1] = topic.substr(kDetail.size());
  }
  size_t count = is_detail ? 2 : topic.empty() ? 0 : 1;
  std::string text = server.MemcacheStats({words, count});
  if (is_detail && words[1] == "dump") {
    Answer(call, request, BinaryStatus::kOk, 0, {{}, "detailed", text});
    return AnswerStats(call, request, {});
  }
  bool is_done = text.starts_with("STAT ") || text.starts_with("END") || text.starts_with("OK");
  if (!is_done || topic == "conns") return AnswerError(call, request, BinaryStatus::kNotFound);
  AnswerStats(call, request, text);
}

// ---- The cluster ----

// config get: key
void ConfigGet(Call& call) {
  Packet request(call);
  ++Counters(call).config_gets;
  const Discovery::Entry* entry = call.services.discovery->Find(call.args.Text());
  if (entry == nullptr) return AnswerError(call, request, BinaryStatus::kNotFound);
  AnswerItem(call, request, {}, 0, entry->flags, entry->text);
}

// config set: key, extras flags, value
void ConfigSet(Call& call) {
  Packet request(call);
  if (!call.client.is_admin) return AnswerError(call, request, BinaryStatus::kUnknownCommand);
  if (request.is_too_large() || request.value.size() > memcache::kMaxConfigBytes)
    return AnswerError(call, request, BinaryStatus::kTooLarge);
  ++Counters(call).config_sets;
  uint32_t flags = ReadBig32(request.extras.data());
  bool is_set = call.services.discovery->Set(call.args.Text(), flags, request.value);
  if (!is_set) return AnswerError(call, request, BinaryStatus::kOutOfMemory);
  AnswerDone(call, request, 0);
}

// config delete: key
void ConfigDelete(Call& call) {
  Packet request(call);
  if (!call.client.is_admin) return AnswerError(call, request, BinaryStatus::kUnknownCommand);
  bool found = call.services.discovery->Delete(call.args.Text());
  if (!found) return AnswerError(call, request, BinaryStatus::kNotFound);
  AnswerDone(call, request, 0);
}

// clang-format off
constexpr Command kMemcacheBinaryCommands[] = {
  // name                arity  keys          flags                     acl           handler       since    usage                      summary
  {"bin add",            4,     Keys::One(),  kWrite | kGrows | kFast,  Acl::kString, Add,          "1.3.0", "key frame value",         "Stores an item unless its key exists."},
  {"bin append",         4,     Keys::One(),  kWrite | kGrows | kFast,  Acl::kString, Append,       "1.3.0", "key frame value",         "Adds data behind an item's value."},
  {"bin config_delete",  4,     Keys::None(), kGate,                    Acl::kNone,   ConfigDelete, "1.4.5", "key frame value",         "Forgets a text about the cluster."},
  {"bin config_get",     4,     Keys::None(), kFast,                    Acl::kNone,   ConfigGet,    "1.4.5", "key frame value",         "Returns a text, such as the nodes of the cluster."},
  {"bin config_set",     4,     Keys::None(), kGate,                    Acl::kNone,   ConfigSet,    "1.4.5", "key frame value",         "Sets a text about the cluster."},
  {"bin decr",           4,     Keys::One(),  kWrite | kGrows | kFast,  Acl::kString, Decr,         "1.3.0", "key frame value",         "Subtracts from a number, down to 0."},
  {"bin delete",         4,     Keys::One(),  kWrite | kFast,           Acl::kString, Delete,       "1.3.0", "key frame value",         "Deletes an item."},
  {"bin flush",          4,     Keys::None(), kWrite | kGate,           Acl::kString, Flush,        "1.3.0", "key frame value",         "Deletes all items, now or later."},
  {"bin gat",            4,     Keys::One(),  kWrite | kFast,           Acl::kString, GetAndTouch,  "1.4.8", "key frame value",         "Returns an item and sets when it expires."},
  {"bin get",            4,     Keys::One(),  kReadOnly | kFast,        Acl::kString, Get,          "1.3.0", "key frame value",         "Returns an item."},
  {"bin incr",           4,     Keys::One(),  kWrite | kGrows | kFast,  Acl::kString, Incr,         "1.3.0", "key frame value",         "Adds to a number."},
  {"bin noop",           4,     Keys::None(), kFast,                    Acl::kString, Noop,         "1.3.0", "key frame value",         "Answers, for who wants to know what came before."},
  {"bin prepend",        4,     Keys::One(),  kWrite | kGrows | kFast,  Acl::kString, Prepend,      "1.3.0", "key frame value",         "Adds data before an item's value."},
  {"bin quit",           4,     Keys::None(), kFast | kEndsBatch,       Acl::kString, Quit,         "1.3.0", "key frame value",         "Closes the connection."},
  {"bin replace",        4,     Keys::One(),  kWrite | kGrows | kFast,  Acl::kString, Replace,      "1.3.0", "key frame value",         "Stores an item if its key exists."},
  {"bin set",            4,     Keys::One(),  kWrite | kGrows | kFast,  Acl::kString, Set,          "1.3.0", "key frame value",         "Stores an item."},
  {"bin stat",           4,     Keys::None(), kGate,                    Acl::kString, Stat,         "1.3.0", "key frame value",         "Returns statistics or settings."},
  {"bin touch",          4,     Keys::One(),  kWrite | kFast,           Acl::kString, Touch,        "1.4.8", "key frame value",         "Sets when an item expires."},
  {"bin version",        4,     Keys::None(), kFast,                    Acl::kString, Version,      "1.3.0", "key frame value",         "Returns the server's version."},
};
// clang-format on
static_assert(WellFormed(kMemcacheBinaryCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> MemcacheBinaryCommands() {
  return kMemcacheBinaryCommands;
}

}  // namespace kiln
