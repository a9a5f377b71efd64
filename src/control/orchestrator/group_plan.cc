#include "control/orchestrator/group_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace kiln {
namespace {

constexpr size_t kMaxHistories = 2;
constexpr int64_t kLongAgoMs = std::numeric_limits<int64_t>::max();
// Who has not answered for so long is granted no lease: so it ends soon after a primary is lost.
constexpr int64_t kFreshMs = 500;

int64_t Age(int64_t then_ms, int64_t now_ms) {
  return then_ms == 0 ? kLongAgoMs : std::max<int64_t>(now_ms - then_ms, 0);
}

// The one node of a member; null when it has none.
const CacheNode* NodeOf(const GroupView& view, const std::string& cluster_id) {
  auto found = view.members.find(cluster_id);
  bool has_node = found != view.members.end() && !found->second->nodes.empty();
  return has_node ? &found->second->nodes.front() : nullptr;
}

const NodeReport* ReportOf(const GroupView& view, const std::string& cluster_id) {
  const CacheNode* node = NodeOf(view, cluster_id);
  if (node == nullptr) return nullptr;
  auto found = view.reports.find(cluster_id + "." + node->id);
  return found == view.reports.end() ? nullptr : &found->second;
}

std::string MemberAt(const GroupView& view, const NodeGroup& shard, const Endpoint& address) {
  if (address.empty()) return {};
  for (const std::string& id : shard.member_clusters) {
    const CacheNode* node = NodeOf(view, id);
    if (node != nullptr && node->endpoint == address) return id;
  }
  return {};
}

// A process that was not told to need a lease acknowledges writes as long as it runs.
int64_t LeaseLeft(const GroupView& view, const std::string& id) {
  const NodeReport* report = ReportOf(view, id);
  auto left = view.lease_left_ms.find(id);
  if (report == nullptr || left == view.lease_left_ms.end()) return 0;
  auto told = report->running.live_parameters.find("requires-lease");
  bool needs_it = told != report->running.live_parameters.end() && told->second == "yes";
  return needs_it ? left->second : kLongAgoMs;
}

MemberObservation ObserveMember(const GroupView& view, const NodeGroup& shard,
                                const std::string& id) {
  MemberObservation member;
  member.id = id;
  const NodeReport* report = ReportOf(view, id);
  bool is_leaving = view.members.contains(id) && view.members.at(id)->status == "deleting";
  if (report == nullptr || is_leaving) {
    member.ended_ms = kLongAgoMs;
    return member;
  }
  const ReplicationReport& said = report->replication;
  bool has_process = report->state == NodeState::kStarting || report->state == NodeState::kReady;
  member.ended_ms = Age(report->ended_ms, view.monotonic_ms);
  member.silent_ms = report->answered_ms == 0 ? 0 : Age(report->answered_ms, view.monotonic_ms);
  // The agent's word that it is silent counts before its age does.
  if (report->is_silent) member.silent_ms = std::max(member.silent_ms, view.limits.silent_ms);
  if (has_process) member.life = said.is_known ? MemberLife::kRunning : MemberLife::kStarting;
  member.is_primary = said.is_primary;
  member.follows = MemberAt(view, shard, said.follows);
  member.is_link_up = said.is_link_up;
  member.is_syncing = said.is_syncing;
  member.is_held = said.is_held;
  member.lease_left_ms = LeaseLeft(view, id);
  member.has_synced = said.has_synced;
  member.history = said.history;
  member.offset = said.offset;
  return member;
}

class GroupPlanner {
 public:
  explicit GroupPlanner(const GroupView& view) : view_(view), group_(view.group) {}

  GroupPlan Plan() {
    if (group_.status == "deleting") {
      plan_.is_gone = view_.members.empty();
      if (plan_.is_gone) Tell({}, "Replication group " + group_.id + " deleted");
      return std::move(plan_);
    }
    for (NodeGroup& shard : group_.node_groups) PlanShard(shard);
    PlanMigration();
    PlanStatus();
    if (group_ != view_.group) plan_.record = group_;
    return std::move(plan_);
  }

 private:
  void Tell(std::string source, std::string message) {
    plan_.events.push_back({std::move(source), std::move(message)});
  }

  NodeStep StepFor(NodeStep::Kind kind, const std::string& cluster_id) const {
    NodeSpec spec;
    spec.cluster_id = cluster_id;
    spec.node_id = NodeOf(view_, cluster_id)->id;
    return {kind, spec, {}};
  }

  void PlanShard(NodeGroup& shard) {
    ShardObservation seen = Observe(view_, shard);
    NoteHistory(seen, &shard);
    seen.histories = shard.histories;
    AskForRestart(seen, &shard);
    seen.promoting = shard.promoting;
    Decision decision = Decide(seen, view_.limits);
    CarryOut(decision, &shard);
    if (MayBeLeased(decision, shard)) plan_.leased.push_back(shard.primary_cluster);

    ShardState state;
    bool is_lone = shard.member_clusters.size() < 2;
    state.may_start_primary = is_lone || decision.kind == Decision::Kind::kStartCold ||
                              decision.kind == Decision::Kind::kPromote ||
                              decision.kind == Decision::Kind::kHandedOver;
    state.may_end_primary = is_lone || shard.promoting.empty();
    for (const MemberObservation& member : seen.members) {
      bool is_primary = member.id == shard.primary_cluster;
      bool is_reader = member.is_link_up || HasOpen(member.id, shard.reader_endpoint);
      if (!is_primary && member.life == MemberLife::kRunning && is_reader) state.has_reader = true;
      if (!is_primary && HasOpen(member.id, shard.primary_endpoint)) state.is_endpoint_taken = true;
    }
    plan_.shards[shard.id] = state;
    plan_.is_waiting |= decision.kind == Decision::Kind::kWait && group_.create_time_ms != 0;
  }

  // The one appointed, by what it said last: it has the place already, or is about to take it.
  bool MayBeLeased(const Decision& decision, const NodeGroup& shard) const {
    if (view_.limits.can_end || !group_.HasFailover()) return false;
    const NodeReport* report = ReportOf(view_, shard.primary_cluster);
    if (report == nullptr || report->state != NodeState::kReady) return false;
    const ReplicationReport& said = report->replication;
    bool is_new =
        decision.kind == Decision::Kind::kPromote || decision.kind == Decision::Kind::kHandedOver;
    bool is_fresh = Age(report->answered_ms, view_.monotonic_ms) < kFreshMs;
    return is_fresh && said.is_known && (said.is_primary || said.is_held || is_new) &&
           decision.kind != Decision::Kind::kEnd;
  }

  bool HasOpen(const std::string& cluster_id, const Endpoint& endpoint) const {
    const NodeReport* report = ReportOf(view_, cluster_id);
    if (report == nullptr || report->state != NodeState::kReady) return false;
    const std::vector<Endpoint>& open = report->running.endpoints;
    return std::find(open.begin(), open.end(), endpoint) != open.end();
  }

  void NoteHistory(const ShardObservation& seen, NodeGroup* shard) const {
    for (const MemberObservation& member : seen.members) {
      bool is_it = member.id == shard->primary_cluster && member.is_primary &&
                   member.life == MemberLife::kRunning && !member.history.empty();
      if (!is_it || (!shard->histories.empty() && shard->histories.front() == member.history))
        continue;
      shard->histories.insert(shard->histories.begin(), member.history);
      if (shard->histories.size() > kMaxHistories) shard->histories.resize(kMaxHistories);
    }
  }

  // A primary that is to be restarted hands over before, for its data would go.
  void AskForRestart(const ShardObservation& seen, NodeGroup* shard) const {
    const CacheNode* node = NodeOf(view_, shard->primary_cluster);
    const NodeReport* report = ReportOf(view_, shard->primary_cluster);
    bool wants = node != nullptr && report != nullptr && report->state == NodeState::kReady &&
                 report->running.boot < node->boot;
    if (!wants || !shard->promoting.empty()) return;
    const MemberObservation* best = BestCandidate(seen, view_.limits);
    if (best != nullptr && best->is_link_up) shard->promoting = best->id;
  }

  void CarryOut(const Decision& decision, NodeGroup* shard) {
    using Kind = Decision::Kind;
    switch (decision.kind) {
      case Kind::kNone:
      case Kind::kWait:
      case Kind::kStartCold:
        return;
      case Kind::kEnd:
        return plan_.steps.push_back(StepFor(NodeStep::Kind::kKill, decision.member));
      case Kind::kHold:
        plan_.is_waiting = true;
        return plan_.steps.push_back(StepFor(NodeStep::Kind::kHold, decision.member));
      case Kind::kHandOver: {
        NodeStep step = StepFor(NodeStep::Kind::kHandOver, shard->primary_cluster);
        step.to = NodeOf(view_, decision.member)->endpoint;
        plan_.is_waiting = true;
        const NodeReport* report = ReportOf(view_, shard->primary_cluster);
        if (!report->replication.is_handing_over) plan_.steps.push_back(std::move(step));
        return;
      }
      case Kind::kGiveUp:
        Tell({}, fmt::format("Promotion of {} was given up: it is not in step with {}",
                             shard->promoting, shard->primary_cluster));
        shard->promoting.clear();
        return;
      case Kind::kPromote:
      case Kind::kHandedOver:
        return Appoint(decision.member, shard);
    }
  }

  void Appoint(const std::string& next, NodeGroup* shard) {
    std::string text = fmt::format("Failover from primary node {} to replica node {} completed",
                                   shard->primary_cluster, next);
    Tell(next, text);
    Tell({}, text);
    shard->primary_cluster = next;
    shard->promoting.clear();
    shard->is_tested = false;
  }

  // The primary leaves the server that it follows once it has all that was asked for.
  void PlanMigration() {
    if (!group_.ends_migration || group_.node_groups.empty()) return;
    const NodeReport* report = ReportOf(view_, group_.node_groups.front().primary_cluster);
    if (report == nullptr || report->state != NodeState::kReady) return;
    const ReplicationReport& said = report->replication;
    bool has_all = said.is_link_up && !said.is_syncing && said.follows == group_.migrates_from &&
                   said.offset >= group_.migration_offset;
    if (!has_all) return;
    Tell({}, fmt::format("Migration from {}:{} completed for replication group {}",
                         group_.migrates_from.address, group_.migrates_from.port, group_.id));
    group_.migrates_from = {};
    group_.ends_migration = false;
    group_.migration_offset = 0;
  }

  void PlanStatus() {
    std::vector<std::string> ids = group_.MemberClusters();
    bool is_settled = !ids.empty() && group_.migrates_from.empty();
    bool is_snapshotting = false;
    for (const std::string& id : ids) {
      auto member = view_.members.find(id);
      if (member == view_.members.end()) {
        is_settled = false;
        continue;
      }
      const std::string& status = member->second->status;
      is_snapshotting |= status == "snapshotting";
      if (status != "available" && status != "snapshotting") is_settled = false;
      bool has_failed = status == "create-failed" || status == "incompatible-network" ||
                        status == "restore-failed";
      if (has_failed && group_.create_time_ms == 0) group_.status = "create-failed";
      if (member->second->create_time_ms != 0) group_.node_type = member->second->node_type;
    }
    for (const NodeGroup& shard : group_.node_groups)
      is_settled = is_settled && shard.promoting.empty();
    if (is_settled && is_snapshotting) {
      group_.status = "snapshotting";
    } else if (is_settled) {
      Settle();
    } else if (group_.status == "available") {
      group_.status = "modifying";
    }
  }

  void Settle() {
    if (group_.create_time_ms == 0) {
      group_.create_time_ms =
          view_.members.at(group_.node_groups.front().primary_cluster)->create_time_ms;
      Tell({}, "Replication group " + group_.id + " created");
    }
    if (group_.automatic_failover == "enabling") {
      group_.automatic_failover = "enabled";
      Tell({}, "Automatic failover has been turned on for replication group " + group_.id);
    } else if (group_.automatic_failover == "disabling") {
      group_.automatic_failover = "disabled";
      Tell({}, "Automatic failover has been turned off for replication group " + group_.id);
    }
    group_.status = "available";
  }

  const GroupView& view_;
  ReplicationGroup group_;
  GroupPlan plan_;
};

}  // namespace

ShardObservation Observe(const GroupView& view, const NodeGroup& shard) {
  ShardObservation seen;
  seen.primary = shard.primary_cluster;
  seen.histories = shard.histories;
  seen.is_automatic = view.group.HasFailover();
  seen.promoting = shard.promoting;
  seen.is_tested = shard.is_tested;
  for (const std::string& id : shard.member_clusters)
    seen.members.push_back(ObserveMember(view, shard, id));
  return seen;
}

GroupPlan PlanGroup(const GroupView& view) {
  return GroupPlanner(view).Plan();
}

}  // namespace kiln
