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

// The shard that a cluster is a member of, as far as it bears on each member.
struct ShardView {
  const ReplicationGroup& group;
  const NodeGroup& shard;
  Endpoint primary_node;          // The primary's own address.
  bool may_start_primary = true;  // No: somebody may have data that it would start without.
  bool may_end_primary = true;    // No: a replica is to take its place before it restarts.
  bool has_reader = false;        // A replica is in step.
  bool has_leases = false;        // A primary takes writes only while it is told so.
  // A member that is no primary any more still listens on the primary's endpoint.
  bool is_endpoint_taken = false;
  bool is_primary_seeding = false;  // It starts with a snapshot, and has not read it yet.
};

// One cluster and all that bears on it.
struct ClusterView {
  const CacheCluster& cluster;
  const ParameterGroup& parameters;
  const ShardView* shard = nullptr;  // Null: it stands alone.
  const NodeReports& reports;
  int64_t now_ms = 0;
};

struct NodeStep {
  enum class Kind { kStart, kRestart, kConfigure, kRemove, kKill, kHandOver, kHold };

  Kind kind;
  NodeSpec spec;     // kKill, kHandOver, kHold: its key alone is looked at.
  Endpoint to = {};  // kHandOver: the replica that is to take over.

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

// How the node is to run now.
NodeSpec SpecOf(const ClusterView& view, const CacheNode& node);

}  // namespace kiln
