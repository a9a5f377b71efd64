#include "control/metrics/prometheus.h"

#include "base/number.h"

namespace kiln {
namespace {

struct UpMetric {
  std::string_view name;
  MetricEngine engine;
};

constexpr UpMetric kUpMetrics[] = {
    {"kiln_node_up", MetricEngine::kBoth},
    {"redis_up", MetricEngine::kRedis},
    {"memcached_up", MetricEngine::kMemcached},
};

void AppendHead(const NodeMetric& metric, std::string* out) {
  out->append("# HELP ").append(metric.prometheus).append(1, ' ').append(metric.help);
  out->append("\n# TYPE ").append(metric.prometheus);
  out->append(metric.kind == MetricKind::kCounter ? " counter\n" : " gauge\n");
}

// Names of clusters and nodes are letters, digits and hyphens: nothing to escape.
void AppendValue(const NodeMetric& metric, const NodeIdentity& node, double value,
                 std::string* out) {
  out->append(metric.prometheus).append("{cluster=\"").append(node.cluster_id);
  out->append("\",node=\"").append(node.node_id).append(1, '"');
  if (!metric.labels.empty()) out->append(1, ',').append(metric.labels);
  out->append("} ").append(FormatDouble(value)).append(1, '\n');
}

void AppendUp(const std::vector<NodeSamples>& nodes, std::string* out) {
  for (const UpMetric& up : kUpMetrics) {
    NodeMetric metric{};
    metric.prometheus = up.name;
    metric.engine = up.engine;
    metric.help = "1 when the node answers.";
    AppendHead(metric, out);
    for (const NodeSamples& samples : nodes) {
      if (metric.IsOf(samples.node.engine))
        AppendValue(metric, samples.node, samples.is_up ? 1 : 0, out);
    }
  }
}

}  // namespace

std::string WritePrometheus(const std::vector<NodeSamples>& nodes) {
  std::string text;
  AppendUp(nodes, &text);
  std::string_view headed;
  for (const NodeMetric& metric : NodeMetrics()) {
    if (metric.prometheus.empty()) continue;
    for (const NodeSamples& samples : nodes) {
      if (!samples.is_up || !metric.IsOf(samples.node.engine)) continue;
      std::optional<double> value = ReadMetric(metric, samples.latest->statistics);
      if (!value) continue;
      if (headed != metric.prometheus) AppendHead(metric, &text);
      headed = metric.prometheus;
      AppendValue(metric, samples.node, *value, &text);
    }
  }
  return text;
}

}  // namespace kiln
