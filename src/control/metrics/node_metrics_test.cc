#include "control/metrics/node_metrics.h"

#include <gtest/gtest.h>

#include <set>

namespace kiln {
namespace {

const NodeMetric& Find(std::string_view cloudwatch, std::string_view engine) {
  for (const NodeMetric& metric : NodeMetrics()) {
    if (metric.cloudwatch == cloudwatch && metric.IsOf(engine)) return metric;
  }
  ADD_FAILURE() << "no metric " << cloudwatch;
  return NodeMetrics()[0];
}

std::optional<double> Read(std::string_view cloudwatch, std::string_view engine,
                           const NodeStatistics& statistics) {
  return ReadMetric(Find(cloudwatch, engine), statistics);
}

TEST(NodeMetrics, HaveANameASourceAndADescription) {
  std::string_view last;
  std::set<std::string_view> seen;
  for (const NodeMetric& metric : NodeMetrics()) {
    EXPECT_FALSE(metric.cloudwatch.empty() && metric.prometheus.empty());
    EXPECT_NE(metric.field.empty(), metric.compute == nullptr) << metric.cloudwatch;
    bool is_next = metric.prometheus == last && !last.empty();
    EXPECT_NE(is_next, !metric.help.empty()) << metric.cloudwatch << metric.prometheus;
    if (!is_next && !metric.prometheus.empty()) {
      EXPECT_TRUE(seen.insert(metric.prometheus).second) << metric.prometheus;
    }
    last = metric.prometheus;
  }
}

TEST(NodeMetrics, NameEachOfCloudWatchOnceAnEngine) {
  for (std::string_view engine : {"redis", "valkey", "memcached"}) {
    std::set<std::string_view> seen;
    for (const NodeMetric& metric : NodeMetrics()) {
      if (metric.cloudwatch.empty() || !metric.IsOf(engine)) continue;
      EXPECT_TRUE(seen.insert(metric.cloudwatch).second) << metric.cloudwatch;
    }
  }
}

TEST(NodeMetrics, AreReadFromTheStatistics) {
  NodeStatistics info = {{"used_memory", "30"},
                         {"maxmemory", "100"},
                         {"role", "master"},
                         {"db0", "keys=5,expires=2,avg_ttl=0"},
                         {"db12", "keys=7,expires=0,avg_ttl=0"}};
  EXPECT_EQ(Read("BytesUsedForCache", "redis", info), 30);
  EXPECT_EQ(Read("FreeableMemory", "redis", info), 70);
  EXPECT_EQ(Read("DatabaseMemoryUsagePercentage", "valkey", info), 30);
  EXPECT_EQ(Read("CurrItems", "redis", info), 12);
  EXPECT_EQ(Read("CurrVolatileItems", "redis", info), 2);
  EXPECT_EQ(Read("IsMaster", "redis", info), 1);
  EXPECT_EQ(Read("CacheHits", "redis", info), std::nullopt);
  NodeStatistics stats = {{"bytes", "10"}, {"limit_maxbytes", "64"}, {"get_hits", "3"}};
  EXPECT_EQ(Read("FreeableMemory", "memcached", stats), 54);
  EXPECT_EQ(Read("GetHits", "memcached", stats), 3);
}

TEST(NodeMetrics, WithoutALimitTheMachinesMemoryIsIt) {
  NodeStatistics info = {{"used_memory", "30"}, {"maxmemory", "0"}, {"total_system_memory", "50"}};
  EXPECT_EQ(Read("FreeableMemory", "redis", info), 20);
}

TEST(NodeMetrics, CloudWatchTellsTheGrowthOfCounters) {
  const NodeMetric& hits = Find("CacheHits", "redis");
  NodeSample before{1000, {{"keyspace_hits", "10"}}};
  EXPECT_EQ(CloudWatchValue(hits, before, {2000, {{"keyspace_hits", "25"}}}), 15);
  EXPECT_EQ(CloudWatchValue(hits, before, {2000, {{"keyspace_hits", "4"}}}), 4);  // Restarted.
  EXPECT_EQ(CloudWatchValue(hits, before, {2000, {}}), std::nullopt);
}

TEST(NodeMetrics, CloudWatchTellsTheShareOfTheThreadsThatIsBusy) {
  const NodeMetric& cpu = Find("CPUUtilization", "redis");
  NodeSample before{1000, {{"process_cpu_seconds", "10"}, {"worker_threads", "4"}}};
  NodeSample after{6000, {{"process_cpu_seconds", "15"}, {"worker_threads", "4"}}};
  EXPECT_EQ(CloudWatchValue(cpu, before, after), 25);
  after.statistics["process_cpu_seconds"] = "100";
  EXPECT_EQ(CloudWatchValue(cpu, before, after), 100);
  EXPECT_EQ(CloudWatchValue(cpu, after, after), std::nullopt);
}

TEST(NodeMetrics, HaveCloudWatchsUnits) {
  EXPECT_EQ(UnitName(Find("CPUUtilization", "memcached").unit), "Percent");
  EXPECT_EQ(UnitName(Find("NetworkBytesIn", "memcached").unit), "Bytes");
  EXPECT_EQ(UnitName(Find("Evictions", "memcached").unit), "Count");
}

}  // namespace
}  // namespace kiln
