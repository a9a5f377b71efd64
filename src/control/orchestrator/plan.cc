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
         report.running.endpoints == spec.endpoints && report.running.discovery == spec.discovery;
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
    return SpecOf({cluster_, view_.parameters, view_.group, view_.reports, view_.now_ms}, node);
  }

  void Do(NodeStep::Kind kind, NodeSpec spec) { plan_.steps.push_back({kind, std::move(spec)}); }

  void PlanDeletion() {
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

  // Clients are told of the change before the process goes.
  void PlanRemoval(const CacheNode& node) {
    if (ReportOf(node) != nullptr && !IsDiscovered(node)) Do(NodeStep::Kind::kRemove, Spec(node));
  }

  void PlanNode(CacheNode& node) {
    const NodeReport* report = ReportOf(node);
    NodeSpec spec = Spec(node);
    if (report == nullptr) return Do(NodeStep::Kind::kStart, std::move(spec));
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
    TellProblem(node, report, "does not start");
    Do(NodeStep::Kind::kStart, std::move(spec));
  }

  void PlanReady(CacheNode& node, const NodeReport& report, NodeSpec spec) {
    if (report.running.boot < node.boot) return Do(NodeStep::Kind::kRestart, std::move(spec));
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
      if (report == nullptr || report->state != NodeState::kReady || node.status != "available")
        continue;
      NodeSpec spec = Spec(node);
      if (!IsAsSpecified(*report, spec)) Do(NodeStep::Kind::kConfigure, std::move(spec));
    }
  }

  void PlanStatus() {
    bool is_settled = std::all_of(cluster_.nodes.begin(), cluster_.nodes.end(), [&](auto& node) {
      const NodeReport* report = ReportOf(node);
      return node.status == "available" && report != nullptr && IsAsSpecified(*report, Spec(node));
    });
    if (cluster_.status == "available") return;
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
  spec.start_parameters = std::move(parameters.at_start);
  spec.live_parameters = std::move(parameters.live);
  spec.discovery = DiscoveryText(cluster);
  if (!cluster.configuration_endpoint.empty())
    spec.endpoints.push_back(cluster.configuration_endpoint);
  if (const ReplicationGroup* group = view.group) {
    bool is_primary = group->primary_cluster == cluster.id;
    bool is_alone = group->member_clusters.size() == 1;
    if (is_primary) spec.endpoints.push_back(group->primary_endpoint);
    if (!is_primary || is_alone) spec.endpoints.push_back(group->reader_endpoint);
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

GroupPlan PlanGroup(const ReplicationGroup& group,
                    const std::vector<const CacheCluster*>& members) {
  GroupPlan plan;
  ReplicationGroup next = group;
  if (group.status == "deleting") {
    plan.is_gone = members.empty();
    if (plan.is_gone) plan.events.push_back("Replication group " + group.id + " deleted");
    return plan;
  }
  bool all_available = members.size() == group.member_clusters.size();
  for (const CacheCluster* member : members) {
    if (member->status != "available") all_available = false;
    bool has_failed = member->status == "create-failed" || member->status == "incompatible-network";
    if (has_failed && group.create_time_ms == 0) next.status = "create-failed";
    if (member->create_time_ms != 0) next.node_type = member->node_type;
  }
  if (all_available) {
    if (next.create_time_ms == 0) {
      next.create_time_ms = members.front()->create_time_ms;
      plan.events.push_back("Replication group " + group.id + " created");
    }
    next.status = "available";
  } else if (next.status == "available") {
    next.status = "modifying";
  }
  if (next != group) plan.record = std::move(next);
  return plan;
}

}  // namespace kiln
