#include "control/orchestrator/plan.h"

#include <algorithm>

#include "control/model/node_parameters.h"
#include "control/model/windows.h"

namespace kiln {
namespace {

// Whether a running node is all that its specification says, parameters that wait for a restart
// left out.
bool IsAsSpecified(const NodeReport& report, const NodeSpec& spec) {
  return report.state == NodeState::kReady && report.running.boot >= spec.boot &&
         report.running.live_parameters == spec.live_parameters &&
         report.running.is_grouped == spec.is_grouped &&
         (spec.keeps_role || report.running.follows == spec.follows) &&
         report.running.closed.empty() && report.running.endpoints == spec.endpoints &&
         report.running.discovery == spec.discovery;
}

// Plans one cluster, on a copy of its document.
class Planner {
 public:
  explicit Planner(const ClusterView& view) : view_(view), cluster_(view.cluster) {}

  ClusterPlan Plan() {
    if (cluster_.status == "deleting") {
      PlanDeletion();
    } else {
      PlanNodes();
      PlanDiscovery();
      PlanStatus();
      plan_.applies_pending = cluster_.status == "available" && !cluster_.pending.empty() &&
                              IsInMaintenanceWindow(cluster_.maintenance_window, view_.now_ms);
    }
    if (!plan_.is_gone && cluster_ != view_.cluster) plan_.record = cluster_;
    return std::move(plan_);
  }

 private:
  const NodeReport* ReportOf(const CacheNode& node) const {
    auto found = view_.reports.find(cluster_.id + "." + node.id);
    return found == view_.reports.end() ? nullptr : &found->second;
  }

  NodeSpec Spec(const CacheNode& node) const {
    return SpecOf({cluster_, view_.parameters, view_.shard, view_.reports, view_.now_ms}, node);
  }

  void Do(NodeStep::Kind kind, NodeSpec spec) { plan_.steps.push_back({kind, std::move(spec)}); }

  void PlanDeletion() {
    if (!cluster_.final_snapshot.empty()) return;  // Its data are needed for that.
    plan_.is_gone = true;
    for (CacheNode& node : cluster_.nodes) {
      if (ReportOf(node) == nullptr) continue;
      Do(NodeStep::Kind::kRemove, Spec(node));
      plan_.is_gone = false;
    }
    if (plan_.is_gone) plan_.events.push_back("Cache cluster deleted");
  }

  void PlanNodes() {
    for (CacheNode& node : cluster_.nodes) {
      if (node.status == "deleting") {
        PlanRemoval(node);
      } else {
        PlanNode(node);
      }
    }
    std::erase_if(cluster_.nodes, [&](const CacheNode& node) {
      if (node.status != "deleting" || IsDiscovered(node) || ReportOf(node) != nullptr)
        return false;
      plan_.events.push_back("Removed cache node " + node.id);
      return true;
    });
  }

  bool IsDiscovered(const CacheNode& node) const {
    return std::find(view_.cluster.discovered.begin(), view_.cluster.discovered.end(), node.id) !=
           view_.cluster.discovered.end();
  }

  // Clients are told of the change, and find the way in closed, before the process goes: who came
  // through a shared endpoint a moment ago still gets its answer. A memcached node cannot be told
  // to close one.
  void PlanRemoval(const CacheNode& node) {
    const NodeReport* report = ReportOf(node);
    if (report == nullptr || IsDiscovered(node)) return;
    NodeSpec spec = Spec(node);
    spec.endpoints.clear();
    bool is_open = !cluster_.IsMemcached() && report->state == NodeState::kReady &&
                   !report->running.endpoints.empty();
    Do(is_open ? NodeStep::Kind::kConfigure : NodeStep::Kind::kRemove, std::move(spec));
  }

  void PlanNode(CacheNode& node) {
    const NodeReport* report = ReportOf(node);
    NodeSpec spec = Spec(node);
    if (report == nullptr) return Start(std::move(spec));
    TellExits(node, *report);
    switch (report->state) {
      case NodeState::kStarting:
      case NodeState::kStopping:
        return;
      case NodeState::kFailed:
        return PlanFailed(node, *report, std::move(spec));
      case NodeState::kReady:
        return PlanReady(node, *report, std::move(spec));
    }
  }

  bool IsPrimary() const {
    return view_.shard != nullptr && view_.shard->shard.primary_cluster == cluster_.id;
  }
  bool IsReplica() const { return view_.shard != nullptr && !IsPrimary(); }

  void Start(NodeSpec spec) {
    if (IsPrimary() && !view_.shard->may_start_primary) return;
    if (IsReplica() && view_.shard->is_primary_seeding) return;
    bool lacks_seed = !cluster_.seed.empty() && cluster_.seed_path.empty();
    if (lacks_seed || cluster_.status == "restore-failed") return;
    Do(NodeStep::Kind::kStart, std::move(spec));
  }

  void TellExits(CacheNode& node, const NodeReport& report) {
    if (report.exits > node.exits_told && node.status != "creating") {
      plan_.events.push_back("Recovering cache nodes " + node.id);
      node.problem = report.problem_text;
    }
    node.exits_told = report.exits;
  }

  // Once, as long as it stays the same.
  void TellProblem(CacheNode& node, const NodeReport& report, const std::string& what) {
    if (node.problem == report.problem_text) return;
    node.problem = report.problem_text;
    if (!node.problem.empty())
      plan_.events.push_back("Cache node " + node.id + " " + what + ": " + node.problem);
  }

  // A node without a problem is one that kilnd did not find running when it started.
  void PlanFailed(CacheNode& node, const NodeReport& report, NodeSpec spec) {
    if (report.problem == NodeProblem::kNone && node.status == "available")
      node.status = "rebooting";
    // What a start with a snapshot ended with, the next one would.
    if (!cluster_.seed_path.empty() && report.problem == NodeProblem::kExited)
      cluster_.status = "restore-failed";
    TellProblem(node, report, "does not start");
    Start(std::move(spec));
  }

  void PlanReady(CacheNode& node, const NodeReport& report, NodeSpec spec) {
    if (report.running.boot < node.boot) {
      if (IsPrimary() && !view_.shard->may_end_primary) return;
      return Do(NodeStep::Kind::kRestart, std::move(spec));
    }
    // A replica is there, again, when it has its primary's data.
    bool lacks_data = IsReplica() && !report.replication.is_link_up;
    bool is_coming = node.status != "available" || !node.problem.empty();
    // A primary takes writes when it has its first lease.
    bool lacks_lease = IsPrimary() && view_.shard->has_leases && !report.has_lease;
    if ((lacks_data || lacks_lease) && is_coming && report.problem_text.empty()) return;
    node.is_pending_reboot = report.running.start_parameters != spec.start_parameters;
    bool had_problem = !node.problem.empty();
    TellProblem(node, report, "is not as it should be");  // It refuses its parameters, say.
    if (node.status == "creating") {
      node.create_time_ms = view_.now_ms;
      if (cluster_.create_time_ms != 0)
        plan_.events.push_back("Added cache node " + node.id + " in availability zone " +
                               node.zone);
    } else if (node.status == "rebooting") {
      plan_.events.push_back("Cache node " + node.id + " restarted");
    } else if (had_problem && node.problem.empty()) {
      plan_.events.push_back("Finished recovery for cache nodes " + node.id);
    }
    node.status = "available";
    cluster_.seed.clear();  // It has read it, and never will again.
    cluster_.seed_path.clear();
  }

  // The list of nodes changes with those that are available, and its version with it; then every
  // node is told.
  void PlanDiscovery() {
    if (cluster_.IsMemcached()) {
      std::vector<std::string> available;
      for (const CacheNode& node : cluster_.nodes) {
        if (node.status == "available" || node.status == "rebooting") available.push_back(node.id);
      }
      if (available != cluster_.discovered && !available.empty()) {
        cluster_.discovered = std::move(available);
        ++cluster_.discovery_version;
      }
    }
    for (const CacheNode& node : cluster_.nodes) {
      const NodeReport* report = ReportOf(node);
      if (report == nullptr || report->state != NodeState::kReady) continue;
      if (node.status != "available" && !IsReplica()) continue;
      if (report->running.is_grouped && !report->replication.is_known) continue;
      NodeSpec spec = Spec(node);
      if (!IsAsSpecified(*report, spec)) Do(NodeStep::Kind::kConfigure, std::move(spec));
    }
  }

  void PlanStatus() {
    bool is_settled = std::all_of(cluster_.nodes.begin(), cluster_.nodes.end(), [&](auto& node) {
      const NodeReport* report = ReportOf(node);
      return node.status == "available" && report != nullptr && IsAsSpecified(*report, Spec(node));
    });
    if (cluster_.status == "available" || cluster_.status == "snapshotting" ||
        cluster_.status == "restore-failed")
      return;
    if (!is_settled) return PlanTrouble();
    if (cluster_.create_time_ms == 0) {
      cluster_.create_time_ms = view_.now_ms;
      plan_.events.push_back("Cache cluster created");
    }
    cluster_.status = "available";
  }

  // A cluster that cannot come up says so, so that nobody waits for it; it still comes up when
  // what stood in its way is gone.
  void PlanTrouble() {
    if (cluster_.create_time_ms != 0) return;
    for (const CacheNode& node : cluster_.nodes) {
      const NodeReport* report = ReportOf(node);
      if (report == nullptr || report->state != NodeState::kFailed) continue;
      cluster_.status =
          report->problem == NodeProblem::kAddressTaken ? "incompatible-network" : "create-failed";
    }
  }

  const ClusterView& view_;
  CacheCluster cluster_;
  ClusterPlan plan_;
};

// A replica whose link is down is in step for so long, if it was before.
constexpr int64_t kLinkGraceS = 10;

bool HasOpen(const NodeReport& report, const Endpoint& endpoint) {
  const std::vector<Endpoint>& open = report.running.endpoints;
  return std::find(open.begin(), open.end(), endpoint) != open.end();
}

// Whether readers may come to it. While another takes the primary's place its data are as good as
// they were, so nobody is sent away.
bool IsInStep(const NodeReport& report, const NodeGroup& shard) {
  const ReplicationReport& own = report.replication;
  if (own.is_primary) return false;
  bool is_between = own.has_synced && !own.is_syncing && own.link_down_s < kLinkGraceS &&
                    HasOpen(report, shard.reader_endpoint);
  return own.is_link_up || is_between;
}

// A new primary's clients come when it may take their writes.
bool MayBePrimaryEndpoint(const ShardView& place, const NodeReport* report) {
  if (place.is_endpoint_taken) return false;
  if (!place.has_leases || report == nullptr || report->has_lease) return true;
  return HasOpen(*report, place.shard.primary_endpoint);
}

void AddPlaceInShard(const ClusterView& view, const CacheNode& node, NodeSpec* spec) {
  const ShardView& place = *view.shard;
  const NodeGroup& shard = place.shard;
  auto found = view.reports.find(spec->Key());
  const NodeReport* report = found == view.reports.end() ? nullptr : &found->second;
  bool is_primary = shard.primary_cluster == view.cluster.id;
  spec->is_grouped = true;
  spec->follows = is_primary ? place.group.migrates_from : place.primary_node;
  // While one hands over to another, nobody tells them which they are.
  spec->keeps_role = !shard.promoting.empty() && report != nullptr && report->replication.is_known;
  spec->live_parameters["requires-lease"] = place.has_leases ? "yes" : "no";
  spec->live_parameters["masterauth"] = place.group.secret;
  spec->live_parameters["availability-zone"] = node.zone;
  spec->live_parameters["replica-announce-ip"] = node.endpoint.address;
  spec->live_parameters["replica-announce-port"] = std::to_string(node.endpoint.port);
  spec->live_parameters["repl-diskless-sync-delay"] = "0";  // Replicas are started one by one.
  bool is_in_step = !is_primary && report != nullptr && IsInStep(*report, shard);
  if (is_primary && MayBePrimaryEndpoint(place, report))
    spec->endpoints.push_back(shard.primary_endpoint);
  if (is_in_step || (is_primary && !place.has_reader))
    spec->endpoints.push_back(shard.reader_endpoint);
}

}  // namespace

NodeSpec SpecOf(const ClusterView& view, const CacheNode& node) {
  const CacheCluster& cluster = view.cluster;
  ParameterSplit parameters = ParametersFor(cluster, view.parameters);
  NodeSpec spec;
  spec.cluster_id = cluster.id;
  spec.node_id = node.id;
  spec.engine = cluster.engine;
  spec.listen = node.endpoint;
  spec.boot = node.boot;
  spec.seed = cluster.seed_path;
  spec.start_parameters = std::move(parameters.at_start);
  spec.live_parameters = std::move(parameters.live);
  spec.discovery = DiscoveryText(cluster);
  if (!cluster.configuration_endpoint.empty())
    spec.endpoints.push_back(cluster.configuration_endpoint);
  if (view.shard != nullptr) {
    AddPlaceInShard(view, node, &spec);
  } else if (!cluster.IsMemcached()) {
    // Nobody has its changes but itself, and nobody could take its place: it waits for nobody. One
    // that a group has left behind is told so.
    spec.live_parameters["durability"] = "disabled";
    spec.live_parameters["requires-lease"] = "no";
  }
  return spec;
}

ClusterPlan PlanCluster(const ClusterView& view) {
  return Planner(view).Plan();
}

std::vector<NodeStep> PlanStrays(const std::map<std::string, CacheCluster>& clusters,
                                 const NodeReports& reports) {
  std::vector<NodeStep> steps;
  for (const auto& [key, report] : reports) {
    auto cluster = clusters.find(report.running.cluster_id);
    const std::string& node_id = report.running.node_id;
    auto is_it = [&](const CacheNode& node) { return node.id == node_id; };
    bool is_wanted = cluster != clusters.end() &&
                     std::any_of(cluster->second.nodes.begin(), cluster->second.nodes.end(), is_it);
    if (!is_wanted) steps.push_back({NodeStep::Kind::kRemove, report.running});
  }
  return steps;
}

}  // namespace kiln
