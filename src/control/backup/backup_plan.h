// What is due of automatic snapshots: which to take, which are too old, and what was left in a
// passing status.
//
// Pure: no clock, no store. An old snapshot goes only when a newer one is there that was verified.
// Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "control/model/documents.h"
#include "control/store/load.h"

namespace kiln {

struct BackupView {
  const std::map<std::string, Loaded<CacheCluster>>& clusters;
  const std::map<std::string, Loaded<ReplicationGroup>>& groups;
  const std::map<std::string, Loaded<Snapshot>>& snapshots;
  int64_t now_ms = 0;
};

struct BackupPlan {
  std::vector<std::string> take;      // Clusters, each alone or for its group.
  std::vector<std::string> forget;    // Snapshots.
  std::vector<std::string> release;   // Clusters that are said to be snapshotting.
  std::vector<std::string> restored;  // Snapshots that are said to be restoring.

  bool operator==(const BackupPlan&) const = default;
};

BackupPlan PlanBackups(const BackupView& view);

}  // namespace kiln
