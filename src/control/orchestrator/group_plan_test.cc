#include "control/orchestrator/group_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace kiln {
namespace {

using Kind = NodeStep::Kind;

// A group of three, in a world that a test makes as it likes.
class GroupPlanTest : public testing::Test {
 protected:
  GroupPlanTest() {
    group_.id = "web";
    group_.status = "available";
    group_.create_time_ms = 1;
    group_.automatic_failover = "enabled";
    NodeGroup& shard = group_.node_groups.emplace_back();
    shard.primary_endpoint = {"127.9.1.1", 6379};
    shard.reader_endpoint = {"127.9.1.2", 6379};
    shard.primary_cluster = "web-001";
    for (int number = 1; number <= 3; ++number) AddMember("web-00" + std::to_string(number));
  }

  void AddMember(const std::string& id) {
    CacheCluster cluster;
    cluster.id = id;
    cluster.status = "available";
    cluster.create_time_ms = 1;
    cluster.replication_group_id = "web";
    CacheNode node;
    node.id = "0001";
    node.status = "available";
    node.endpoint = {"127.9.0." + id.substr(6), 6379};
    cluster.nodes = {node};
    NodeReport report;
    report.state = NodeState::kReady;
    report.answered_ms = now_ms_;
    report.running.cluster_id = id;
    report.running.node_id = "0001";
    report.replication.is_known = true;
    report.replication.is_primary = id == "web-001";
    report.replication.history = "h";
    if (id != "web-001") {
      report.replication.follows = {"127.9.0.1", 6379};
      report.replication.is_link_up = report.replication.has_synced = true;
    }
    report.running.follows = report.replication.follows;
    group_.node_groups[0].member_clusters.push_back(id);
    reports_[id + ".0001"] = report;
    clusters_[id] = cluster;
  }

  NodeReport& ReportOf(const std::string& id) { return reports_[id + ".0001"]; }
  NodeGroup& Shard() { return group_.node_groups[0]; }

  GroupPlan Plan() {
    GroupView view{group_, {}, reports_, now_ms_, limits_, lease_left_ms_};
    for (const std::string& id : group_.MemberClusters()) {
      auto found = clusters_.find(id);
      if (found != clusters_.end()) view.members[id] = &found->second;
    }
    GroupPlan plan = PlanGroup(view);
    if (plan.record) group_ = *plan.record;
    return plan;
  }

  void End(const std::string& id) {
    NodeReport& report = ReportOf(id);
    report.state = NodeState::kFailed;
    report.ended_ms = now_ms_;
    now_ms_ += 50;
    for (auto& [key, other] : reports_) {
      if (other.state == NodeState::kReady) other.answered_ms = now_ms_;
    }
  }

  static bool Tells(const GroupPlan& plan, const GroupEvent& event) {
    return std::find(plan.events.begin(), plan.events.end(), event) != plan.events.end();
  }

  ReplicationGroup group_;
  std::map<std::string, CacheCluster> clusters_;
  NodeReports reports_;
  FailoverLimits limits_;
  std::map<std::string, int64_t> lease_left_ms_;
  int64_t now_ms_ = 1'000'000;
};

TEST_F(GroupPlanTest, TheHistoryOfThePrimaryIsWrittenDownAndThenNothingIsLeftToDo) {
  Plan();
  EXPECT_EQ(Shard().histories, std::vector<std::string>{"h"});
  GroupPlan plan = Plan();
  EXPECT_FALSE(plan.record);
  EXPECT_TRUE(plan.steps.empty() && plan.events.empty());
  EXPECT_TRUE(plan.shards.at("0001").has_reader);
}

TEST_F(GroupPlanTest, ADeadPrimaryIsReplacedInOneDocumentWithAwssWords) {
  Plan();
  ReportOf("web-003").replication.offset = 7;
  End("web-001");
  GroupPlan before = Plan();
  ASSERT_EQ(before.steps.size(), 1u);
  EXPECT_EQ(before.steps[0].kind, Kind::kHold);
  EXPECT_EQ(before.steps[0].spec.cluster_id, "web-003");
  EXPECT_TRUE(before.is_waiting);
  EXPECT_EQ(Shard().primary_cluster, "web-001");
  ReportOf("web-003").replication.is_held = true;
  GroupPlan plan = Plan();
  EXPECT_EQ(Shard().primary_cluster, "web-003");
  std::string text = "Failover from primary node web-001 to replica node web-003 completed";
  EXPECT_TRUE(Tells(plan, {"", text}));
  EXPECT_TRUE(Tells(plan, {"web-003", text}));
  EXPECT_TRUE(plan.steps.empty()) << "what is written down is what nodes are told";
}

TEST_F(GroupPlanTest, ADeadPrimaryDoesNotStartWhileAReplicaIsStillToBeHeard) {
  Plan();
  End("web-001");
  ReportOf("web-002").replication = {};
  GroupPlan plan = Plan();
  EXPECT_FALSE(plan.shards.at("0001").may_start_primary);
  EXPECT_TRUE(plan.is_waiting);
  EXPECT_EQ(Shard().primary_cluster, "web-001");
}

TEST_F(GroupPlanTest, ANewGroupsPrimaryStartsAtOnce) {
  reports_.clear();
  group_.create_time_ms = 0;
  EXPECT_TRUE(Plan().shards.at("0001").may_start_primary);
}

TEST_F(GroupPlanTest, ASilentPrimaryIsEnded) {
  ReportOf("web-001").is_silent = true;
  GroupPlan plan = Plan();
  ASSERT_EQ(plan.steps.size(), 1u);
  EXPECT_EQ(plan.steps[0].kind, Kind::kKill);
  EXPECT_EQ(plan.steps[0].spec.cluster_id, "web-001");
}

TEST_F(GroupPlanTest, APrimaryThatSpeaksIsGrantedALeaseWhereThereAreAny) {
  EXPECT_TRUE(Plan().leased.empty());
  limits_ = {.can_end = false, .lease_ms = 3000};
  EXPECT_EQ(Plan().leased, std::vector<std::string>{"web-001"});
  now_ms_ += 501;
  EXPECT_TRUE(Plan().leased.empty()) << "it has not spoken for a while";
  ReportOf("web-001").answered_ms = now_ms_;
  EXPECT_EQ(Plan().leased.size(), 1u);
  ReportOf("web-001").replication.is_primary = false;
  EXPECT_TRUE(Plan().leased.empty()) << "it has handed over";
  ReportOf("web-001").replication.is_primary = true;
  group_.automatic_failover = "disabled";
  EXPECT_TRUE(Plan().leased.empty()) << "nobody takes its place";
}

TEST_F(GroupPlanTest, WhereThereAreLeasesASilentPrimarysIsWaitedFor) {
  Plan();
  limits_ = {.can_end = false, .lease_ms = 3000};
  lease_left_ms_["web-001"] = -50;
  ReportOf("web-001").is_silent = true;
  ReportOf("web-002").replication.is_held = true;
  ReportOf("web-002").replication.offset = 7;
  Plan();
  EXPECT_EQ(Shard().primary_cluster, "web-001") << "it was never told that it needs one";
  ReportOf("web-001").running.live_parameters["requires-lease"] = "yes";
  lease_left_ms_["web-001"] = 1;
  Plan();
  EXPECT_EQ(Shard().primary_cluster, "web-001");
  lease_left_ms_["web-001"] = -50;
  GroupPlan plan = Plan();
  EXPECT_EQ(Shard().primary_cluster, "web-002");
  EXPECT_EQ(plan.leased, std::vector<std::string>{"web-002"});
}

TEST_F(GroupPlanTest, APromotionIsAHandOverAndThenADocument) {
  Shard().promoting = "web-002";
  GroupPlan plan = Plan();
  ASSERT_EQ(plan.steps.size(), 1u);
  EXPECT_EQ(plan.steps[0].kind, Kind::kHandOver);
  EXPECT_EQ(plan.steps[0].to, (Endpoint{"127.9.0.2", 6379}));
  EXPECT_EQ(group_.status, "modifying");
  ReportOf("web-001").replication.is_handing_over = true;
  EXPECT_TRUE(Plan().steps.empty()) << "it is told once";
  ReportOf("web-001").replication.is_primary = false;
  ReportOf("web-001").replication.follows = {"127.9.0.2", 6379};
  ReportOf("web-002").replication.is_primary = true;
  Plan();
  EXPECT_EQ(Shard().primary_cluster, "web-002");
  EXPECT_EQ(group_.status, "available");
}

TEST_F(GroupPlanTest, APrimaryThatIsToRestartHandsOverBefore) {
  clusters_["web-001"].nodes[0].boot = 2;
  ReportOf("web-001").running.boot = 1;
  GroupPlan plan = Plan();
  EXPECT_EQ(Shard().promoting, "web-002");
  EXPECT_FALSE(plan.shards.at("0001").may_end_primary);
}

TEST_F(GroupPlanTest, AMemberThatIsBeingDeletedTakesNoPlace) {
  Plan();
  clusters_["web-002"].status = clusters_["web-003"].status = "deleting";
  End("web-001");
  GroupPlan plan = Plan();
  EXPECT_EQ(Shard().primary_cluster, "web-001");
  EXPECT_TRUE(plan.shards.at("0001").may_start_primary);
}

TEST_F(GroupPlanTest, ANewPrimaryWaitsUntilTheOneBeforeHasClosedTheEndpoint) {
  ReportOf("web-002").running.endpoints = {Shard().primary_endpoint};
  EXPECT_TRUE(Plan().shards.at("0001").is_endpoint_taken);
  ReportOf("web-002").state = NodeState::kFailed;
  EXPECT_FALSE(Plan().shards.at("0001").is_endpoint_taken);
}

TEST_F(GroupPlanTest, TheStatusFollowsTheMembers) {
  clusters_["web-002"].status = "modifying";
  Plan();
  EXPECT_EQ(group_.status, "modifying");
  clusters_["web-002"].status = "available";
  group_.automatic_failover = "enabling";
  EXPECT_TRUE(
      Tells(Plan(), {"", "Automatic failover has been turned on for replication group web"}));
  EXPECT_EQ(group_.status, "available");
  group_.status = "deleting";
  EXPECT_FALSE(Plan().is_gone);
  clusters_.clear();
  EXPECT_TRUE(Plan().is_gone);
}

TEST_F(GroupPlanTest, AGroupIsSnapshottingAsLongAsAMemberIs) {
  clusters_["web-003"].status = "snapshotting";
  Plan();
  EXPECT_EQ(group_.status, "snapshotting");
  clusters_["web-003"].status = "available";
  Plan();
  EXPECT_EQ(group_.status, "available");
}

TEST_F(GroupPlanTest, ARestoreThatFailedFailsTheGroup) {
  group_.status = "creating";
  group_.create_time_ms = 0;
  clusters_["web-001"].status = "restore-failed";
  Plan();
  EXPECT_EQ(group_.status, "create-failed");
}

TEST_F(GroupPlanTest, AMigrationEndsOnceThePrimaryHasAllThatWasAskedFor) {
  group_.migrates_from = {"10.0.0.1", 6379};
  group_.status = "modifying";
  ReplicationReport& primary = ReportOf("web-001").replication;
  primary.is_primary = false;
  primary.follows = group_.migrates_from;
  primary.is_link_up = true;
  primary.offset = 99;
  Plan();
  EXPECT_EQ(group_.status, "modifying");
  group_.ends_migration = true;
  group_.migration_offset = 100;
  EXPECT_FALSE(Plan().record);
  primary.offset = 100;
  EXPECT_TRUE(
      Tells(Plan(), {{}, "Migration from 10.0.0.1:6379 completed for replication group web"}));
  EXPECT_TRUE(group_.migrates_from.empty());
  EXPECT_EQ(group_.status, "available");
}

}  // namespace
}  // namespace kiln
