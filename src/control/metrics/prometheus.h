// Nodes' metrics in Prometheus's text format 0.0.4, for GET /metrics.
//
// Each value carries the labels "cluster" and "node". "kiln_node_up" is 1 for a node that answered
// the collector last time; of one that did not there is nothing else. Pure; any thread. Source:
// Prometheus's documentation, "Exposition formats".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/metrics/collector.h"

namespace kiln {

inline constexpr std::string_view kPrometheusContentType =
    "text/plain; version=0.0.4; charset=utf-8";

std::string WritePrometheus(const std::vector<NodeSamples>& nodes);

}  // namespace kiln
