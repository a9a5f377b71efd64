// The metrics of a node: one row each, for CloudWatch and Prometheus.
//
// A row says how a number comes out of a node's statistics (the fields of INFO, or of memcached's
// stats, and what Agent::Statistics adds). CloudWatch's names are those of the namespace
// AWS/ElastiCache; Prometheus's are those of redis_exporter and memcached_exporter where they have
// one, so that their dashboards work. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kiln {

using NodeStatistics = std::map<std::string, std::string>;

enum class MetricKind : uint8_t {
  kGauge,    // The value of now.
  kCounter,  // Grows; CloudWatch tells by how much it has grown.
};

// CloudWatch's words for units. A counter in percent counts seconds, of each of which it may take
// all.
enum class MetricUnit : uint8_t { kCount, kBytes, kSeconds, kPercent, kNone };
std::string_view UnitName(MetricUnit unit);

enum class MetricEngine : uint8_t { kRedis, kMemcached, kBoth };

struct NodeMetric {
  std::string_view cloudwatch;  // Empty: CloudWatch does not have it.
  std::string_view prometheus;  // Empty: Prometheus does not.
  std::string_view labels;      // Of Prometheus, besides those of the node.
  MetricKind kind;
  MetricUnit unit;
  MetricEngine engine;
  std::string_view field;  // Of the statistics; empty: see `compute`.
  std::optional<double> (*compute)(const NodeStatistics&);
  std::string_view help;

  bool IsOf(std::string_view engine_name) const;
};

// Rows of one Prometheus name follow each other.
std::span<const NodeMetric> NodeMetrics();

// Nullopt when the statistics do not have it.
std::optional<double> ReadMetric(const NodeMetric& metric, const NodeStatistics& statistics);

struct NodeSample {
  int64_t time_ms = 0;  // Of a clock that never goes back.
  NodeStatistics statistics;
};

// What CloudWatch tells of a metric between two samples: the latest value of a gauge, the growth of
// a counter. A counter that has become smaller began anew with its process.
std::optional<double> CloudWatchValue(const NodeMetric& metric, const NodeSample& previous,
                                      const NodeSample& latest);

}  // namespace kiln
