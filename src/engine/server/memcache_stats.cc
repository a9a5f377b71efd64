#include "engine/server/memcache_stats.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/number.h"
#include "base/time.h"
#include "base/version.h"
#include "engine/commands/memcache_log.h"
#include "engine/store/db.h"
#include "protocol/memcache/number.h"

namespace kiln {
namespace {

std::string Seconds(const timeval& time) {
  return fmt::format("{}.{:06}", time.tv_sec, time.tv_usec);
}

struct Totals {
  MemcacheCounters counters;
  StoreStats store;
  uint64_t connections = 0;
  uint64_t input_bytes = 0;
  uint64_t output_bytes = 0;

  void Add(Worker& worker) {
    counters.Add(worker.memcache_counters());
    store.Add(worker.context().stats);
    connections += worker.stats().connections;
    input_bytes += worker.stats().input_bytes;
    output_bytes += worker.stats().output_bytes;
  }
};

template <class Workers>
Totals SumOf(const Workers& workers) {
  Totals totals;
  for (const auto& worker : workers) totals.Add(*worker);
  return totals;
}

}  // namespace

std::string Server::MemcacheStats(Arguments topic) {
  return MemcacheStatsWriter(*this).Write(topic);
}

std::string MemcacheStatsWriter::Write(Arguments topic) {
  struct Row {
    std::string_view name;
    void (MemcacheStatsWriter::*write)();
  };
  constexpr Row kTopics[] = {
      {"", &MemcacheStatsWriter::WriteGeneral},
      {"conns", &MemcacheStatsWriter::WriteClients},
      {"items", &MemcacheStatsWriter::WriteItems},
      {"settings", &MemcacheStatsWriter::WriteSettings},
      {"sizes", &MemcacheStatsWriter::WriteSizes},
      {"slabs", &MemcacheStatsWriter::WriteSlabs},
  };
  std::string_view name = topic.empty() ? "" : topic[0];
  if (name == "cachedump") return CacheDump(topic);
  if (name == "detail") return Detail(topic.size() > 1 ? topic[1] : "");
  for (const Row& row : kTopics) {
    if (row.name != name) continue;
    (this->*row.write)();
    return std::move(text_) + "END\r\n";
  }
  return "ERROR\r\n";
}

std::string MemcacheStatsWriter::Detail(std::string_view what) {
  MemcacheLog& log = server_.memcache_log_;
  if (what == "dump") return log.prefixes().Dump() + "END\r\n";
  if (what != "on" && what != "off") return "CLIENT_ERROR usage: stats detail on|off|dump\r\n";
  log.SetCounting(what == "on");
  return "OK\r\n";
}

void MemcacheStatsWriter::Line(std::string_view name, std::string_view value) {
  text_.append("STAT ").append(name).append(1, ' ').append(value).append("\r\n");
}

void MemcacheStatsWriter::Line(std::string_view name, uint64_t value) {
  Line(name, std::to_string(value));
}

void MemcacheStatsWriter::Zeros(std::initializer_list<std::string_view> names) {
  for (std::string_view name : names) Line(name, "0");
}

// ---- stats ----

void MemcacheStatsWriter::WriteGeneral() {
  WriteProcess();
  WriteConnections();
  WriteCommands();
  WriteItemTotals();
}

void MemcacheStatsWriter::WriteProcess() {
  auto now_ms = static_cast<uint64_t>(NowMs());
  struct rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  Line("pid", static_cast<uint64_t>(getpid()));
  Line("uptime", (now_ms - server_.started_ms_) / 1000);
  Line("time", now_ms / 1000);
  Line("version", kMemcachedVersion);
  Line("libevent", "none");
  Line("pointer_size", sizeof(void*) * 8);
  Line("rusage_user", Seconds(usage.ru_utime));
  Line("rusage_system", Seconds(usage.ru_stime));
}

void MemcacheStatsWriter::WriteConnections() {
  Line("max_connections", static_cast<uint64_t>(server_.settings().maxclients));
  auto connected = static_cast<uint64_t>(server_.connected_clients_.load());
  Line("curr_connections", connected);
  Line("total_connections", SumOf(server_.workers_).connections);
  Line("rejected_connections", server_.rejected_connections_.load());
  Line("connection_structures", connected);
  Zeros({"response_obj_oom", "response_obj_count", "response_obj_bytes", "read_buf_count",
         "read_buf_bytes", "read_buf_bytes_free", "read_buf_oom", "reserved_fds"});
}

void MemcacheStatsWriter::WriteCommands() {
  Totals totals = SumOf(server_.workers_);
  const MemcacheCounters& counters = totals.counters;
  Line("cmd_get", totals.store.hits + totals.store.misses);
  Line("cmd_set", counters.sets);
  Line("cmd_flush", counters.flushes);
  Line("cmd_touch", counters.touch_hits + counters.touch_misses);
  Line("cmd_meta", counters.meta_commands);
  Line("cmd_config_get", counters.config_gets);
  Line("cmd_config_set", counters.config_sets);
  Line("get_hits", totals.store.hits);
  Line("get_misses", totals.store.misses);
  Line("get_expired", totals.store.expired_seen);
  Line("get_flushed", "0");  // what is flushed is gone
  Line("delete_misses", counters.delete_misses);
  Line("delete_hits", counters.delete_hits);
  Line("incr_misses", counters.incr_misses);
  Line("incr_hits", counters.incr_hits);
  Line("decr_misses", counters.decr_misses);
  Line("decr_hits", counters.decr_hits);
  Line("cas_misses", counters.cas_misses);
  Line("cas_hits", counters.cas_hits);
  Line("cas_badval", counters.cas_bad);
  Line("touch_hits", counters.touch_hits);
  Line("touch_misses", counters.touch_misses);
  Line("store_too_large", counters.too_large);
  Line("store_no_memory", counters.no_memory);
  Line("auth_cmds", counters.logins);
  Line("auth_errors", counters.bad_logins);
  Line("bytes_read", totals.input_bytes);
  Line("bytes_written", totals.output_bytes);
}

void MemcacheStatsWriter::WriteItemTotals() {
  Totals totals = SumOf(server_.workers_);
  Line("limit_maxbytes", static_cast<uint64_t>(server_.settings().maxmemory_bytes));
  Line("accepting_conns", server_.is_waiting_ ? 0 : 1);
  Line("listen_disabled_num", server_.times_full_.load());
  Zeros({"time_in_listen_disabled_us"});
  Line("threads", server_.workers_.size());
  Zeros({"conn_yields",
         "hash_power_level",
         "hash_bytes",
         "hash_is_expanding",
         "slab_reassign_rescues",
         "slab_reassign_chunk_rescues",
         "slab_reassign_evictions_nomem",
         "slab_reassign_inline_reclaim",
         "slab_reassign_busy_items",
         "slab_reassign_busy_deletes",
         "slab_reassign_running",
         "slabs_moved",
         "lru_crawler_running",
         "lru_crawler_starts",
         "lru_maintainer_juggles",
         "malloc_fails",
         "log_worker_dropped",
         "log_worker_written",
         "log_watcher_skipped",
         "log_watcher_sent"});
  Line("log_watchers", server_.memcache_log_.size());
  Zeros({"unexpected_napi_ids", "round_robin_fallback"});
  Line("bytes", ItemBytes());
  Line("curr_items", server_.keyspace().KeyCount(0));
  Line("curr_config", server_.discovery_.size());
  Line("total_items", totals.counters.stored);
  Line("slab_global_page_pool", "0");
  Line("expired_unfetched", totals.store.expired_unfetched);
  Line("evicted_unfetched", totals.store.evicted_unfetched);
  Line("evicted_active", totals.store.evicted_active);
  Line("evictions", totals.store.evicted);
  Line("reclaimed", totals.store.expired - totals.store.expired_seen);
  Zeros({"crawler_reclaimed", "crawler_items_checked", "lrutail_reflocked", "moves_to_cold",
         "moves_to_warm", "moves_within_lru"});
  Line("direct_reclaims", totals.store.evicted);
  Line("lru_bumps_dropped", "0");
}

uint64_t MemcacheStatsWriter::ItemBytes() const {
  size_t used = AllocatedBytes();
  return used > server_.base_memory_bytes_ ? used - server_.base_memory_bytes_ : 0;
}

// ---- Items, slabs, sizes, connections ----

// cachedump class limit
// A few items, within 2 MB as in memcached, whatever limit is given.
std::string MemcacheStatsWriter::CacheDump(Arguments topic) {
  constexpr size_t kMaxBytes = size_t{2} << 20;
  constexpr uint32_t kMaxClass = 63;
  if (!server_.settings().memcache.dump_enabled)
    return "CLIENT_ERROR stats cachedump not allowed\r\n";
  uint32_t wanted = 0;
  uint32_t limit = 0;
  if (topic.size() < 3) return "CLIENT_ERROR bad command line\r\n";
  if (!memcache::ReadUint32(topic[1], &wanted) || !memcache::ReadUint32(topic[2], &limit))
    return "CLIENT_ERROR bad command line format\r\n";
  if (wanted > kMaxClass) return "CLIENT_ERROR Illegal slab id\r\n";
  auto now_ms = static_cast<uint64_t>(NowMs());
  size_t items = 0;
  auto is_full = [&] { return (limit != 0 && items >= limit) || text_.size() > kMaxBytes; };
  for (size_t shard = 0; wanted == 1 && shard < kShardCount && !is_full(); ++shard) {
    uint64_t position = 0;
    do {
      position =
          server_.keyspace().table(0, shard).records.Scan(position, 16, [&](const Record* record) {
            if (is_full() || record->type() != Type::kString || record->expiry_ms() <= now_ms)
              return;
            WriteDumped(record);
            ++items;
          });
    } while (position != 0 && !is_full());
  }
  return std::move(text_) + "END\r\n";
}

void MemcacheStatsWriter::WriteDumped(const Record* record) {
  char scratch[kMaxInt64Chars];
  uint64_t expiry_ms = record->expiry_ms();
  text_ += fmt::format("ITEM {} [{} b; {} s]\r\n", EncodedKey(record->key()),
                       Db::StringOf(record, scratch).size(),
                       expiry_ms == kNoExpiry ? 0 : expiry_ms / 1000);
}

void MemcacheStatsWriter::WriteItems() {
  size_t items = server_.keyspace().KeyCount(0);
  if (items == 0) return;
  Totals totals = SumOf(server_.workers_);
  Line("items:1:number", items);
  Zeros({"items:1:number_hot", "items:1:number_warm"});
  Line("items:1:number_cold", items);
  Zeros({"items:1:number_temp", "items:1:age_hot", "items:1:age_warm", "items:1:age"});
  Line("items:1:mem_requested", ItemBytes());
  Line("items:1:evicted", totals.store.evicted);
  Zeros({"items:1:evicted_nonzero", "items:1:evicted_time"});
  Line("items:1:outofmemory", totals.counters.no_memory);
  Zeros({"items:1:tailrepairs"});
  Line("items:1:reclaimed", totals.store.expired - totals.store.expired_seen);
  Line("items:1:expired_unfetched", totals.store.expired_unfetched);
  Line("items:1:evicted_unfetched", totals.store.evicted_unfetched);
  Line("items:1:evicted_active", totals.store.evicted_active);
  Zeros({"items:1:crawler_reclaimed", "items:1:crawler_items_checked", "items:1:lrutail_reflocked",
         "items:1:moves_to_cold", "items:1:moves_to_warm", "items:1:moves_within_lru",
         "items:1:direct_reclaims", "items:1:hits_to_hot", "items:1:hits_to_warm"});
  Line("items:1:hits_to_cold", totals.store.hits);
  Zeros({"items:1:hits_to_temp"});
}

void MemcacheStatsWriter::WriteSlabs() {
  const MemcacheCounters counters = SumOf(server_.workers_).counters;
  size_t items = server_.keyspace().KeyCount(0);
  if (items > 0) {
    Line("1:chunk_size", ItemBytes() / items);
    Line("1:chunks_per_page", "1");
    Line("1:total_pages", items);
    Line("1:total_chunks", items);
    Line("1:used_chunks", items);
    Zeros({"1:free_chunks", "1:free_chunks_end"});
    Line("1:get_hits", SumOf(server_.workers_).store.hits);
    Line("1:cmd_set", counters.sets);
    Line("1:delete_hits", counters.delete_hits);
    Line("1:incr_hits", counters.incr_hits);
    Line("1:decr_hits", counters.decr_hits);
    Line("1:cas_hits", counters.cas_hits);
    Line("1:cas_badval", counters.cas_bad);
    Line("1:touch_hits", counters.touch_hits);
  }
  Line("active_slabs", items > 0 ? 1 : 0);
  Line("total_malloced", AllocatedBytes());
}

void MemcacheStatsWriter::WriteSizes() {
  Line("sizes_status", "disabled");
}

// Those of the admin socket too, which curr_connections does not count.
void MemcacheStatsWriter::WriteClients() {
  auto now_ms = static_cast<uint64_t>(NowMs());
  server_.ForEach([&](Client& client) {
    std::string fd = std::to_string(client.fd);
    bool is_unix = client.address.starts_with('/');
    std::string_view kind = is_unix ? "unix:" : client.address.starts_with('[') ? "tcp6:" : "tcp:";
    Line(fd + ":addr", std::string(kind) + client.address);
    if (!is_unix) Line(fd + ":listen_addr", std::string(kind) + client.local_address);
    Line(fd + ":state", "conn_parse_cmd");
    Line(fd + ":secs_since_last_cmd", (now_ms - std::min(now_ms, client.last_active_ms)) / 1000);
  });
}

}  // namespace kiln
