// From a cluster's documents to the parameters that its nodes' processes run with.
//
// The one place that knows how ElastiCache's parameters map onto kiln-server's and memcached's.
// Pure; any thread.
#pragma once

#include <string>

#include "control/model/documents.h"
#include "control/model/node_spec.h"

namespace kiln {

struct ParameterSplit {
  std::map<std::string, std::string> at_start;  // NodeSpec::start_parameters
  std::map<std::string, std::string> live;      // NodeSpec::live_parameters
};

// `group` is the cluster's parameter group. A node type or family that is unknown gives nothing.
ParameterSplit ParametersFor(const CacheCluster& cluster, const ParameterGroup& group);

// What "config get cluster" answers: the version, then the nodes by name.
std::string DiscoveryText(const CacheCluster& cluster);

}  // namespace kiln
