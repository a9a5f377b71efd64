#include "control/metrics/node_metrics.h"

#include <algorithm>

#include "base/number.h"

namespace kiln {
namespace {

std::optional<double> Field(const NodeStatistics& statistics, const std::string& name) {
  auto found = statistics.find(name);
  return found == statistics.end() ? std::nullopt : ParseDouble(found->second);
}

// CPU seconds for each thread that serves clients: one that grows by 1 a second is all the node
// can do.
std::optional<double> CpuSecondsPerThread(const NodeStatistics& statistics) {
  std::optional<double> threads = Field(statistics, "worker_threads");
  if (!threads) threads = Field(statistics, "threads");
  std::optional<double> seconds = Field(statistics, "process_cpu_seconds");
  if (!threads || !seconds) return std::nullopt;
  return *seconds / std::max(1.0, *threads);
}

// What the node may hold at most: its limit, or without one the machine's memory.
std::optional<double> MemoryLimit(const NodeStatistics& statistics) {
  std::optional<double> limit = Field(statistics, "maxmemory");
  if (!limit) return Field(statistics, "limit_maxbytes");
  return *limit > 0 ? limit : Field(statistics, "total_system_memory");
}

std::optional<double> UsedMemory(const NodeStatistics& statistics) {
  std::optional<double> used = Field(statistics, "used_memory");
  return used ? used : Field(statistics, "bytes");
}

std::optional<double> FreeMemory(const NodeStatistics& statistics) {
  std::optional<double> limit = MemoryLimit(statistics);
  std::optional<double> used = UsedMemory(statistics);
  if (!limit || !used) return std::nullopt;
  return std::max(0.0, *limit - *used);
}

std::optional<double> MemoryPercentage(const NodeStatistics& statistics) {
  std::optional<double> limit = MemoryLimit(statistics);
  std::optional<double> used = UsedMemory(statistics);
  if (!limit || !used || *limit <= 0) return std::nullopt;
  return *used / *limit * 100;
}

// The sum over "db0:keys=5,expires=2,avg_ttl=0" and the like. An empty database has no line.
double SumOfDatabases(const NodeStatistics& statistics, std::string_view label) {
  double sum = 0;
  for (auto at = statistics.lower_bound("db"); at != statistics.end(); ++at) {
    if (!at->first.starts_with("db")) break;
    size_t start = at->second.find(label);
    if (start == std::string::npos) continue;
    std::string_view rest = std::string_view(at->second).substr(start + label.size());
    sum += static_cast<double>(ParseUint64(rest.substr(0, rest.find(','))).value_or(0));
  }
  return sum;
}

std::optional<double> Keys(const NodeStatistics& statistics) {
  return SumOfDatabases(statistics, "keys=");
}

std::optional<double> ExpiringKeys(const NodeStatistics& statistics) {
  return SumOfDatabases(statistics, "expires=");
}

std::optional<double> IsPrimary(const NodeStatistics& statistics) {
  auto found = statistics.find("role");
  if (found == statistics.end()) return std::nullopt;
  return found->second == "master" ? 1 : 0;
}

using enum MetricKind;
using enum MetricUnit;
constexpr MetricEngine kRedis = MetricEngine::kRedis;
constexpr MetricEngine kMemcached = MetricEngine::kMemcached;
constexpr MetricEngine kBoth = MetricEngine::kBoth;

// clang-format off
constexpr NodeMetric kNodeMetrics[] = {
  // CloudWatch                    Prometheus                              labels                                kind      unit      engine      field                          compute              help
  {"",                             "kiln_node_cpu_seconds_total",          "",                                   kCounter, kSeconds, kBoth,      "process_cpu_seconds",         nullptr,             "CPU time that the process has used."},
  {"CPUUtilization",               "",                                     "",                                   kCounter, kPercent, kBoth,      "",                            CpuSecondsPerThread, "Share of the node's threads that is busy."},
  {"EngineCPUUtilization",         "",                                     "",                                   kCounter, kPercent, kRedis,     "",                            CpuSecondsPerThread, "Share of the threads that serve clients that is busy."},
  {"",                             "kiln_node_resident_bytes",             "",                                   kGauge,   kBytes,   kBoth,      "process_resident_bytes",      nullptr,             "Memory of the process that is in the machine's memory."},
  {"SwapUsage",                    "kiln_node_swap_bytes",                 "",                                   kGauge,   kBytes,   kBoth,      "process_swap_bytes",          nullptr,             "Memory of the process that is swapped out."},
  {"FreeableMemory",               "kiln_node_free_bytes",                 "",                                   kGauge,   kBytes,   kBoth,      "",                            FreeMemory,          "Memory that the node may still use."},

  {"",                             "redis_uptime_in_seconds",              "",                                   kGauge,   kSeconds, kRedis,     "uptime_in_seconds",           nullptr,             "Seconds since the node was started."},
  {"CurrConnections",              "redis_connected_clients",              "",                                   kGauge,   kCount,   kRedis,     "connected_clients",           nullptr,             "Clients that are connected."},
  {"BlockedConnections",           "redis_blocked_clients",                "",                                   kGauge,   kCount,   kRedis,     "blocked_clients",             nullptr,             "Clients that wait in a blocking command."},
  {"",                             "redis_config_maxclients",              "",                                   kGauge,   kCount,   kRedis,     "maxclients",                  nullptr,             "Clients that may be connected."},
  {"BytesUsedForCache",            "redis_memory_used_bytes",              "",                                   kGauge,   kBytes,   kRedis,     "used_memory",                 nullptr,             "Memory that is allocated."},
  {"",                             "redis_memory_used_rss_bytes",          "",                                   kGauge,   kBytes,   kRedis,     "used_memory_rss",             nullptr,             "Memory that the system sees in use."},
  {"",                             "redis_memory_used_peak_bytes",         "",                                   kGauge,   kBytes,   kRedis,     "used_memory_peak",            nullptr,             "The most memory that was allocated."},
  {"",                             "redis_memory_max_bytes",               "",                                   kGauge,   kBytes,   kRedis,     "maxmemory",                   nullptr,             "Memory that may be allocated; 0 is no limit."},
  {"DatabaseMemoryUsagePercentage", "",                                    "",                                   kGauge,   kPercent, kRedis,     "",                            MemoryPercentage,    "Share of the memory limit that is allocated."},
  {"MemoryFragmentationRatio",     "redis_mem_fragmentation_ratio",        "",                                   kGauge,   kNone,    kRedis,     "mem_fragmentation_ratio",     nullptr,             "Memory in use for each byte that is allocated."},
  {"CurrItems",                    "redis_db_keys",                        "",                                   kGauge,   kCount,   kRedis,     "",                            Keys,                "Keys in all databases."},
  {"CurrVolatileItems",            "redis_db_keys_expiring",               "",                                   kGauge,   kCount,   kRedis,     "",                            ExpiringKeys,        "Keys with an expiry in all databases."},
  {"NewConnections",               "redis_connections_received_total",     "",                                   kCounter, kCount,   kRedis,     "total_connections_received",  nullptr,             "Connections that were accepted."},
  {"RejectedConnections",          "redis_rejected_connections_total",     "",                                   kCounter, kCount,   kRedis,     "rejected_connections",        nullptr,             "Connections that were refused for maxclients."},
  {"ProcessedCommands",            "redis_commands_processed_total",       "",                                   kCounter, kCount,   kRedis,     "total_commands_processed",    nullptr,             "Commands that were executed."},
  {"ErrorCount",                   "redis_total_error_replies",            "",                                   kCounter, kCount,   kRedis,     "total_error_replies",         nullptr,             "Replies that were errors."},
  {"NetworkBytesIn",               "redis_net_input_bytes_total",          "",                                   kCounter, kBytes,   kRedis,     "total_net_input_bytes",       nullptr,             "Bytes that came from clients."},
  {"NetworkBytesOut",              "redis_net_output_bytes_total",         "",                                   kCounter, kBytes,   kRedis,     "total_net_output_bytes",      nullptr,             "Bytes that went to clients."},
  {"CacheHits",                    "redis_keyspace_hits_total",            "",                                   kCounter, kCount,   kRedis,     "keyspace_hits",               nullptr,             "Reads that found their key."},
  {"CacheMisses",                  "redis_keyspace_misses_total",          "",                                   kCounter, kCount,   kRedis,     "keyspace_misses",             nullptr,             "Reads that did not find their key."},
  {"Evictions",                    "redis_evicted_keys_total",             "",                                   kCounter, kCount,   kRedis,     "evicted_keys",                nullptr,             "Keys that had to go for the memory limit."},
  {"Reclaimed",                    "redis_expired_keys_total",             "",                                   kCounter, kCount,   kRedis,     "expired_keys",                nullptr,             "Keys that expired."},
  {"PubSubChannels",               "redis_pubsub_channels",                "",                                   kGauge,   kCount,   kRedis,     "pubsub_channels",             nullptr,             "Channels with subscribers."},
  {"",                             "redis_pubsub_patterns",                "",                                   kGauge,   kCount,   kRedis,     "pubsub_patterns",             nullptr,             "Patterns with subscribers."},
  {"IsMaster",                     "",                                     "",                                   kGauge,   kCount,   kRedis,     "",                            IsPrimary,           "1 for a primary, 0 for a replica."},

  {"",                             "memcached_uptime_seconds",             "",                                   kCounter, kSeconds, kMemcached, "uptime",                      nullptr,             "Seconds since the node was started."},
  {"CurrConnections",              "memcached_current_connections",        "",                                   kGauge,   kCount,   kMemcached, "curr_connections",            nullptr,             "Clients that are connected."},
  {"",                             "memcached_max_connections",            "",                                   kGauge,   kCount,   kMemcached, "max_connections",             nullptr,             "Clients that may be connected."},
  {"NewConnections",               "memcached_connections_total",          "",                                   kCounter, kCount,   kMemcached, "total_connections",           nullptr,             "Connections that were accepted."},
  {"",                             "memcached_connections_rejected_total", "",                                   kCounter, kCount,   kMemcached, "rejected_connections",        nullptr,             "Connections that were refused for the limit."},
  {"BytesUsedForCacheItems",       "memcached_current_bytes",              "",                                   kGauge,   kBytes,   kMemcached, "bytes",                       nullptr,             "Memory that items take."},
  {"",                             "memcached_limit_bytes",                "",                                   kGauge,   kBytes,   kMemcached, "limit_maxbytes",              nullptr,             "Memory that items may take."},
  {"UnusedMemory",                 "",                                     "",                                   kGauge,   kBytes,   kMemcached, "",                            FreeMemory,          "Memory that items may still take."},
  {"CurrItems",                    "memcached_current_items",              "",                                   kGauge,   kCount,   kMemcached, "curr_items",                  nullptr,             "Items that are stored."},
  {"NewItems",                     "memcached_items_total",                "",                                   kCounter, kCount,   kMemcached, "total_items",                 nullptr,             "Items that were stored."},
  {"Evictions",                    "memcached_items_evicted_total",        "",                                   kCounter, kCount,   kMemcached, "evictions",                   nullptr,             "Items that had to go for the memory limit."},
  {"Reclaimed",                    "memcached_items_reclaimed_total",      "",                                   kCounter, kCount,   kMemcached, "reclaimed",                   nullptr,             "Expired items whose memory was taken again."},
  {"EvictedUnfetched",             "",                                     "",                                   kCounter, kCount,   kMemcached, "evicted_unfetched",           nullptr,             "Evicted items that nobody had read."},
  {"ExpiredUnfetched",             "",                                     "",                                   kCounter, kCount,   kMemcached, "expired_unfetched",           nullptr,             "Expired items that nobody had read."},
  {"BytesReadIntoMemcached",       "memcached_read_bytes_total",           "",                                   kCounter, kBytes,   kMemcached, "bytes_read",                  nullptr,             "Bytes that came from clients."},
  {"BytesWrittenOutFromMemcached", "memcached_written_bytes_total",        "",                                   kCounter, kBytes,   kMemcached, "bytes_written",               nullptr,             "Bytes that went to clients."},
  {"NetworkBytesIn",               "",                                     "",                                   kCounter, kBytes,   kMemcached, "bytes_read",                  nullptr,             "Bytes that came from clients."},
  {"NetworkBytesOut",              "",                                     "",                                   kCounter, kBytes,   kMemcached, "bytes_written",               nullptr,             "Bytes that went to clients."},
  {"CmdGet",                       "",                                     "",                                   kCounter, kCount,   kMemcached, "cmd_get",                     nullptr,             "Items that were asked for."},
  {"GetHits",                      "memcached_commands_total",             "command=\"get\",status=\"hit\"",     kCounter, kCount,   kMemcached, "get_hits",                    nullptr,             "Requests by command and outcome."},
  {"GetMisses",                    "memcached_commands_total",             "command=\"get\",status=\"miss\"",    kCounter, kCount,   kMemcached, "get_misses",                  nullptr,             ""},
  {"CmdSet",                       "memcached_commands_total",             "command=\"set\",status=\"hit\"",     kCounter, kCount,   kMemcached, "cmd_set",                     nullptr,             ""},
  {"DeleteHits",                   "memcached_commands_total",             "command=\"delete\",status=\"hit\"",  kCounter, kCount,   kMemcached, "delete_hits",                 nullptr,             ""},
  {"DeleteMisses",                 "memcached_commands_total",             "command=\"delete\",status=\"miss\"", kCounter, kCount,   kMemcached, "delete_misses",               nullptr,             ""},
  {"IncrHits",                     "memcached_commands_total",             "command=\"incr\",status=\"hit\"",    kCounter, kCount,   kMemcached, "incr_hits",                   nullptr,             ""},
  {"IncrMisses",                   "memcached_commands_total",             "command=\"incr\",status=\"miss\"",   kCounter, kCount,   kMemcached, "incr_misses",                 nullptr,             ""},
  {"DecrHits",                     "memcached_commands_total",             "command=\"decr\",status=\"hit\"",    kCounter, kCount,   kMemcached, "decr_hits",                   nullptr,             ""},
  {"DecrMisses",                   "memcached_commands_total",             "command=\"decr\",status=\"miss\"",   kCounter, kCount,   kMemcached, "decr_misses",                 nullptr,             ""},
  {"CasHits",                      "memcached_commands_total",             "command=\"cas\",status=\"hit\"",     kCounter, kCount,   kMemcached, "cas_hits",                    nullptr,             ""},
  {"CasMisses",                    "memcached_commands_total",             "command=\"cas\",status=\"miss\"",    kCounter, kCount,   kMemcached, "cas_misses",                  nullptr,             ""},
  {"CasBadval",                    "memcached_commands_total",             "command=\"cas\",status=\"badval\"",  kCounter, kCount,   kMemcached, "cas_badval",                  nullptr,             ""},
  {"TouchHits",                    "memcached_commands_total",             "command=\"touch\",status=\"hit\"",   kCounter, kCount,   kMemcached, "touch_hits",                  nullptr,             ""},
  {"TouchMisses",                  "memcached_commands_total",             "command=\"touch\",status=\"miss\"",  kCounter, kCount,   kMemcached, "touch_misses",                nullptr,             ""},
  {"CmdFlush",                     "memcached_commands_total",             "command=\"flush\",status=\"hit\"",   kCounter, kCount,   kMemcached, "cmd_flush",                   nullptr,             ""},
  {"CmdTouch",                     "",                                     "",                                   kCounter, kCount,   kMemcached, "cmd_touch",                   nullptr,             "Items that were touched."},
};
// clang-format on

}  // namespace

std::string_view UnitName(MetricUnit unit) {
  constexpr std::string_view kNames[] = {"Count", "Bytes", "Seconds", "Percent", "None"};
  return kNames[static_cast<size_t>(unit)];
}

bool NodeMetric::IsOf(std::string_view engine_name) const {
  MetricEngine other = engine_name == "memcached" ? kMemcached : kRedis;
  return engine == kBoth || engine == other;
}

std::span<const NodeMetric> NodeMetrics() {
  return kNodeMetrics;
}

std::optional<double> ReadMetric(const NodeMetric& metric, const NodeStatistics& statistics) {
  return metric.compute != nullptr ? metric.compute(statistics)
                                   : Field(statistics, std::string(metric.field));
}

std::optional<double> CloudWatchValue(const NodeMetric& metric, const NodeSample& previous,
                                      const NodeSample& latest) {
  std::optional<double> value = ReadMetric(metric, latest.statistics);
  if (!value || metric.kind == MetricKind::kGauge) return value;
  std::optional<double> before = ReadMetric(metric, previous.statistics);
  if (!before) return std::nullopt;
  double growth = *value < *before ? *value : *value - *before;
  if (metric.unit != MetricUnit::kPercent) return growth;
  int64_t elapsed_ms = latest.time_ms - previous.time_ms;
  if (elapsed_ms <= 0) return std::nullopt;
  return std::min(100.0, growth * 1000 / static_cast<double>(elapsed_ms) * 100);
}

}  // namespace kiln
