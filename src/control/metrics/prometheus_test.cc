#include "control/metrics/prometheus.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

NodeSamples Samples(const std::string& cluster, const std::string& engine,
                    std::optional<NodeStatistics> statistics) {
  NodeSamples samples;
  samples.node = {.key = {}, .cluster_id = cluster, .node_id = "0001", .engine = engine};
  samples.is_up = statistics.has_value();
  if (statistics) samples.latest = NodeSample{1, std::move(*statistics)};
  return samples;
}

TEST(Prometheus, WritesTheTextFormat) {
  EXPECT_EQ(
      WritePrometheus({
          Samples("a", "redis", NodeStatistics{{"evicted_keys", "3"}, {"used_memory", "12345678"}}),
          Samples("b", "valkey", NodeStatistics{{"evicted_keys", "0"}}),
          Samples("c", "redis", std::nullopt),
          Samples("m", "memcached", NodeStatistics{{"get_hits", "5"}, {"get_misses", "1"}}),
      }),
      "# HELP kiln_node_up 1 when the node answers.\n"
      "# TYPE kiln_node_up gauge\n"
      "kiln_node_up{cluster=\"a\",node=\"0001\"} 1\n"
      "kiln_node_up{cluster=\"b\",node=\"0001\"} 1\n"
      "kiln_node_up{cluster=\"c\",node=\"0001\"} 0\n"
      "kiln_node_up{cluster=\"m\",node=\"0001\"} 1\n"
      "# HELP redis_up 1 when the node answers.\n"
      "# TYPE redis_up gauge\n"
      "redis_up{cluster=\"a\",node=\"0001\"} 1\n"
      "redis_up{cluster=\"b\",node=\"0001\"} 1\n"
      "redis_up{cluster=\"c\",node=\"0001\"} 0\n"
      "# HELP memcached_up 1 when the node answers.\n"
      "# TYPE memcached_up gauge\n"
      "memcached_up{cluster=\"m\",node=\"0001\"} 1\n"
      "# HELP redis_memory_used_bytes Memory that is allocated.\n"
      "# TYPE redis_memory_used_bytes gauge\n"
      "redis_memory_used_bytes{cluster=\"a\",node=\"0001\"} 12345678\n"
      "# HELP redis_db_keys Keys in all databases.\n"
      "# TYPE redis_db_keys gauge\n"
      "redis_db_keys{cluster=\"a\",node=\"0001\"} 0\n"
      "redis_db_keys{cluster=\"b\",node=\"0001\"} 0\n"
      "# HELP redis_db_keys_expiring Keys with an expiry in all databases.\n"
      "# TYPE redis_db_keys_expiring gauge\n"
      "redis_db_keys_expiring{cluster=\"a\",node=\"0001\"} 0\n"
      "redis_db_keys_expiring{cluster=\"b\",node=\"0001\"} 0\n"
      "# HELP redis_evicted_keys_total Keys that had to go for the memory limit.\n"
      "# TYPE redis_evicted_keys_total counter\n"
      "redis_evicted_keys_total{cluster=\"a\",node=\"0001\"} 3\n"
      "redis_evicted_keys_total{cluster=\"b\",node=\"0001\"} 0\n"
      "# HELP memcached_commands_total Requests by command and outcome.\n"
      "# TYPE memcached_commands_total counter\n"
      "memcached_commands_total{cluster=\"m\",node=\"0001\",command=\"get\",status=\"hit\"} 5\n"
      "memcached_commands_total{cluster=\"m\",node=\"0001\",command=\"get\",status=\"miss\"} 1\n");
}

}  // namespace
}  // namespace kiln
