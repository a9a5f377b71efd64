// ElastiCache's parameters of redis and valkey.
#include "params/family_tables.h"

namespace kiln {
namespace {

constexpr uint32_t kValkeyAll = kValkey7 | kValkey8 | kValkey9;
constexpr uint32_t kSince7 = kRedis7 | kValkeyAll;
constexpr uint32_t kSince6 = kRedis6x | kSince7;
constexpr uint32_t kSince5 = kRedis50 | kSince6;
constexpr uint32_t kSince4 = kRedis40 | kSince5;
constexpr uint32_t kBefore7 = kRedis26 | kRedis28 | kRedis32 | kRedis40 | kRedis50 | kRedis6x;
constexpr uint32_t kRedisAll = kBefore7 | kSince7;
constexpr Modifiable kYes = Modifiable::kYes;
constexpr Modifiable kNo = Modifiable::kNo;

// clang-format off
constexpr FamilyParameter kRows[] = {
  // name, families, default, type, allowed, modifiable, needs reboot, minimum version, directive, help
  {"acl-pubsub-default",                              kSince6,                             "allchannels",  "string",  "resetchannels,allchannels", kYes, false, "6.2.0", "acl-pubsub-default", "Channels that a new ACL user may use."},
  {"acllog-max-len",                                  kSince6,                             "128",          "integer", "0-", kYes, false, "6.0.0", "acllog-max-len", "Entries of the ACL log."},
  {"active-defrag-cycle-max",                         kSince4,                             "75",           "integer", "1-75", kYes, false, "", "active-defrag-cycle-max", "Most CPU percent for defragmentation."},
  {"active-defrag-cycle-min",                         kSince4,                             "5",            "integer", "1-75", kYes, false, "", "active-defrag-cycle-min", "Least CPU percent for defragmentation."},
  {"active-defrag-ignore-bytes",                      kSince4,                             "104857600",    "integer", "1048576-", kYes, false, "", "active-defrag-ignore-bytes", "Fragmentation below which nothing is done."},
  {"active-defrag-max-scan-fields",                   kSince4,                             "1000",         "integer", "1-1000000", kYes, false, "", "active-defrag-max-scan-fields", "Fields of a collection that one pass looks at."},
  {"active-defrag-threshold-lower",                   kSince4,                             "10",           "integer", "1-100", kYes, false, "", "active-defrag-threshold-lower", "Percent of fragmentation at which it begins."},
  {"active-defrag-threshold-upper",                   kSince4,                             "100",          "integer", "1-100", kYes, false, "", "active-defrag-threshold-upper", "Percent of fragmentation at which it does most."},
  {"active-expire-effort",                            kSince6,                             "1",            "integer", "1-10", kYes, false, "6.0.0", "active-expire-effort", "How eagerly expired keys are looked for."},
  {"activedefrag",                                    kSince4,                             "no",           "string",  "yes,no", kYes, false, "", "activedefrag", "Whether memory is defragmented."},
  {"activerehashing",                                 kRedisAll & ~(kRedis7 | kValkeyAll), "yes",          "string",  "yes,no", kYes, true , "", "activerehashing", "Whether tables are rehashed in the background."},
  {"appendfsync",                                     kRedisAll,                           "everysec",     "string",  "always,everysec,no", kNo , false, "", "appendfsync", "When the append-only file is synced."},
  {"appendonly",                                      kRedisAll,                           "no",           "string",  "yes,no", kNo , false, "", "appendonly", "Whether changes are written to an append-only file."},
  {"client-output-buffer-limit-normal-hard-limit",    kRedisAll,                           "0",            "integer", "0-", kYes, false, "", "client-output-buffer-limit", "Bytes of output at which a client is disconnected."},
  {"client-output-buffer-limit-normal-soft-limit",    kRedisAll,                           "0",            "integer", "0-", kYes, false, "", "client-output-buffer-limit", "Bytes of output that a client may hold for the soft seconds."},
  {"client-output-buffer-limit-normal-soft-seconds",  kRedisAll,                           "0",            "integer", "0-", kYes, false, "", "client-output-buffer-limit", "Seconds over the soft limit after which a client is disconnected."},
  {"client-output-buffer-limit-pubsub-hard-limit",    kRedisAll,                           "33554432",     "integer", "0-", kYes, false, "", "client-output-buffer-limit", "The same for subscribers."},
  {"client-output-buffer-limit-pubsub-soft-limit",    kRedisAll,                           "8388608",      "integer", "0-", kYes, false, "", "client-output-buffer-limit", "The same for subscribers."},
  {"client-output-buffer-limit-pubsub-soft-seconds",  kRedisAll,                           "60",           "integer", "0-", kYes, false, "", "client-output-buffer-limit", "The same for subscribers."},
  {"client-output-buffer-limit-replica-soft-seconds", kRedisAll,                           "60",           "integer", "0-", kNo , false, "", "client-output-buffer-limit", "The same for replicas."},
  {"client-query-buffer-limit",                       kSince4,                             "1073741824",   "integer", "1048576-1073741824", kYes, false, "", "client-query-buffer-limit", "Most bytes of input of a client."},
  {"close-on-replica-write",                          kRedisAll,                           "yes",          "string",  "yes,no", kYes, false, "", "", "Whether a client that writes to a replica is disconnected."},
  {"cluster-allow-pubsubshard-when-down",             kSince7,                             "yes",          "string",  "yes,no", kYes, false, "7.0.0", "cluster-allow-pubsubshard-when-down", "Whether sharded pub/sub works while slots are uncovered."},
  {"cluster-allow-reads-when-down",                   kSince6,                             "no",           "string",  "yes,no", kYes, false, "6.0.0", "cluster-allow-reads-when-down", "Whether reads work while slots are uncovered."},
  {"cluster-databases",                               kValkey9,                            "1",            "integer", "1-10000", kYes, true , "9.0.0", "", "Databases of a cluster."},
  {"cluster-enabled",                                 kRedisAll & ~(kRedis26 | kRedis28),  "no",           "string",  "yes,no", kYes, true , "", "", "Whether keys are sharded over node groups."},
  {"cluster-preferred-endpoint-type",                 kSince7,                             "tls-dynamic",  "string",  "ip,tls-dynamic", kYes, false, "7.0.0", "", "What the cluster tells clients to connect to."},
  {"cluster-require-full-coverage",                   kRedisAll & ~(kRedis26 | kRedis28),  "no",           "string",  "yes,no", kYes, false, "", "cluster-require-full-coverage", "Whether every slot must be covered."},
  {"commandlog-large-reply-max-len",                  kValkey8 | kValkey9,                 "128",          "integer", "0-", kYes, false, "8.1.0", "", "Entries of the log of large replies."},
  {"commandlog-large-request-max-len",                kValkey8 | kValkey9,                 "128",          "integer", "0-", kYes, false, "8.1.0", "", "Entries of the log of large requests."},
  {"commandlog-reply-larger-than",                    kValkey8 | kValkey9,                 "1048576",      "integer", "-", kYes, false, "8.1.0", "", "Bytes of a reply that is logged."},
  {"commandlog-request-larger-than",                  kValkey8 | kValkey9,                 "1048576",      "integer", "-", kYes, false, "8.1.0", "", "Bytes of a request that is logged."},
  {"databases",                                       kRedisAll,                           "16",           "integer", "1-1200000", kYes, true , "", "databases", "Number of databases."},
  {"durability",                                      kRedisAll & ~kRedis26,               "disabled",     "string",  "disabled,async,sync", kYes, false, "", "durability", "When a replication group acknowledges writes: at once; at once, if no replica is too late; or when a replica in another zone has them."},
  {"durability-max-lag",                              kRedisAll & ~kRedis26,               "10",           "integer", "1-", kYes, false, "", "durability-max-lag", "Seconds that all replicas may be late before durability async refuses writes."},
  {"extended-redis-compatibility",                    kValkey8 | kValkey9,                 "yes",          "string",  "yes,no", kYes, false, "8.0.0", "", "Whether the server names itself redis to clients."},
  {"hash-max-listpack-entries",                       kSince7,                             "512",          "integer", "0-", kYes, false, "7.0.0", "hash-max-listpack-entries", "Fields of a compact hash."},
  {"hash-max-listpack-value",                         kSince7,                             "64",           "integer", "0-", kYes, false, "7.0.0", "hash-max-listpack-value", "Longest field or value of a compact hash."},
  {"hash-max-ziplist-entries",                        kBefore7,                            "512",          "integer", "0-", kYes, false, "", "hash-max-listpack-entries", "Fields of a compact hash."},
  {"hash-max-ziplist-value",                          kBefore7,                            "64",           "integer", "0-", kYes, false, "", "hash-max-listpack-value", "Longest field or value of a compact hash."},
  {"hll-sparse-max-bytes",                            kRedisAll & ~kRedis26,               "3000",         "integer", "1-16000", kYes, false, "", "hll-sparse-max-bytes", "Size of a sparse HyperLogLog."},
  {"latency-tracking",                                kSince7,                             "no",           "string",  "yes,no", kYes, false, "7.0.0", "latency-tracking", "Whether latencies are kept for each command."},
  {"lazyfree-lazy-eviction",                          kSince4 & ~(kValkey8 | kValkey9),    "no",           "string",  "yes,no", kYes, false, "", "lazyfree-lazy-eviction", "Whether evicted values are freed in the background."},
  {"lazyfree-lazy-expire",                            kSince4 & ~(kValkey8 | kValkey9),    "no",           "string",  "yes,no", kYes, false, "", "lazyfree-lazy-expire", "Whether expired values are freed in the background."},
  {"lazyfree-lazy-server-del",                        kSince4 & ~(kValkey8 | kValkey9),    "no",           "string",  "yes,no", kYes, false, "", "lazyfree-lazy-server-del", "Whether overwritten values are freed in the background."},
  {"lazyfree-lazy-user-del",                          kSince6 & ~(kValkey8 | kValkey9),    "no",           "string",  "yes,no", kYes, false, "6.0.0", "lazyfree-lazy-user-del", "Whether DEL frees in the background."},
  {"lfu-decay-time",                                  kSince4,                             "1",            "integer", "0-", kYes, false, "", "lfu-decay-time", "Minutes after which a key's frequency is halved."},
  {"lfu-log-factor",                                  kSince4,                             "10",           "integer", "1-", kYes, false, "", "lfu-log-factor", "How many hits saturate a key's frequency."},
  {"list-compress-depth",                             kRedisAll & ~(kRedis26 | kRedis28),  "0",            "integer", "0-", kYes, false, "", "list-compress-depth", "Nodes at each end of a list that stay uncompressed."},
  {"list-max-ziplist-size",                           kBefore7,                            "-2",           "integer", "-5,-4,-3,-2,-1,1-", kNo , false, "", "list-max-listpack-size", "Size of a list's node."},
  {"lua-replicate-commands",                          kRedis32 | kRedis40 | kRedis50,      "yes",          "string",  "yes,no", kYes, false, "", "", "Whether a script's effects are replicated."},
  {"lua-time-limit",                                  kRedisAll,                           "5000",         "integer", "5000", kNo , false, "", "busy-reply-threshold", "Milliseconds after which a script may be killed."},
  {"maxclients",                                      kRedisAll,                           "65000",        "integer", "1-65000", kNo , true , "", "maxclients", "Most clients at a time."},
  {"maxmemory-policy",                                kRedisAll,                           "volatile-lru", "string",  "volatile-lru,allkeys-lru,volatile-lfu,allkeys-lfu,volatile-random,allkeys-random,volatile-ttl,noeviction", kYes, false, "", "maxmemory-policy", "What is evicted when memory is full."},
  {"maxmemory-samples",                               kRedisAll,                           "3",            "integer", "1-", kYes, false, "", "maxmemory-samples", "Keys that eviction looks at to find one."},
  {"min-replicas-max-lag",                            kRedisAll & ~kRedis26,               "10",           "integer", "0-", kYes, false, "", "min-replicas-max-lag", "Seconds of lag at which a replica no longer counts."},
  {"min-replicas-to-write",                           kRedisAll & ~kRedis26,               "0",            "integer", "0-", kYes, false, "", "min-replicas-to-write", "Replicas that a write needs."},
  {"notify-keyspace-events",                          kRedisAll,                           "",             "string",  "", kYes, false, "", "notify-keyspace-events", "Classes of keyspace events that are published."},
  {"proto-max-bulk-len",                              kSince4,                             "536870912",    "integer", "1048576-536870912", kYes, false, "", "proto-max-bulk-len", "Longest string."},
  {"rename-commands",                                 kSince5,                             "",             "string",  "", kYes, true , "5.0.3", "rename-command", "Pairs of a command and its new name."},
  {"repl-backlog-size",                               kRedisAll,                           "1048576",      "integer", "16384-", kYes, false, "", "repl-backlog-size", "Bytes kept for replicas that reconnect."},
  {"repl-backlog-ttl",                                kRedisAll,                           "3600",         "integer", "0-", kYes, false, "", "repl-backlog-ttl", "Seconds they are kept without replicas."},
  {"replica-allow-chaining",                          kRedisAll,                           "no",           "string",  "yes,no", kNo , false, "", "", "Whether replicas may have replicas."},
  {"replica-ignore-maxmemory",                        kRedisAll,                           "yes",          "string",  "yes,no", kNo , false, "", "replica-ignore-maxmemory", "Whether replicas leave eviction to the primary."},
  {"replica-lazy-flush",                              kSince4 & ~(kValkey8 | kValkey9),    "no",           "string",  "yes,no", kNo , false, "", "replica-lazy-flush", "Whether a replica frees its old data in the background."},
  {"reserved-memory-percent",                         kRedisAll & ~kRedis26,               "25",           "integer", "0-100", kYes, false, "", "", "Percent of the node's memory that data may not use."},
  {"search-default-timeout-ms",                       kValkey8 | kValkey9,                 "50000",        "integer", "1-60000", kYes, false, "8.2.0", "", "Time limit of a search."},
  {"search-enable-partial-results",                   kValkey8 | kValkey9,                 "yes",          "string",  "yes,no", kYes, false, "8.2.0", "", "Whether a search may answer in part."},
  {"search-fanout-target-mode",                       kValkey8 | kValkey9,                 "client",       "string",  "client,primary,replicas,random", kYes, false, "8.2.0", "", "Which nodes a search asks."},
  {"set-max-intset-entries",                          kRedisAll,                           "512",          "integer", "0-", kYes, false, "", "set-max-intset-entries", "Members of a compact set of integers."},
  {"slowlog-log-slower-than",                         kRedisAll,                           "10000",        "integer", "-", kYes, false, "", "slowlog-log-slower-than", "Microseconds after which a command is logged as slow."},
  {"slowlog-max-len",                                 kRedisAll,                           "128",          "integer", "0-", kYes, false, "", "slowlog-max-len", "Entries of the slow log."},
  {"stream-node-max-bytes",                           kSince5,                             "4096",         "integer", "0-", kYes, false, "", "stream-node-max-bytes", "Size of a stream's node."},
  {"stream-node-max-entries",                         kSince5,                             "100",          "integer", "0-", kYes, false, "", "stream-node-max-entries", "Entries of a stream's node."},
  {"tcp-keepalive",                                   kRedisAll,                           "300",          "integer", "0-", kYes, false, "", "tcp-keepalive", "Seconds between probes of an idle connection."},
  {"timeout",                                         kRedisAll,                           "0",            "integer", "0,20-", kYes, false, "", "timeout", "Seconds after which an idle client is disconnected."},
  {"tracking-table-max-keys",                         kSince6,                             "1000000",      "integer", "1-", kYes, false, "6.0.0", "tracking-table-max-keys", "Keys tracked for client-side caching."},
  {"zset-max-listpack-entries",                       kSince7,                             "128",          "integer", "0-", kYes, false, "7.0.0", "zset-max-listpack-entries", "Members of a compact sorted set."},
  {"zset-max-listpack-value",                         kSince7,                             "64",           "integer", "0-", kYes, false, "7.0.0", "zset-max-listpack-value", "Longest member of a compact sorted set."},
  {"zset-max-ziplist-entries",                        kBefore7,                            "128",          "integer", "0-", kYes, false, "", "zset-max-listpack-entries", "Members of a compact sorted set."},
  {"zset-max-ziplist-value",                          kBefore7,                            "64",           "integer", "0-", kYes, false, "", "zset-max-listpack-value", "Longest member of a compact sorted set."},
};
// clang-format on
static_assert(IsSorted(kRows));

}  // namespace

std::span<const FamilyParameter> RedisFamilyParameters() {
  return kRows;
}

}  // namespace kiln
