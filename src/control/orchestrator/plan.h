// The plan: from what is desired and what was observed to the next small steps.
//
// Pure: no clock, no socket, no process, no store. Whoever carries the steps out may die after any
// of them; the next plan, made from what is then observed, goes on from there. Every step can be
// repeated.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/model/documents.h"
#include "control/model/node_spec.h"

namespace kiln {

using NodeReports = std::map<std::string, NodeReport>;  // By NodeSpec::Key().

// One cluster and all that bears on it.
struct ClusterView {
  const CacheCluster& cluster;
  const ParameterGroup& parameters;
  const ReplicationGroup* group = nullptr;  // The one it is a member of.
  const NodeReports& reports;
  int64_t now_ms = 0;
};

struct NodeStep {
  enum class Kind { kStart, kRestart, kConfigure, kRemove };

  Kind kind;
  NodeSpec spec;

  bool operator==(const NodeStep&) const = default;
};

struct ClusterPlan {
  std::vector<NodeStep> steps;
  std::optional<CacheCluster> record;  // Replaces the cluster's document.
  bool is_gone = false;                // The document and its addresses are to be removed.
  bool applies_pending = false;        // The maintenance window has come for pending values.
  std::vector<std::string> events;     // Messages of the cluster; time and source are added.
};

ClusterPlan PlanCluster(const ClusterView& view);

// Nodes that no cluster has.
std::vector<NodeStep> PlanStrays(const std::map<std::string, CacheCluster>& clusters,
                                 const NodeReports& reports);

struct GroupPlan {
  std::optional<ReplicationGroup> record;
  bool is_gone = false;
  std::vector<std::string> events;
};

// `members`: the documents of the group's members that still exist.
GroupPlan PlanGroup(const ReplicationGroup& group, const std::vector<const CacheCluster*>& members);

// How the node is to run now.
NodeSpec SpecOf(const ClusterView& view, const CacheNode& node);

}  // namespace kiln
