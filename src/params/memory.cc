// How much memory the keyspace may take, what goes first, and how it is freed.
#include "params/tables.h"

namespace kiln {
namespace {

// clang-format off
constexpr Parameter kRows[] = {
  // name                           alias  type               initial       allowed                                                                                                     apply          flags      member                                  help
  {"active-defrag-cycle-max",       "",    ParameterType::kInt,        "25",         "1..99",                                                                                                    Apply::kNow,   kNoEffect, {},                                     "Share of a processor for defragmentation at most, in percent."},
  {"active-defrag-cycle-min",       "",    ParameterType::kInt,        "1",          "1..99",                                                                                                    Apply::kNow,   kNoEffect, {},                                     "Share of a processor for defragmentation at least, in percent."},
  {"active-defrag-ignore-bytes",    "",    ParameterType::kBytes,      "104857600",  "1..long",                                                                                                  Apply::kNow,   kNoEffect, {},                                     "Fragmentation below this is left alone."},
  {"active-defrag-max-scan-fields", "",    ParameterType::kInt,        "1000",       "1..long",                                                                                                  Apply::kNow,   kNoEffect, {},                                     "Values with more elements are defragmented in steps."},
  {"active-defrag-threshold-lower", "",    ParameterType::kInt,        "10",         "0..1000",                                                                                                  Apply::kNow,   kNoEffect, {},                                     "Fragmentation in percent at which defragmentation starts."},
  {"active-defrag-threshold-upper", "",    ParameterType::kInt,        "100",        "0..1000",                                                                                                  Apply::kNow,   kNoEffect, {},                                     "Fragmentation in percent at which it uses its full share."},
  {"active-expire-effort",          "",    ParameterType::kInt,        "1",          "1..10",                                                                                                    Apply::kNow,   kNoEffect, &Settings::active_expire_effort,        "How hard to look for expired keys; Kiln always finds them at once."},
  {"activedefrag",                  "",    ParameterType::kBool,       "no",         "",                                                                                                         Apply::kNow,   kNoEffect, {},                                     "Move values in memory to reduce fragmentation."},
  {"activerehashing",               "",    ParameterType::kBool,       "yes",        "",                                                                                                         Apply::kNow,   kNoEffect, {},                                     "Grow tables while idle; Kiln's tables grow in small steps by themselves."},
  {"databases",                     "",    ParameterType::kInt,        "16",         "1..int",                                                                                                   Apply::kStart, 0,         &Settings::databases,                   "Number of databases."},
  {"dynamic-hz",                    "",    ParameterType::kBool,       "yes",        "",                                                                                                         Apply::kNow,   kNoEffect, {},                                     "Do periodic work more often with more clients."},
  {"hz",                            "",    ParameterType::kClampedInt, "10",         "1..500",                                                                                                   Apply::kNow,   kNoEffect, &Settings::hz,                          "Rounds of periodic work a second."},
  {"jemalloc-bg-thread",            "",    ParameterType::kBool,       "yes",        "",                                                                                                         Apply::kNow,   kNoEffect, {},                                     "Let the allocator return memory from a thread of its own."},
  {"lazyfree-lazy-eviction",        "",    ParameterType::kBool,       "no",         "",                                                                                                         Apply::kNow,   0,         &Settings::lazyfree_lazy_eviction,      "Free evicted values in the background."},
  {"lazyfree-lazy-expire",          "",    ParameterType::kBool,       "no",         "",                                                                                                         Apply::kNow,   0,         &Settings::lazyfree_lazy_expire,        "Free expired values in the background."},
  {"lazyfree-lazy-server-del",      "",    ParameterType::kBool,       "no",         "",                                                                                                         Apply::kNow,   0,         &Settings::lazyfree_lazy_server_del,    "Free overwritten values in the background."},
  {"lazyfree-lazy-user-del",        "",    ParameterType::kBool,       "no",         "",                                                                                                         Apply::kNow,   0,         &Settings::lazyfree_lazy_user_del,      "Let DEL free in the background like UNLINK."},
  {"lazyfree-lazy-user-flush",      "",    ParameterType::kBool,       "no",         "",                                                                                                         Apply::kNow,   0,         &Settings::lazyfree_lazy_user_flush,    "Let FLUSHALL and FLUSHDB be ASYNC by default."},
  {"lfu-decay-time",                "",    ParameterType::kInt,        "1",          "0..int",                                                                                                   Apply::kNow,   0,         &Settings::lfu_decay_time_min,          "Minutes after which a key's frequency drops by one; 0 on every look."},
  {"lfu-log-factor",                "",    ParameterType::kInt,        "10",         "0..int",                                                                                                   Apply::kNow,   0,         &Settings::lfu_log_factor,              "How slowly a key's frequency saturates."},
  {"maxmemory",                     "",    ParameterType::kBytes,      "0",          "0..long",                                                                                                  Apply::kNow,   0,         &Settings::maxmemory_bytes,             "Bytes the keyspace may use; 0 sets no limit."},
  {"maxmemory-eviction-tenacity",   "",    ParameterType::kInt,        "10",         "0..100",                                                                                                   Apply::kNow,   0,         &Settings::maxmemory_eviction_tenacity, "How long one command may spend evicting, from 0 to 100."},
  {"maxmemory-policy",              "",    ParameterType::kEnum,       "noeviction", "volatile-lru,volatile-lfu,volatile-random,volatile-ttl,allkeys-lru,allkeys-lfu,allkeys-random,noeviction", Apply::kNow,   0,         &Settings::maxmemory_policy,            "What to evict when maxmemory is reached."},
  {"maxmemory-samples",             "",    ParameterType::kInt,        "5",          "1..int",                                                                                                   Apply::kNow,   0,         &Settings::maxmemory_samples,           "Keys compared to find one to evict."},
};
// clang-format on
static_assert(IsSorted(kRows));

}  // namespace

std::span<const Parameter> MemoryParameters() {
  return kRows;
}

}  // namespace kiln
