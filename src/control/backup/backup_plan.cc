#include "control/backup/backup_plan.h"

#include <algorithm>
#include <optional>
#include <set>

#include "control/model/snapshots.h"
#include "control/model/windows.h"

namespace kiln {
namespace {

constexpr int64_t kRetryMs = 10 * 60 * 1000;  // After one that failed.

// A cluster that stands alone, or a group: what automatic snapshots are taken of.
struct Source {
  std::string cluster_id;  // Of whom the next one is taken.
  std::string window;
  int retention_days = 0;
  bool is_available = false;
};

std::string SourceOf(const Snapshot& snapshot) {
  return snapshot.replication_group_id.empty() ? "cluster/" + snapshot.cluster_id
                                               : "group/" + snapshot.replication_group_id;
}

// By SourceOf.
std::map<std::string, Source> FindSources(const BackupView& view) {
  std::map<std::string, Source> sources;
  for (const auto& [id, loaded] : view.clusters) {
    const CacheCluster& cluster = loaded.document;
    if (cluster.IsMemcached() || !cluster.replication_group_id.empty()) continue;
    sources["cluster/" + id] = {id, cluster.snapshot_window, cluster.snapshot_retention_days,
                                cluster.status == "available"};
  }
  for (const auto& [id, loaded] : view.groups) {
    const ReplicationGroup& group = loaded.document;
    if (group.node_groups.empty()) continue;
    Source source{SnapshotMember(group, group.node_groups.front()), group.snapshot_window,
                  group.snapshot_retention_days, group.status == "available"};
    auto member = view.clusters.find(source.cluster_id);
    if (member == view.clusters.end() || member->second.document.status != "available")
      source.is_available = false;
    sources["group/" + id] = source;
  }
  return sources;
}

class Planner {
 public:
  explicit Planner(const BackupView& view) : view_(view), sources_(FindSources(view)) {}

  BackupPlan Plan() {
    for (const auto& [name, loaded] : view_.snapshots) {
      const Snapshot& snapshot = loaded.document;
      if (snapshot.source == "automated") automated_[SourceOf(snapshot)].push_back(&snapshot);
    }
    for (const auto& [key, source] : sources_) {
      if (IsDue(source, automated_[key])) plan_.take.push_back(source.cluster_id);
    }
    for (const auto& [key, snapshots] : automated_) PlanForgetting(key, snapshots);
    PlanReleases();
    return std::move(plan_);
  }

 private:
  using Snapshots = std::vector<const Snapshot*>;

  bool IsDue(const Source& source, const Snapshots& taken) const {
    if (source.retention_days == 0 || !source.is_available) return false;
    std::optional<int64_t> start_ms = SnapshotWindowStart(source.window, view_.now_ms);
    if (!start_ms) return false;
    return std::none_of(taken.begin(), taken.end(), [&](const Snapshot* snapshot) {
      bool has_failed = snapshot->status == "failed";
      int64_t since_ms = has_failed ? view_.now_ms - kRetryMs : *start_ms;
      return snapshot->create_time_ms >= since_ms;
    });
  }

  void PlanForgetting(const std::string& key, const Snapshots& snapshots) {
    auto source = sources_.find(key);
    bool is_orphaned = source == sources_.end();
    int64_t newest_ms = 0;
    for (const Snapshot* snapshot : snapshots) {
      if (snapshot->status == "available")
        newest_ms = std::max(newest_ms, snapshot->create_time_ms);
    }
    for (const Snapshot* snapshot : snapshots) {
      bool has_failed = snapshot->status == "failed";
      if (!has_failed && snapshot->status != "available") continue;
      bool is_superseded = snapshot->create_time_ms < newest_ms;
      bool is_old = has_failed || (!is_orphaned && source->second.retention_days > 0 &&
                                   view_.now_ms - snapshot->create_time_ms >=
                                       source->second.retention_days * kDayMs);
      if (is_orphaned || (is_old && is_superseded)) plan_.forget.push_back(snapshot->name);
    }
  }

  void PlanReleases() {
    std::set<std::string> saving, seeding;
    for (const auto& [name, loaded] : view_.snapshots) {
      const Snapshot& snapshot = loaded.document;
      if (snapshot.status == "creating") saving.insert(snapshot.cluster_id);
    }
    for (const auto& [id, loaded] : view_.clusters) {
      const CacheCluster& cluster = loaded.document;
      if (cluster.status == "snapshotting" && !saving.contains(id)) plan_.release.push_back(id);
      bool is_seeding = !cluster.seed.empty() && cluster.status == "creating";
      std::optional<Seed> seed = is_seeding ? ParseSeed(cluster.seed) : std::nullopt;
      if (seed) seeding.insert(seed->snapshot);
    }
    for (const auto& [name, loaded] : view_.snapshots) {
      if (loaded.document.status == "restoring" && !seeding.contains(name))
        plan_.restored.push_back(name);
    }
  }

  const BackupView& view_;
  std::map<std::string, Source> sources_;
  std::map<std::string, Snapshots> automated_;
  BackupPlan plan_;
};

}  // namespace

BackupPlan PlanBackups(const BackupView& view) {
  return Planner(view).Plan();
}

}  // namespace kiln
