// INFO: memory and the keyspace.

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/memory.h"
#include "engine/server/client_memory.h"
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
    if (record == nullptr || record->expiry_ms() == kNoExpiry ||
        record->expiry_ms() <= context.now_ms)
      continue;
    sum_ms += record->expiry_ms() - context.now_ms;
    ++seen;
  }
  return seen == 0 ? 0 : sum_ms / seen;
}

}  // namespace

MemoryReport Server::Memory() {
  MemoryReport report;
  report.total_bytes = UsedMemoryBytes();
  peak_memory_bytes_ = std::max(peak_memory_bytes_, report.total_bytes);
  report.peak_bytes = peak_memory_bytes_;
  report.startup_bytes = base_memory_bytes_;
  report.resident_bytes = ResidentBytes();
  ForEach([&](Client& client) { report.client_bytes += ClientBytes(client); });
  report.overhead_bytes = std::min(report.total_bytes, report.startup_bytes + report.client_bytes);
  report.dataset_bytes = report.total_bytes - report.overhead_bytes;
  for (int db = 0; db < keyspace_.databases(); ++db) report.keys += keyspace_.KeyCount(db);
  return report;
}

// Scripts and functions share interpreters; what they hold is all told as that of EVAL.
void InfoWriter::WriteScriptMemory() {
  ScriptRunner& scripts = *server_.scripts_;
  size_t bytes = scripts.MemoryBytes();
  Field("used_memory_lua", bytes);
  Field("used_memory_vm_eval", bytes);
  Field("used_memory_lua_human", HumanBytes(bytes));
  Field("used_memory_scripts_eval", 0);
  Field("number_of_cached_scripts", scripts.CachedScripts());
  Field("number_of_functions", scripts.FunctionCount());
  Field("number_of_libraries", scripts.LibraryCount());
  Field("used_memory_vm_functions", 0);
  Bytes("used_memory_vm_total", bytes);
  Field("used_memory_functions", 0);
  Bytes("used_memory_scripts", 0);
}

void InfoWriter::WriteMemory() {
  const Settings& settings = server_.settings();
  MemoryReport memory = server_.Memory();
  size_t used = memory.total_bytes;
  size_t rss = memory.resident_bytes;
  Bytes("used_memory", used);
  Bytes("used_memory_rss", rss);
  Bytes("used_memory_peak", memory.peak_bytes);
  Field("used_memory_peak_perc", fmt::format("{:.2f}%", Ratio(used, memory.peak_bytes) * 100));
  Field("used_memory_overhead", memory.overhead_bytes);
  Field("used_memory_startup", memory.startup_bytes);
  Field("used_memory_dataset", memory.dataset_bytes);
  size_t above_start = used > memory.startup_bytes ? used - memory.startup_bytes : 0;
  double share = std::min(1.0, Ratio(memory.dataset_bytes, above_start));
  Field("used_memory_dataset_perc", fmt::format("{:.2f}%", share * 100));
  Field("allocator_allocated", used);
  Field("allocator_active", rss);
  Field("allocator_resident", rss);
  Bytes("total_system_memory", SystemBytes());
  WriteScriptMemory();
  Bytes("maxmemory", static_cast<size_t>(settings.maxmemory_bytes));
  Field("maxmemory_policy", server_.parameters_.ValueOf(*FindParameter("maxmemory-policy")));
  Field("allocator_frag_ratio", Ratio(rss, used));
  Field("allocator_frag_bytes", rss > used ? rss - used : 0);
  Field("allocator_rss_ratio", 1.0);
  Field("allocator_rss_bytes", 0);
  Field("rss_overhead_ratio", 1.0);
  Field("rss_overhead_bytes", 0);
  Field("mem_fragmentation_ratio", Ratio(rss, used));
  Field("mem_fragmentation_bytes", static_cast<int64_t>(rss) - static_cast<int64_t>(used));
  Field("mem_not_counted_for_evict", 0);
  Field("mem_replication_backlog", server_.journal().memory_bytes());
  Field("mem_total_replication_buffers", server_.journal().memory_bytes());
  Field("mem_clients_slaves", 0);
  Field("mem_clients_normal", memory.client_bytes);
  Field("mem_cluster_links", 0);
  Field("mem_aof_buffer", 0);
  Field("mem_allocator", "kiln");
  Field("active_defrag_running", 0);
  size_t pending = 0;
  size_t freed = 0;
  for (const auto& worker : server_.workers_) {
    pending += worker->context().reclaimer.pending();
    freed += worker->context().reclaimer.freed();
  }
  Field("lazyfree_pending_objects", pending);
  Field("lazyfreed_objects", freed);
}

void InfoWriter::WriteKeyspace() {
  Keyspace& keyspace = server_.keyspace_;
  for (int db = 0; db < keyspace.databases(); ++db) {
    size_t keys = keyspace.KeyCount(db);
    if (keys == 0) continue;
    Field(fmt::format("db{}", db),
          fmt::format("keys={},expires={},avg_ttl={}", keys, keyspace.VolatileCount(db),
                      MeanTtlMs(keyspace, db, server_.workers_[0]->context())));
  }
}

}  // namespace kiln
