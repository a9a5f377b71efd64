// The plan of a replication group: who is the primary of each shard, and how far the group is.
//
// Pure, as plan.h is. The group's document is written before any node is told: a node follows what
// is written, so that whoever dies in between leaves nothing undecided. failover/ decides; here its
// decisions become steps, documents and events. Any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/failover/decision.h"
#include "control/model/documents.h"
#include "control/orchestrator/plan.h"

namespace kiln {

// One group and all that bears on it.
struct GroupView {
  const ReplicationGroup& group;
  std::map<std::string, const CacheCluster*> members;  // Those whose documents still exist.
  const NodeReports& reports;
  int64_t monotonic_ms = 0;  // On the clock of the reports.
  FailoverLimits limits;
  // Of members that were granted leases: what is left, or (negative) since when it is over.
  std::map<std::string, int64_t> lease_left_ms = {};
};

struct GroupEvent {
  std::string source;  // A cluster's id, or empty: the group.
  std::string message;

  bool operator==(const GroupEvent&) const = default;
};

// What holds for a shard's members until the next plan; see ShardView.
struct ShardState {
  bool may_start_primary = true;
  bool may_end_primary = true;
  bool has_reader = false;
  bool is_endpoint_taken = false;
};

struct GroupPlan {
  std::vector<NodeStep> steps;
  std::optional<ReplicationGroup> record;  // Replaces the group's document.
  bool is_gone = false;
  std::vector<GroupEvent> events;
  std::map<std::string, ShardState> shards;  // By the node group's id.
  bool is_waiting = false;                   // To be planned again in a moment.
  // Primaries that may acknowledge writes for a while from now, if the document says that they are.
  std::vector<std::string> leased;
};

GroupPlan PlanGroup(const GroupView& view);

// What is known of a shard's members.
ShardObservation Observe(const GroupView& view, const NodeGroup& shard);

}  // namespace kiln
