// The verbs of memcached's text protocol that are about the server and not about items.

#include <algorithm>
#include <iterator>
#include <memory>

#include "base/number.h"
#include "base/version.h"
#include "engine/commands/groups.h"
#include "engine/commands/memcache_dump.h"
#include "engine/commands/memcache_item.h"
#include "engine/commands/memcache_log.h"
#include "engine/commands/memcache_reply.h"
#include "params/parameter_set.h"
#include "protocol/memcache/number.h"

namespace kiln {
namespace {

using memcache::ReadInt32;
using memcache::ReadUint32;

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
  call.services.server->FlushAt(delay > 0 ? ItemExpiryMs(delay, call.now_ms()) : 0);
  Say(call, is_quiet, "OK\r\n");
}

// ---- The server ----

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
  if (all.size() > 1) return call.services.server->ShutdownGracefully();
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

// watch [kind ...]
// From now on the client is sent a line for each event of these kinds.
void Watch(Call& call) {
  if (!call.settings().memcache.watch_enabled && !call.client.is_admin)
    return call.reply.Raw("CLIENT_ERROR watch commands not allowed\r\n");
  struct Kind {
    std::string_view name;
    uint32_t bits;
  };
  constexpr Kind kKinds[] = {
      {"connevents", kWatchConnections}, {"deletions", kWatchDeletions},
      {"evictions", kWatchEvictions},    {"fetchers", kWatchFetchers},
      {"mutations", kWatchMutations},    {"proxyevents", kWatchNothing},
      {"proxyreqs", kWatchNothing},      {"proxyuser", kWatchNothing},
      {"rawcmds", kWatchNothing},        {"sysevents", kWatchNothing},
  };
  Arguments words = call.args.Rest();
  uint32_t wanted = words.empty() ? kWatchFetchers : 0u;
  for (std::string_view word : words) {
    auto found = std::find_if(std::begin(kKinds), std::end(kKinds),
                              [word](const Kind& kind) { return kind.name == word; });
    if (found == std::end(kKinds)) return call.reply.Raw(kError);
    wanted |= found->bits;
  }
  if (!call.services.memcache_log->Add(call.client.handle, wanted))
    return call.reply.Raw("WATCHER_TOO_MANY log watcher limit reached\r\n");
  call.client.watched_events = wanted;
  call.reply.Raw(kOk);
}

// cache_memlimit megabytes [noreply]
void CacheMemoryLimit(Call& call) {
  constexpr uint32_t kLeast = 8;
  constexpr uint32_t kMost = 1000000000;
  if (call.settings().memcached_port != 0)  // maxmemory is the Redis port's
    return Say(call, IsQuiet(call), "MEMLIMIT_ADJUST_FAILED maxmemory is set elsewhere\r\n");
  uint64_t given = 0;
  if (!memcache::ReadUint64(call.args.Text(), &given)) return Say(call, IsQuiet(call), kError);
  if (given < kLeast) {
    return Say(call, IsQuiet(call), "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n");
  }
  if (given > kMost) {
    return Say(call, IsQuiet(call),
               "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n");
  }
  call.services.parameters->settings()->maxmemory_bytes = static_cast<int64_t>(given) << 20;
  call.services.server->ApplyParameter("maxmemory");
  Say(call, IsQuiet(call), kOk);
}

// ---- What memcached's LRU and slabs are told; there is nothing here to tell it to ----

// Whether the words name classes: "all", "hash" or numbers with commas. `*is_ours` says whether the
// one class that there is here is among them.
bool ReadClasses(std::string_view words, bool* is_ours) {
  constexpr uint32_t kMaxClass = 63;
  *is_ours = words == "all" || words == "hash";
  if (*is_ours) return true;
  while (!words.empty()) {
    size_t comma = std::min(words.find(','), words.size());
    uint32_t number = 0;
    if (!ReadUint32(words.substr(0, comma), &number) || number < 1 || number > kMaxClass)
      return false;
    *is_ours = *is_ours || number == 1;
    words.remove_prefix(std::min(comma + 1, words.size()));
  }
  return true;
}

// A long reply, sent as the client reads it.
void Dump(Call& call, std::string_view classes, ItemDump::Form form) {
  if (!call.settings().memcache.dump_enabled && !call.client.is_admin)
    return call.reply.Raw("ERROR metadump not allowed\r\n");
  bool is_ours = false;
  if (!ReadClasses(classes, &is_ours)) return call.reply.Raw("BADCLASS invalid class id\r\n");
  if (!is_ours) return call.reply.Raw(form == ItemDump::Form::kMeta ? "EN\r\n" : kEnd);
  auto dump = std::make_unique<ItemDump>(call.db.keyspace(), call.db.context(), form);
  if (dump->Write(call.reply.out())) call.client.source = std::move(dump);
}

// lru_crawler crawl|metadump|mgdump|tocrawl|sleep|enable|disable [argument]
void LruCrawler(Call& call) {
  Arguments words = call.args.Rest();
  std::string_view what = words[0];
  if (words.size() == 1)
    return call.reply.Raw(what == "enable" || what == "disable" ? kOk : kError);
  if (words.size() > 2) return call.reply.Raw(kError);
  if (what == "metadump") return Dump(call, words[1], ItemDump::Form::kFull);
  if (what == "mgdump") return Dump(call, words[1], ItemDump::Form::kMeta);
  bool is_ours = false;
  if (what == "crawl") {
    return call.reply.Raw(ReadClasses(words[1], &is_ours) ? kOk : "BADCLASS invalid class id\r\n");
  }
  constexpr uint32_t kMaxSleepUs = 1000000;
  uint32_t number = 0;
  if (what != "tocrawl" && what != "sleep") return call.reply.Raw(kError);
  if (!ReadUint32(words[1], &number)) return call.reply.Raw(kBadFormat);
  if (what == "sleep" && number > kMaxSleepUs)
    return call.reply.Raw("CLIENT_ERROR sleep must be one second or less\r\n");
  call.reply.Raw(kOk);
}

// lru mode|temp_ttl|tune argument ...
void Lru(Call& call) {
  Arguments words = call.args.Rest();
  int32_t seconds = 0;
  bool is_good = words.size() >= 2 &&
                 ((words[0] == "mode" && (words[1] == "flat" || words[1] == "segmented")) ||
                  (words[0] == "temp_ttl" && ReadInt32(words[1], &seconds)));
  if (words[0] == "tune" && words.size() >= 5) {
    uint32_t hot = 0;
    uint32_t warm = 0;
    auto hot_factor = ParseDouble(words[3]);
    auto warm_factor = ParseDouble(words[4]);
    is_good =
        ReadUint32(words[1], &hot) && ReadUint32(words[2], &warm) && hot_factor && warm_factor;
    if (is_good && uint64_t{hot} + warm > 80)
      return call.reply.Raw("ERROR hot and warm pcts must not exceed 80\r\n");
    if (is_good && (*hot_factor <= 0 || *warm_factor <= 0))
      return call.reply.Raw("ERROR hot/warm age factors must be greater than 0\r\n");
  }
  call.reply.Raw(is_good ? kOk : kError);
}

// slabs automove|reassign argument ...
void Slabs(Call& call) {
  Arguments words = call.args.Rest();
  int32_t from = 0;
  int32_t to = 0;
  uint32_t level = 0;
  if (words[0] == "reassign" && words.size() == 3) {
    bool is_good = ReadInt32(words[1], &from) && ReadInt32(words[2], &to);
    if (!is_good) return call.reply.Raw(kBadFormat);
    return call.reply.Raw(from == to ? "SAME src and dst class are identical\r\n"
                                     : "NOSPARE source class has no spare pages\r\n");
  }
  if (words[0] != "automove" || words.size() < 2) return call.reply.Raw(kError);
  if (words[1] == "ratio") {
    bool is_good = words.size() > 2 && ParseDouble(words[2]);
    return Say(call, IsQuiet(call), is_good ? kOk : kError);
  }
  if (!ReadUint32(words[1], &level)) return Say(call, IsQuiet(call), kBadFormat);
  Say(call, IsQuiet(call), level <= 2 ? kOk : kError);
}

// clang-format off
constexpr Command kMemcacheServerCommands[] = {
  // name       arity  keys                     flags                     acl           handler    since    usage                                      summary
  {"cache_memlimit", -2, Keys::None(),          kGate,                    Acl::kString, CacheMemoryLimit, "1.4.24", "megabytes [noreply]",             "Sets how much memory items may take."},
  {"flush_all", -1,    Keys::None(),            kWrite | kGate,           Acl::kString, FlushAll,  "1.0.0", "[delay] [noreply]",                       "Deletes all items, now or later."},
  {"lru",       -2,    Keys::None(),            kFast,                    Acl::kString, Lru,       "1.5.0", "mode|temp_ttl|tune argument ...",         "Taken where it does no harm; there is no such LRU."},
  {"lru_crawler", -2,  Keys::None(),            kWalksShards | kEndsBatch, Acl::kString, LruCrawler, "1.4.20", "metadump|mgdump|... [argument]",         "Lists items; what else a crawler is told has no effect."},
  {"quit",      -1,    Keys::None(),            kFast | kEndsBatch,       Acl::kString, Quit,      "1.0.0", "",                                        "Closes the connection."},
  {"shutdown",  -1,    Keys::None(),            kAdmin | kEndsBatch,      Acl::kString, Shutdown,  "1.4.7", "[graceful]",                              "Ends the server, where that is allowed."},
  {"slabs",     -2,    Keys::None(),            kFast,                    Acl::kString, Slabs,     "1.4.11", "automove|reassign argument ...",         "Taken where it does no harm; there are no slab classes."},
  {"stats",     -1,    Keys::None(),            kGate,                    Acl::kString, Stats,     "1.0.0", "[topic]",                                 "Returns statistics or settings."},
  {"verbosity", -2,    Keys::None(),            kGate,                    Acl::kString, Verbosity, "1.0.0", "level [noreply]",                         "Sets how much the server logs."},
  {"version",   -1,    Keys::None(),            kFast,                    Acl::kString, Version,   "1.0.0", "",                                        "Returns the server's version."},
  {"watch",     -1,    Keys::None(),            kEndsBatch,               Acl::kString, Watch,     "1.4.26", "[kind ...]",                             "Sends a line for each event of these kinds."},
};
// clang-format on
static_assert(WellFormed(kMemcacheServerCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> MemcacheServerCommands() {
  return kMemcacheServerCommands;
}

}  // namespace kiln
