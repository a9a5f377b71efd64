// INFO: memory, persistence and the keyspace.

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/memory.h"
#include "engine/server/info.h"
#include "params/parameter_set.h"

namespace kiln {
namespace {

// Of this process, in bytes; 0 when the system does not tell.
size_t ResidentBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  unsigned long total_pages = 0;
  unsigned long resident_pages = 0;
  int fields = std::fscanf(file, "%lu %lu", &total_pages, &resident_pages);
  std::fclose(file);
  return fields == 2 ? resident_pages * static_cast<size_t>(sysconf(_SC_PAGESIZE)) : 0;
}

size_t SystemBytes() {
  return static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

double Ratio(size_t part, size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// The mean TTL of a few keys that have one, in ms.
uint64_t MeanTtlMs(Keyspace& keyspace, int db, StoreContext& context) {
  constexpr size_t kWanted = 64;
  uint64_t sum_ms = 0;
  size_t seen = 0;
  for (size_t shard = 0; shard < kShardCount && seen < kWanted; ++shard) {
    const DbShard& table = keyspace.table(db, shard);
    if (table.volatile_count == 0) continue;
    Record* record = table.records.RandomEntry(context.random);
    if (record == nullptr || record->expiry_ms() == kNoExpiry || record->expiry_ms() <= context.now_ms) continue;
    sum_ms += record->expiry_ms() - context.now_ms;
    ++seen;
  }
  return seen == 0 ? 0 : sum_ms / seen;
}

}  // namespace

void InfoWriter::WriteMemory() {
  const Settings& settings = server_.settings();
  size_t used = server_.UsedMemoryBytes();
  size_t rss = ResidentBytes();
  size_t clients = ClientBytes();
  size_t overhead = std::min(used, server_.base_memory_bytes_ + clients);
  size_t dataset = used - overhead;
  server_.peak_memory_bytes_ = std::max(server_.peak_memory_bytes_, used);
  Bytes("used_memory", used);
  Bytes("used_memory_rss", rss);
  Bytes("used_memory_peak", server_.peak_memory_bytes_);
  Field("used_memory_peak_perc", fmt::format("{:.2f}%", Ratio(used, server_.peak_memory_bytes_) * 100));
  Field("used_memory_overhead", overhead);
  Field("used_memory_startup", server_.base_memory_bytes_);
  Field("used_memory_dataset", dataset);
  size_t above_start = used > server_.base_memory_bytes_ ? used - server_.base_memory_bytes_ : 0;
  Field("used_memory_dataset_perc", fmt::format("{:.2f}%", std::min(1.0, Ratio(dataset, above_start)) * 100));
  Field("allocator_allocated", used);
  Field("allocator_active", rss);
  Field("allocator_resident", rss);
  Bytes("total_system_memory", SystemBytes());
  Bytes("maxmemory", static_cast<size_t>(settings.maxmemory_bytes));
  Field("maxmemory_policy", server_.parameters_.ValueOf(*FindParameter("maxmemory-policy")));
  Field("allocator_frag_ratio", Ratio(rss, used));
  Field("allocator_frag_bytes", rss > used ? rss - used : 0);
  Field("mem_fragmentation_ratio", Ratio(rss, used));
  Field("mem_fragmentation_bytes", static_cast<int64_t>(rss) - static_cast<int64_t>(used));
  Field("mem_not_counted_for_evict", 0);
  Field("mem_replication_backlog", 0);
  Field("mem_total_replication_buffers", 0);
  Field("mem_clients_slaves", 0);
  Field("mem_clients_normal", clients);
  Field("mem_cluster_links", 0);
  Field("mem_aof_buffer", 0);
  Field("mem_allocator", "kiln");
  Field("active_defrag_running", 0);
  Field("lazyfree_pending_objects", 0);
  Field("lazyfreed_objects", 0);
}

void InfoWriter::WritePersistence() {
  Field("loading", 0);
  Field("async_loading", 0);
  Field("rdb_changes_since_last_save", SumStoreStats().changes);
  Field("rdb_bgsave_in_progress", 0);
  Field("rdb_last_save_time", server_.started_ms_ / 1000);
  Field("rdb_last_bgsave_status", "ok");
  Field("rdb_last_bgsave_time_sec", -1);
  Field("rdb_current_bgsave_time_sec", -1);
  Field("rdb_saves", 0);
  Field("rdb_last_cow_size", 0);
  Field("rdb_last_load_keys_expired", 0);
  Field("rdb_last_load_keys_loaded", 0);
  Field("aof_enabled", 0);
  Field("aof_rewrite_in_progress", 0);
  Field("aof_rewrite_scheduled", 0);
  Field("aof_last_rewrite_time_sec", -1);
  Field("aof_current_rewrite_time_sec", -1);
  Field("aof_last_bgrewrite_status", "ok");
  Field("aof_rewrites", 0);
  Field("aof_last_write_status", "ok");
  Field("aof_last_cow_size", 0);
}

void InfoWriter::WriteKeyspace() {
  Keyspace& keyspace = server_.keyspace_;
  for (int db = 0; db < keyspace.databases(); ++db) {
    size_t keys = keyspace.KeyCount(db);
    if (keys == 0) continue;
    Field(fmt::format("db{}", db), fmt::format("keys={},expires={},avg_ttl={}", keys, keyspace.VolatileCount(db),
                                               MeanTtlMs(keyspace, db, server_.workers_[0]->context())));
  }
}

}  // namespace kiln
