// ElastiCache's parameters of memcached. Directives are options of memcached's command line.
#include "params/family_tables.h"

namespace kiln {
namespace {

constexpr uint32_t kMemcachedAll = kMemcached14 | kMemcached15 | kMemcached16;
constexpr Modifiable kYes = Modifiable::kYes;
constexpr Modifiable kNo = Modifiable::kNo;

// clang-format off
constexpr FamilyParameter kRows[] = {
  // name, families, default, type, allowed, modifiable, needs reboot, minimum version, directive, help
  {"backlog_queue_limit",            kMemcachedAll,               "1024",    "integer", "1-10000", kNo , true , "", "b", "Connections that may wait to be accepted."},
  {"binding_protocol",               kMemcachedAll,               "auto",    "string",  "auto,ascii,binary", kYes, true , "", "B", "The protocol that clients speak."},
  {"cas_disabled",                   kMemcachedAll,               "0",       "integer", "0,1", kYes, true , "", "C", "1: no compare-and-set."},
  {"chunk_size",                     kMemcachedAll,               "48",      "integer", "1-1024", kYes, true , "", "n", "Least bytes of an item."},
  {"chunk_size_growth_factor",       kMemcachedAll,               "1.25",    "float",   "1-1024", kYes, true , "", "f", "From one size of chunks to the next."},
  {"config_max",                     kMemcachedAll,               "16",      "integer", "1-64", kNo , true , "", "", "Configuration entries of Auto Discovery."},
  {"config_size_max",                kMemcachedAll,               "65536",   "integer", "1-1048576", kNo , true , "", "", "Bytes of such an entry."},
  {"disable_flush_all",              kMemcachedAll,               "0",       "integer", "0,1", kYes, true , "1.4.24", "F", "1: flush_all is refused."},
  {"error_on_memory_exhausted",      kMemcachedAll,               "0",       "integer", "0,1", kYes, true , "", "M", "1: an error instead of eviction when memory is full."},
  {"expirezero_does_not_evict",      kMemcached14,                "0",       "integer", "0,1", kYes, true , "1.4.24", "", "1: items that do not expire are not evicted."},
  {"hash_algorithm",                 kMemcachedAll,               "jenkins", "string",  "jenkins,murmur3", kYes, true , "1.4.24", "", "The hash of keys; Kiln has one of its own."},
  {"hashpower_init",                 kMemcachedAll,               "16",      "integer", "12-64", kNo , true , "", "", "Size of the first hash table, as a power of two."},
  {"idle_timeout",                   kMemcachedAll,               "0",       "integer", "0-86400", kYes, true , "1.4.33", "o.idle_timeout", "Seconds after which an idle client is disconnected."},
  {"inline_ascii_resp",              kMemcached15 | kMemcached16, "0",       "integer", "0,1", kYes, true , "1.5.10", "", "1: numbers are kept as text in items."},
  {"large_memory_pages",             kMemcachedAll,               "0",       "integer", "0,1", kNo , true , "", "", "1: large pages are used."},
  {"lock_down_paged_memory",         kMemcachedAll,               "0",       "integer", "0,1", kNo , true , "", "", "1: memory is locked."},
  {"lru_crawler",                    kMemcachedAll,               "0",       "integer", "0,1", kYes, true , "1.4.24", "", "1: expired items are looked for; Kiln always does."},
  {"lru_maintainer",                 kMemcachedAll,               "0",       "integer", "0,1", kYes, true , "1.4.24", "", "1: a thread sorts items by use."},
  {"max_item_size",                  kMemcachedAll,               "1048576", "integer", "1024-134217728", kYes, true , "", "I", "Most bytes of an item."},
  {"max_simultaneous_connections",   kMemcachedAll,               "65000",   "integer", "3-65000", kNo , true , "", "c", "Most clients at a time."},
  {"maxconns_fast",                  kMemcachedAll,               "0",       "integer", "0,1", kYes, true , "", "", "1: clients over the limit are told so."},
  {"maximize_core_file_limit",       kMemcachedAll,               "0",       "integer", "0,1", kNo , true , "", "", "1: core files may be large."},
  {"memcached_connections_overhead", kMemcachedAll,               "100",     "integer", "0-100000", kYes, true , "", "", "MB of the node's memory that items may not use."},
  {"modern",                         kMemcached14,                "1",       "integer", "0,1", kYes, true , "1.4.33", "", "1: newer defaults."},
  {"no_modern",                      kMemcached15 | kMemcached16, "1",       "integer", "0,1", kYes, true , "1.5.10", "", "1: older defaults."},
  {"requests_per_event",             kMemcachedAll,               "20",      "integer", "1-1000", kNo , true , "", "R", "Requests of a client that are served in a row."},
  {"slab_automove",                  kMemcachedAll,               "0",       "integer", "0,1,2", kYes, true , "", "", "How pages move between sizes of chunks; Kiln has none."},
  {"slab_chunk_max",                 kMemcachedAll,               "524288",  "integer", "-", kYes, true , "1.4.33", "", "Largest chunk."},
  {"slab_reassign",                  kMemcachedAll,               "0",       "integer", "0,1", kYes, true , "", "", "1: pages may move between sizes of chunks."},
  {"track_sizes",                    kMemcachedAll,               "0",       "integer", "0,1", kYes, true , "1.4.33", "", "1: sizes of items are counted."},
  {"watcher_logbuf_size",            kMemcachedAll,               "256",     "integer", "-", kYes, true , "1.4.33", "", "KB of a log watcher's buffer."},
  {"worker_logbuf_size",             kMemcachedAll,               "64",      "integer", "-", kYes, true , "1.4.33", "", "KB of a worker's log buffer."},
};
// clang-format on
static_assert(IsSorted(kRows));

}  // namespace

std::span<const FamilyParameter> MemcachedFamilyParameters() {
  return kRows;
}

}  // namespace kiln
