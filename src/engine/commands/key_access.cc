#include "engine/commands/key_access.h"

#include <algorithm>

#include "engine/commands/argument_cursor.h"

namespace kiln {
namespace {

constexpr uint8_t kLooks = kKeyReadOnly;
constexpr uint8_t kReads = kKeyReadOnly | kKeyAccess;
constexpr uint8_t kRefreshes = kKeyReadWrite | kKeyAccess;
constexpr uint8_t kModifies = kKeyReadWrite | kKeyUpdate;
constexpr uint8_t kInserts = kKeyReadWrite | kKeyInsert;
constexpr uint8_t kErases = kKeyReadWrite | kKeyDelete;
constexpr uint8_t kReworks = kKeyReadWrite | kKeyAccess | kKeyUpdate;
constexpr uint8_t kJoins = kKeyReadWrite | kKeyAccess | kKeyInsert;
constexpr uint8_t kTakes = kKeyReadWrite | kKeyAccess | kKeyDelete;
constexpr uint8_t kOverwrites = kKeyOverwrite | kKeyUpdate;
constexpr uint8_t kCreates = kKeyOverwrite | kKeyInsert;
constexpr uint8_t kRemoves = kKeyRemove | kKeyDelete;

// SET reads the old value only when asked to. Any argument behind the value that reads "get"
// counts.
uint8_t SetAccess(Arguments arguments) {
  for (size_t i = 3; i < arguments.size(); ++i) {
    if (EqualsWord(arguments[i], "GET")) return kReworks;
  }
  return kOverwrites;
}

// BITFIELD changes nothing when all it does is GET.
uint8_t BitFieldAccess(Arguments arguments) {
  for (size_t i = 2; i < arguments.size();) {
    size_t left = arguments.size() - i - 1;
    if (EqualsWord(arguments[i], "GET") && left >= 2) {
      i += 3;
    } else if (EqualsWord(arguments[i], "OVERFLOW") && left >= 1) {
      i += 2;
    } else {
      return kReworks;
    }
  }
  return kReads;
}

// clang-format off
constexpr KeyAccess kRows[] = {  // Sorted by name.
  // name                  first        others       by arguments
  {"APPEND",               kInserts,    kInserts,    nullptr},
  {"BITCOUNT",             kReads,      kReads,      nullptr},
  {"BITFIELD",             kReworks,    kReworks,    BitFieldAccess},
  {"BITFIELD_RO",          kReads,      kReads,      nullptr},
  {"BITOP",                kOverwrites, kReads,      nullptr},
  {"BITPOS",               kReads,      kReads,      nullptr},
  {"BLMOVE",               kTakes,      kInserts,    nullptr},
  {"BLMPOP",               kTakes,      kTakes,      nullptr},
  {"BLPOP",                kTakes,      kTakes,      nullptr},
  {"BRPOP",                kTakes,      kTakes,      nullptr},
  {"BRPOPLPUSH",           kTakes,      kInserts,    nullptr},
  {"BZMPOP",               kTakes,      kTakes,      nullptr},
  {"BZPOPMAX",             kTakes,      kTakes,      nullptr},
  {"BZPOPMIN",             kTakes,      kTakes,      nullptr},
  {"COPY",                 kReads,      kOverwrites, nullptr},
  {"DECR",                 kReworks,    kReworks,    nullptr},
  {"DECRBY",               kReworks,    kReworks,    nullptr},
  {"DEL",                  kRemoves,    kRemoves,    nullptr},
  {"DUMP",                 kReads,      kReads,      nullptr},
  {"EVAL",                 kReworks,    kReworks,    nullptr},
  {"EVALSHA",              kReworks,    kReworks,    nullptr},
  {"EVALSHA_RO",           kReads,      kReads,      nullptr},
  {"EVAL_RO",              kReads,      kReads,      nullptr},
  {"EXISTS",               kLooks,      kLooks,      nullptr},
  {"EXPIRE",               kModifies,   kModifies,   nullptr},
  {"EXPIREAT",             kModifies,   kModifies,   nullptr},
  {"EXPIRETIME",           kReads,      kReads,      nullptr},
  {"FCALL",                kReworks,    kReworks,    nullptr},
  {"FCALL_RO",             kReads,      kReads,      nullptr},
  {"GEOADD",               kModifies,   kModifies,   nullptr},
  {"GEODIST",              kReads,      kReads,      nullptr},
  {"GEOHASH",              kReads,      kReads,      nullptr},
  {"GEOPOS",               kReads,      kReads,      nullptr},
  {"GEORADIUS",            kReads,      kOverwrites, nullptr},
  {"GEORADIUSBYMEMBER",    kReads,      kOverwrites, nullptr},
  {"GEORADIUSBYMEMBER_RO", kReads,      kReads,      nullptr},
  {"GEORADIUS_RO",         kReads,      kReads,      nullptr},
  {"GEOSEARCH",            kReads,      kReads,      nullptr},
  {"GEOSEARCHSTORE",       kOverwrites, kReads,      nullptr},
  {"GET",                  kReads,      kReads,      nullptr},
  {"GETBIT",               kReads,      kReads,      nullptr},
  {"GETDEL",               kTakes,      kTakes,      nullptr},
  {"GETEX",                kReworks,    kReworks,    nullptr},
  {"GETRANGE",             kReads,      kReads,      nullptr},
  {"GETSET",               kReworks,    kReworks,    nullptr},
  {"HDEL",                 kErases,     kErases,     nullptr},
  {"HEXISTS",              kLooks,      kLooks,      nullptr},
  {"HEXPIRE",              kModifies,   kModifies,   nullptr},
  {"HEXPIREAT",            kModifies,   kModifies,   nullptr},
  {"HEXPIRETIME",          kReads,      kReads,      nullptr},
  {"HGET",                 kReads,      kReads,      nullptr},
  {"HGETALL",              kReads,      kReads,      nullptr},
  {"HGETDEL",              kTakes,      kTakes,      nullptr},
  {"HGETEX",               kReworks,    kReworks,    nullptr},
  {"HINCRBY",              kReworks,    kReworks,    nullptr},
  {"HINCRBYFLOAT",         kReworks,    kReworks,    nullptr},
  {"HKEYS",                kReads,      kReads,      nullptr},
  {"HLEN",                 kLooks,      kLooks,      nullptr},
  {"HMGET",                kReads,      kReads,      nullptr},
  {"HMSET",                kModifies,   kModifies,   nullptr},
  {"HPERSIST",             kModifies,   kModifies,   nullptr},
  {"HPEXPIRE",             kModifies,   kModifies,   nullptr},
  {"HPEXPIREAT",           kModifies,   kModifies,   nullptr},
  {"HPEXPIRETIME",         kReads,      kReads,      nullptr},
  {"HPTTL",                kReads,      kReads,      nullptr},
  {"HRANDFIELD",           kReads,      kReads,      nullptr},
  {"HSCAN",                kReads,      kReads,      nullptr},
  {"HSET",                 kModifies,   kModifies,   nullptr},
  {"HSETEX",               kModifies,   kModifies,   nullptr},
  {"HSETNX",               kInserts,    kInserts,    nullptr},
  {"HSTRLEN",              kLooks,      kLooks,      nullptr},
  {"HTTL",                 kReads,      kReads,      nullptr},
  {"HVALS",                kReads,      kReads,      nullptr},
  {"INCR",                 kReworks,    kReworks,    nullptr},
  {"INCRBY",               kReworks,    kReworks,    nullptr},
  {"INCRBYFLOAT",          kReworks,    kReworks,    nullptr},
  {"LCS",                  kReads,      kReads,      nullptr},
  {"LINDEX",               kReads,      kReads,      nullptr},
  {"LINSERT",              kInserts,    kInserts,    nullptr},
  {"LLEN",                 kLooks,      kLooks,      nullptr},
  {"LMOVE",                kTakes,      kInserts,    nullptr},
  {"LMPOP",                kTakes,      kTakes,      nullptr},
  {"LPOP",                 kTakes,      kTakes,      nullptr},
  {"LPOS",                 kReads,      kReads,      nullptr},
  {"LPUSH",                kInserts,    kInserts,    nullptr},
  {"LPUSHX",               kInserts,    kInserts,    nullptr},
  {"LRANGE",               kReads,      kReads,      nullptr},
  {"LREM",                 kErases,     kErases,     nullptr},
  {"LSET",                 kModifies,   kModifies,   nullptr},
  {"LTRIM",                kErases,     kErases,     nullptr},
  {"MEMORY|USAGE",         kLooks,      kLooks,      nullptr},
  {"MGET",                 kReads,      kReads,      nullptr},
  {"MIGRATE",              kTakes,      kTakes,      nullptr},
  {"MOVE",                 kReworks,    kReworks,    nullptr},
  {"MSET",                 kOverwrites, kOverwrites, nullptr},
  {"MSETNX",               kCreates,    kCreates,    nullptr},
  {"OBJECT|ENCODING",      kLooks,      kLooks,      nullptr},
  {"OBJECT|FREQ",          kLooks,      kLooks,      nullptr},
  {"OBJECT|IDLETIME",      kLooks,      kLooks,      nullptr},
  {"OBJECT|REFCOUNT",      kLooks,      kLooks,      nullptr},
  {"PERSIST",              kModifies,   kModifies,   nullptr},
  {"PEXPIRE",              kModifies,   kModifies,   nullptr},
  {"PEXPIREAT",            kModifies,   kModifies,   nullptr},
  {"PEXPIRETIME",          kReads,      kReads,      nullptr},
  {"PFADD",                kInserts,    kInserts,    nullptr},
  {"PFCOUNT",              kRefreshes,  kRefreshes,  nullptr},
  {"PFDEBUG",              kRefreshes,  kRefreshes,  nullptr},
  {"PFMERGE",              kJoins,      kReads,      nullptr},
  {"PSETEX",               kOverwrites, kOverwrites, nullptr},
  {"PTTL",                 kReads,      kReads,      nullptr},
  {"RENAME",               kTakes,      kOverwrites, nullptr},
  {"RENAMENX",             kTakes,      kCreates,    nullptr},
  {"RESTORE",              kOverwrites, kOverwrites, nullptr},
  {"RESTORE-ASKING",       kOverwrites, kOverwrites, nullptr},
  {"RPOP",                 kTakes,      kTakes,      nullptr},
  {"RPOPLPUSH",            kTakes,      kInserts,    nullptr},
  {"RPUSH",                kInserts,    kInserts,    nullptr},
  {"RPUSHX",               kInserts,    kInserts,    nullptr},
  {"SADD",                 kInserts,    kInserts,    nullptr},
  {"SCARD",                kLooks,      kLooks,      nullptr},
  {"SDIFF",                kReads,      kReads,      nullptr},
  {"SDIFFSTORE",           kOverwrites, kReads,      nullptr},
  {"SET",                  kReworks,    kReworks,    SetAccess},
  {"SETBIT",               kReworks,    kReworks,    nullptr},
  {"SETEX",                kOverwrites, kOverwrites, nullptr},
  {"SETNX",                kCreates,    kCreates,    nullptr},
  {"SETRANGE",             kModifies,   kModifies,   nullptr},
  {"SINTER",               kReads,      kReads,      nullptr},
  {"SINTERCARD",           kReads,      kReads,      nullptr},
  {"SINTERSTORE",          kModifies,   kReads,      nullptr},
  {"SISMEMBER",            kLooks,      kLooks,      nullptr},
  {"SMEMBERS",             kReads,      kReads,      nullptr},
  {"SMISMEMBER",           kReads,      kReads,      nullptr},
  {"SMOVE",                kTakes,      kInserts,    nullptr},
  {"SORT",                 kReads,      kOverwrites, nullptr},
  {"SORT_RO",              kReads,      kReads,      nullptr},
  {"SPOP",                 kTakes,      kTakes,      nullptr},
  {"SRANDMEMBER",          kReads,      kReads,      nullptr},
  {"SREM",                 kErases,     kErases,     nullptr},
  {"SSCAN",                kReads,      kReads,      nullptr},
  {"STRLEN",               kLooks,      kLooks,      nullptr},
  {"SUBSTR",               kReads,      kReads,      nullptr},
  {"SUNION",               kReads,      kReads,      nullptr},
  {"SUNIONSTORE",          kOverwrites, kReads,      nullptr},
  {"TOUCH",                kLooks,      kLooks,      nullptr},
  {"TTL",                  kReads,      kReads,      nullptr},
  {"TYPE",                 kLooks,      kLooks,      nullptr},
  {"UNLINK",               kRemoves,    kRemoves,    nullptr},
  {"WATCH",                kLooks,      kLooks,      nullptr},
  {"XACK",                 kModifies,   kModifies,   nullptr},
  {"XADD",                 kModifies,   kModifies,   nullptr},
  {"XAUTOCLAIM",           kErases,     kErases,     nullptr},
  {"XCLAIM",               kModifies,   kModifies,   nullptr},
  {"XDEL",                 kErases,     kErases,     nullptr},
  {"XGROUP|CREATE",        kInserts,    kInserts,    nullptr},
  {"XGROUP|CREATECONSUMER", kInserts,    kInserts,    nullptr},
  {"XGROUP|DELCONSUMER",   kErases,     kErases,     nullptr},
  {"XGROUP|DESTROY",       kErases,     kErases,     nullptr},
  {"XGROUP|SETID",         kModifies,   kModifies,   nullptr},
  {"XINFO|CONSUMERS",      kReads,      kReads,      nullptr},
  {"XINFO|GROUPS",         kReads,      kReads,      nullptr},
  {"XINFO|STREAM",         kReads,      kReads,      nullptr},
  {"XLEN",                 kLooks,      kLooks,      nullptr},
  {"XPENDING",             kReads,      kReads,      nullptr},
  {"XRANGE",               kReads,      kReads,      nullptr},
  {"XREAD",                kReads,      kReads,      nullptr},
  {"XREADGROUP",           kReads,      kReads,      nullptr},
  {"XREVRANGE",            kReads,      kReads,      nullptr},
  {"XSETID",               kModifies,   kModifies,   nullptr},
  {"XTRIM",                kErases,     kErases,     nullptr},
  {"ZADD",                 kModifies,   kModifies,   nullptr},
  {"ZCARD",                kLooks,      kLooks,      nullptr},
  {"ZCOUNT",               kReads,      kReads,      nullptr},
  {"ZDIFF",                kReads,      kReads,      nullptr},
  {"ZDIFFSTORE",           kOverwrites, kReads,      nullptr},
  {"ZINCRBY",              kReworks,    kReworks,    nullptr},
  {"ZINTER",               kReads,      kReads,      nullptr},
  {"ZINTERCARD",           kReads,      kReads,      nullptr},
  {"ZINTERSTORE",          kOverwrites, kReads,      nullptr},
  {"ZLEXCOUNT",            kReads,      kReads,      nullptr},
  {"ZMPOP",                kTakes,      kTakes,      nullptr},
  {"ZMSCORE",              kReads,      kReads,      nullptr},
  {"ZPOPMAX",              kTakes,      kTakes,      nullptr},
  {"ZPOPMIN",              kTakes,      kTakes,      nullptr},
  {"ZRANDMEMBER",          kReads,      kReads,      nullptr},
  {"ZRANGE",               kReads,      kReads,      nullptr},
  {"ZRANGEBYLEX",          kReads,      kReads,      nullptr},
  {"ZRANGEBYSCORE",        kReads,      kReads,      nullptr},
  {"ZRANGESTORE",          kOverwrites, kReads,      nullptr},
  {"ZRANK",                kReads,      kReads,      nullptr},
  {"ZREM",                 kErases,     kErases,     nullptr},
  {"ZREMRANGEBYLEX",       kErases,     kErases,     nullptr},
  {"ZREMRANGEBYRANK",      kErases,     kErases,     nullptr},
  {"ZREMRANGEBYSCORE",     kErases,     kErases,     nullptr},
  {"ZREVRANGE",            kReads,      kReads,      nullptr},
  {"ZREVRANGEBYLEX",       kReads,      kReads,      nullptr},
  {"ZREVRANGEBYSCORE",     kReads,      kReads,      nullptr},
  {"ZREVRANK",             kReads,      kReads,      nullptr},
  {"ZSCAN",                kReads,      kReads,      nullptr},
  {"ZSCORE",               kReads,      kReads,      nullptr},
  {"ZUNION",               kReads,      kReads,      nullptr},
  {"ZUNIONSTORE",          kOverwrites, kReads,      nullptr},
};
// clang-format on

constexpr bool IsSorted() {
  return std::is_sorted(std::begin(kRows), std::end(kRows),
                        [](const auto& a, const auto& b) { return a.name < b.name; });
}
static_assert(IsSorted());

}  // namespace

const KeyAccess* FindKeyAccess(std::string_view command_name) {
  const auto* row = std::lower_bound(
      std::begin(kRows), std::end(kRows), command_name,
      [](const KeyAccess& access, std::string_view name) { return access.name < name; });
  return row != std::end(kRows) && row->name == command_name ? row : nullptr;
}

uint8_t KeyAccessOf(const Command& command, size_t nth, Arguments arguments) {
  return command.access == nullptr ? kReworks | kKeyDelete : command.access->Of(nth, arguments);
}

}  // namespace kiln
