#include "control/orchestrator/plan.h"

#include <gtest/gtest.h>

#include "control/model/node_parameters.h"
#include "control/model/parameter_groups.h"

namespace kiln {
namespace {

using Kind = NodeStep::Kind;

constexpr int64_t kMonday = 1767571200000;  // 2026-01-05 00:00 UTC

// One cluster, its parameter group, and a world that a test makes as it likes.
class PlanTest : public testing::Test {
 protected:
  CacheCluster Redis() {
    CacheCluster cluster;
    cluster.id = "web";
    cluster.engine = "redis";
    cluster.engine_version = "7.1.0";
    cluster.node_type = "cache.t3.micro";
    cluster.port = 6379;
    cluster.maintenance_window = "sun:05:00-sun:06:00";
    AddNodeTo(&cluster);
    return cluster;
  }

  CacheCluster Memcached(int nodes) {
    CacheCluster cluster = Redis();
    cluster.engine = "memcached";
    cluster.engine_version = "1.6.22";
    cluster.nodes.clear();
    cluster.configuration_endpoint = {"127.9.0.99", 11211};
    group_ = *FindDefaultParameterGroup("default.memcached1.6");
    for (int i = 0; i < nodes; ++i) AddNodeTo(&cluster);
    return cluster;
  }

  void AddNodeTo(CacheCluster* cluster) {
    CacheNode node;
    size_t number = cluster->nodes.size() + 1;
    node.id = "000" + std::to_string(number);
    node.endpoint = {"127.9.0." + std::to_string(number), 11211};
    node.zone = "us-east-1a";
    cluster->nodes.push_back(node);
  }

  // The world that carries out every step at once, until there is no more to do.
  CacheCluster Settle(CacheCluster cluster) {
    for (int round = 0; round < 10; ++round) {
      ClusterPlan plan = PlanOf(cluster);
      for (const NodeStep& step : plan.steps) CarryOut(step);
      for (const std::string& event : plan.events) events_.push_back(event);
      if (plan.is_gone) is_gone_ = true;
      if (plan.steps.empty() && !plan.record) return cluster;
      if (plan.record) cluster = *plan.record;
    }
    ADD_FAILURE() << "the plan does not come to rest";
    return cluster;
  }

  void CarryOut(const NodeStep& step) {
    std::string key = step.spec.Key();
    if (step.kind == Kind::kRemove) {
      reports_.erase(key);
      return;
    }
    NodeReport& report = reports_[key];
    NodeSpec next = step.spec;
    if (step.kind == Kind::kConfigure) {
      next.start_parameters = report.running.start_parameters;
      next.boot = report.running.boot;
    }
    report.running = next;
    report.state = NodeState::kReady;
    report.problem = NodeProblem::kNone;
    report.problem_text.clear();
  }

  // As many steps, but no record is written.
  void CarryOutAtMost(int steps, const CacheCluster& cluster) {
    for (int round = 0; round < 3; ++round) {
      for (const NodeStep& step : PlanOf(cluster).steps) {
        if (steps-- > 0) CarryOut(step);
      }
    }
  }

  ClusterPlan PlanOf(const CacheCluster& cluster) {
    return PlanCluster({cluster, group_, nullptr, reports_, now_ms_});
  }

  std::vector<Kind> KindsOf(const ClusterPlan& plan) {
    std::vector<Kind> kinds;
    for (const NodeStep& step : plan.steps) kinds.push_back(step.kind);
    return kinds;
  }

  void Fail(const std::string& key, NodeProblem problem, const std::string& text) {
    reports_[key].state = NodeState::kFailed;
    reports_[key].problem = problem;
    reports_[key].problem_text = text;
  }

  ParameterGroup group_ = *FindDefaultParameterGroup("default.redis7");
  NodeReports reports_;
  std::vector<std::string> events_;
  int64_t now_ms_ = kMonday;
  bool is_gone_ = false;
};

TEST_F(PlanTest, ANewClusterIsStartedAndThenAvailable) {
  CacheCluster cluster = Redis();
  EXPECT_EQ(KindsOf(PlanOf(cluster)), std::vector<Kind>{Kind::kStart});
  cluster = Settle(cluster);
  EXPECT_EQ(cluster.status, "available");
  EXPECT_EQ(cluster.nodes[0].status, "available");
  EXPECT_EQ(cluster.create_time_ms, now_ms_);
  EXPECT_EQ(events_, std::vector<std::string>{"Cache cluster created"});
}

TEST_F(PlanTest, NothingIsDoneWhileANodeStarts) {
  CacheCluster cluster = Redis();
  reports_["web.0001"].state = NodeState::kStarting;
  ClusterPlan plan = PlanOf(cluster);
  EXPECT_TRUE(plan.steps.empty());
  EXPECT_FALSE(plan.record);
}

TEST_F(PlanTest, ASettledClusterNeedsNothing) {
  CacheCluster cluster = Settle(Redis());
  ClusterPlan plan = PlanOf(cluster);
  EXPECT_TRUE(plan.steps.empty());
  EXPECT_FALSE(plan.record);
  EXPECT_TRUE(plan.events.empty());
}

TEST_F(PlanTest, ATakenAddressMakesTheNetworkIncompatibleUntilItIsFree) {
  CacheCluster cluster = Redis();
  Fail("web.0001", NodeProblem::kAddressTaken, "The port is taken.");
  ClusterPlan plan = PlanOf(cluster);
  ASSERT_TRUE(plan.record);
  EXPECT_EQ(plan.record->status, "incompatible-network");
  EXPECT_EQ(plan.events,
            std::vector<std::string>{"Cache node 0001 does not start: The port is taken."});
  EXPECT_EQ(KindsOf(plan), std::vector<Kind>{Kind::kStart});
  cluster = *plan.record;
  EXPECT_TRUE(PlanOf(cluster).events.empty()) << "told once";
  EXPECT_EQ(Settle(cluster).status, "available");
}

TEST_F(PlanTest, AMissingProgramMakesTheCreationFail) {
  Fail("web.0001", NodeProblem::kNoProgram, "Install it.");
  ClusterPlan plan = PlanOf(Redis());
  ASSERT_TRUE(plan.record);
  EXPECT_EQ(plan.record->status, "create-failed");
}

TEST_F(PlanTest, ACrashIsRecoveredAndTold) {
  CacheCluster cluster = Settle(Redis());
  events_.clear();
  Fail("web.0001", NodeProblem::kExited, "It was killed.");
  reports_["web.0001"].exits = 1;
  ClusterPlan plan = PlanOf(cluster);
  ASSERT_TRUE(plan.record);
  EXPECT_EQ(plan.record->status, "available");
  EXPECT_EQ(KindsOf(plan), std::vector<Kind>{Kind::kStart});
  Settle(cluster);
  EXPECT_EQ(events_, (std::vector<std::string>{"Recovering cache nodes 0001",
                                               "Finished recovery for cache nodes 0001"}));
}

// kilnd ends its nodes when it is stopped; what they held is gone when it starts them again.
TEST_F(PlanTest, ANodeThatDidNotRunWhenKilndStartedIsStartedAndTold) {
  CacheCluster cluster = Settle(Memcached(2));
  int64_t version = cluster.discovery_version;
  events_.clear();
  Fail("web.0001", NodeProblem::kNone, "");
  EXPECT_EQ(KindsOf(PlanOf(cluster)), std::vector<Kind>{Kind::kStart});
  cluster = Settle(cluster);
  EXPECT_EQ(cluster.nodes[0].status, "available");
  EXPECT_EQ(cluster.discovery_version, version);
  EXPECT_EQ(events_, std::vector<std::string>{"Cache node 0001 restarted"});
}

TEST_F(PlanTest, ALiveParameterIsSetWhileTheNodeRuns) {
  CacheCluster cluster = Settle(Redis());
  group_.values["maxmemory-policy"] = "allkeys-lru";
  ClusterPlan plan = PlanOf(cluster);
  ASSERT_EQ(KindsOf(plan), std::vector<Kind>{Kind::kConfigure});
  EXPECT_EQ(plan.steps[0].spec.live_parameters.at("maxmemory-policy"), "allkeys-lru");
  EXPECT_FALSE(Settle(cluster).nodes[0].is_pending_reboot);
}

TEST_F(PlanTest, ARefusedParameterIsToldOnce) {
  CacheCluster cluster = Settle(Redis());
  events_.clear();
  group_.values["maxmemory-policy"] = "allkeys-lru";
  reports_["web.0001"].problem_text = "It refused its parameters: ERR.";
  ClusterPlan plan = PlanOf(cluster);
  ASSERT_TRUE(plan.record);
  EXPECT_EQ(plan.events, std::vector<std::string>{"Cache node 0001 is not as it should be: It "
                                                  "refused its parameters: ERR."});
  EXPECT_TRUE(PlanOf(*plan.record).events.empty());
  Settle(*plan.record);
  EXPECT_EQ(events_, std::vector<std::string>{"Finished recovery for cache nodes 0001"});
}

TEST_F(PlanTest, AParameterOfTheStartWaitsForTheReboot) {
  CacheCluster cluster = Settle(Redis());
  group_.values["databases"] = "32";
  cluster = Settle(cluster);
  EXPECT_TRUE(cluster.nodes[0].is_pending_reboot);
  EXPECT_EQ(reports_["web.0001"].running.start_parameters.at("databases"), "16");
  cluster.status = "rebooting cluster nodes";
  cluster.nodes[0].status = "rebooting";
  cluster.nodes[0].boot = 2;
  EXPECT_EQ(KindsOf(PlanOf(cluster)), std::vector<Kind>{Kind::kRestart});
  events_.clear();
  cluster = Settle(cluster);
  EXPECT_EQ(cluster.status, "available");
  EXPECT_FALSE(cluster.nodes[0].is_pending_reboot);
  EXPECT_EQ(reports_["web.0001"].running.start_parameters.at("databases"), "32");
  EXPECT_EQ(events_, std::vector<std::string>{"Cache node 0001 restarted"});
}

TEST_F(PlanTest, MemcachedNodesLearnOfEachOther) {
  CacheCluster cluster = Settle(Memcached(2));
  EXPECT_EQ(cluster.status, "available");
  std::string text = DiscoveryText(cluster);
  EXPECT_EQ(text.substr(text.find('\n')),
            "\n127.9.0.1|127.9.0.1|11211 127.9.0.2|127.9.0.2|11211\n");
  EXPECT_EQ(reports_["web.0001"].running.discovery, text);
  EXPECT_EQ(reports_["web.0002"].running.discovery, text);
}

TEST_F(PlanTest, ARemovedNodeIsForgottenByClientsBeforeItStops) {
  CacheCluster cluster = Settle(Memcached(3));
  int64_t version = cluster.discovery_version;
  cluster.nodes[1].status = "deleting";
  cluster.status = "modifying";
  ClusterPlan plan = PlanOf(cluster);
  ASSERT_TRUE(plan.record);
  EXPECT_EQ(plan.record->discovered, (std::vector<std::string>{"0001", "0003"}));
  for (const NodeStep& step : plan.steps) EXPECT_EQ(step.kind, Kind::kConfigure);
  cluster = Settle(cluster);
  EXPECT_EQ(cluster.nodes.size(), 2u);
  EXPECT_EQ(cluster.discovery_version, version + 1);
  EXPECT_FALSE(reports_.contains("web.0002"));
}

TEST_F(PlanTest, AnAddedNodeRaisesTheVersionOnce) {
  CacheCluster cluster = Settle(Memcached(1));
  int64_t version = cluster.discovery_version;
  AddNodeTo(&cluster);
  cluster.status = "modifying";
  cluster = Settle(cluster);
  EXPECT_EQ(cluster.discovery_version, version + 1);
  EXPECT_EQ(cluster.status, "available");
  EXPECT_EQ(events_.back(), "Added cache node 0002 in availability zone us-east-1a");
}

TEST_F(PlanTest, ADeletedClusterIsGoneWhenItsProcessesAre) {
  CacheCluster cluster = Settle(Memcached(2));
  cluster.status = "deleting";
  ClusterPlan plan = PlanOf(cluster);
  EXPECT_EQ(KindsOf(plan), (std::vector<Kind>{Kind::kRemove, Kind::kRemove}));
  EXPECT_FALSE(plan.is_gone);
  Settle(cluster);
  EXPECT_TRUE(is_gone_);
  EXPECT_TRUE(reports_.empty());
}

TEST_F(PlanTest, PendingValuesWaitForTheMaintenanceWindow) {
  CacheCluster cluster = Settle(Redis());
  cluster.pending.node_type = "cache.t3.small";
  EXPECT_FALSE(PlanOf(cluster).applies_pending);
  now_ms_ = kMonday - 24 * 3600 * 1000 + (5 * 60 + 30) * 60000;  // Sunday 05:30.
  EXPECT_TRUE(PlanOf(cluster).applies_pending);
}

TEST_F(PlanTest, NodesOfNoClusterAreRemoved) {
  Settle(Redis());
  std::map<std::string, CacheCluster> clusters;
  std::vector<NodeStep> steps = PlanStrays(clusters, reports_);
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].kind, Kind::kRemove);
  EXPECT_EQ(steps[0].spec.Key(), "web.0001");
  clusters["web"] = Redis();
  EXPECT_TRUE(PlanStrays(clusters, reports_).empty());
}

// Whatever step is the last that was carried out before kilnd died, the next plan goes on.
TEST_F(PlanTest, EveryInterruptionOfACreationIsGoneOnFrom) {
  for (int carried_out = 0; carried_out < 6; ++carried_out) {
    reports_.clear();
    CacheCluster cluster = Memcached(3);
    CarryOutAtMost(carried_out, cluster);
    cluster = Settle(cluster);
    EXPECT_EQ(cluster.status, "available") << carried_out << " steps";
    EXPECT_EQ(reports_.size(), 3u);
  }
}

TEST_F(PlanTest, EveryInterruptionOfAChangeIsGoneOnFrom) {
  for (int carried_out = 0; carried_out < 8; ++carried_out) {
    reports_.clear();
    CacheCluster cluster = Settle(Memcached(3));
    int64_t version = cluster.discovery_version;
    AddNodeTo(&cluster);  // One comes, one goes, one is restarted.
    cluster.nodes[0].status = "deleting";
    cluster.nodes[1].boot = 2;
    cluster.status = "modifying";
    CarryOutAtMost(carried_out, cluster);
    cluster = Settle(cluster);
    EXPECT_EQ(cluster.status, "available") << carried_out << " steps";
    EXPECT_EQ(reports_.size(), 3u);
    EXPECT_FALSE(reports_.contains("web.0001"));
    EXPECT_EQ(reports_["web.0002"].running.boot, 2);
    EXPECT_EQ(cluster.discovered, (std::vector<std::string>{"0002", "0003", "0004"}));
    EXPECT_GT(cluster.discovery_version, version);
  }
}

TEST_F(PlanTest, EveryInterruptionOfADeletionIsGoneOnFrom) {
  for (int carried_out = 0; carried_out < 4; ++carried_out) {
    CacheCluster cluster = Settle(Memcached(3));
    cluster.status = "deleting";
    is_gone_ = false;
    CarryOutAtMost(carried_out, cluster);
    Settle(cluster);
    EXPECT_TRUE(is_gone_) << carried_out << " steps";
    EXPECT_TRUE(reports_.empty());
  }
}

// ---- Snapshots ----

TEST_F(PlanTest, ANodeWaitsForItsSeedAndReadsItOnce) {
  CacheCluster cluster = Redis();
  cluster.seed = "snapshot:nightly/0001";
  EXPECT_TRUE(PlanOf(cluster).steps.empty());
  cluster.seed_path = "/data/staging/seed-web.rdb";
  ClusterPlan plan = PlanOf(cluster);
  ASSERT_EQ(KindsOf(plan), std::vector{Kind::kStart});
  EXPECT_EQ(plan.steps[0].spec.seed, cluster.seed_path);
  cluster = Settle(cluster);
  EXPECT_EQ(cluster.status, "available");
  EXPECT_EQ(cluster.seed + cluster.seed_path, "");
  Fail("web.0001", NodeProblem::kExited, "It was killed.");
  plan = PlanOf(cluster);
  ASSERT_EQ(KindsOf(plan), std::vector{Kind::kStart});
  EXPECT_EQ(plan.steps[0].spec.seed, "") << "old data must not come back";
}

TEST_F(PlanTest, ANodeThatEndsOverItsSeedIsNotStartedAgain) {
  CacheCluster cluster = Redis();
  cluster.seed = "snapshot:nightly/0001";
  cluster.seed_path = "/data/staging/seed-web.rdb";
  Fail("web.0001", NodeProblem::kAddressTaken, "Another program listens.");
  reports_["web.0001"].running.cluster_id = "web";
  EXPECT_EQ(PlanOf(cluster).steps.size(), 1u) << "that may pass";
  Fail("web.0001", NodeProblem::kExited, "It is too large.");
  ClusterPlan plan = PlanOf(cluster);
  ASSERT_TRUE(plan.record);
  EXPECT_TRUE(plan.steps.empty());
  EXPECT_EQ(plan.record->status, "restore-failed");
  EXPECT_EQ(plan.events, std::vector<std::string>{"Cache node 0001 does not start: It is too "
                                                  "large."});
  EXPECT_TRUE(PlanOf(*plan.record).steps.empty());
  EXPECT_FALSE(PlanOf(*plan.record).record);
}

TEST_F(PlanTest, ReplicasWaitForASeedingPrimary) {
  CacheCluster replica = Redis();
  ReplicationGroup group;
  NodeGroup shard;
  shard.primary_cluster = "other";
  ShardView place{.group = group, .shard = shard, .primary_node = {"127.9.0.9", 6379}};
  place.is_primary_seeding = true;
  EXPECT_TRUE(PlanCluster({replica, group_, &place, reports_, now_ms_}).steps.empty());
  place.is_primary_seeding = false;
  EXPECT_EQ(PlanCluster({replica, group_, &place, reports_, now_ms_}).steps.size(), 1u);
}

TEST_F(PlanTest, NothingIsRemovedBeforeTheFinalSnapshot) {
  CacheCluster cluster = Settle(Redis());
  cluster.status = "deleting";
  cluster.final_snapshot = "last";
  ClusterPlan plan = PlanOf(cluster);
  EXPECT_TRUE(plan.steps.empty() && !plan.is_gone);
  cluster.final_snapshot.clear();
  EXPECT_EQ(KindsOf(PlanOf(cluster)), std::vector{Kind::kRemove});
}

TEST_F(PlanTest, AClusterStaysSnapshottingUntilItIsToldOtherwise) {
  CacheCluster cluster = Settle(Redis());
  cluster.status = "snapshotting";
  EXPECT_FALSE(PlanOf(cluster).record);
}

}  // namespace
}  // namespace kiln
