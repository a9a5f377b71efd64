#include "control/orchestrator/orchestrator.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "control/agent/simulated_agent.h"
#include "control/model/cluster_changes.h"
#include "control/model/store_keys.h"
#include "control/store/load.h"
#include "control/store/sqlite_store.h"

namespace kiln {
namespace {

// The real store in memory, and nodes without processes.
class OrchestratorTest : public testing::Test {
 protected:
  OrchestratorTest()
      : store_(OpenStore()), addresses_(*store_, site_, 77), orchestrator_(MakeOrchestrator()) {}

  static std::unique_ptr<Store> OpenStore() {
    std::string problem;
    return SqliteStore::Open(":memory:", &problem);
  }
  std::unique_ptr<Orchestrator> MakeOrchestrator(FailoverLimits limits = {}) {
    return std::make_unique<Orchestrator>(
        *store_, agent_, addresses_, [this] { return now_ms_; }, limits);
  }

  CacheCluster NewCluster(const std::string& id) {
    CacheCluster cluster;
    cluster.id = id;
    cluster.engine = "redis";
    cluster.engine_version = "7.1.0";
    cluster.node_type = "cache.t3.micro";
    cluster.parameter_group = "default.redis7";
    cluster.maintenance_window = "sun:05:00-sun:06:00";
    cluster.port = 6379;
    Transaction transaction;
    AddNode(&cluster, *addresses_.Reserve(6379, id, &transaction), "us-east-1a");
    transaction.puts.push_back({ClusterKey(id), ToJson(cluster)});
    EXPECT_TRUE(store_->Txn(transaction));
    return cluster;
  }

  std::optional<Loaded<CacheCluster>> Stored(const std::string& id) {
    auto found = Load<CacheCluster>(*store_, ClusterKey(id));
    return found ? *found : std::nullopt;
  }
  std::string StatusOf(const std::string& id) {
    auto found = Stored(id);
    return found ? found->document.status : "gone";
  }

  template <typename Change>
  bool ChangeStored(const std::string& id, Change&& change) {
    auto found = Stored(id);
    change(found->document);
    return static_cast<bool>(store_->Txn({.compares = {{ClusterKey(id), found->revision}},
                                          .puts = {{ClusterKey(id), ToJson(found->document)}},
                                          .deletes = {}}));
  }

  void Settle() {
    for (int round = 0; round < 20 && orchestrator_->RunOnce(); ++round) {
    }
    EXPECT_FALSE(orchestrator_->RunOnce());
  }

  size_t CountUnder(std::string_view prefix) { return (*store_->List(prefix)).size(); }

  Site site_;
  int64_t now_ms_ = 1767571200000;
  std::unique_ptr<Store> store_;
  SimulatedAgent agent_;
  AddressBook addresses_;
  std::unique_ptr<Orchestrator> orchestrator_;
};

TEST_F(OrchestratorTest, BringsUpWhatIsDesiredAndTellsSo) {
  NewCluster("web");
  Settle();
  EXPECT_EQ(StatusOf("web"), "available");
  EXPECT_EQ(agent_.Observe().size(), 1u);
  EXPECT_EQ(CountUnder(kEventPrefix), 1u);
}

TEST_F(OrchestratorTest, SeesChangesOfDocumentsItHasRead) {
  NewCluster("web");
  Settle();
  NewCluster("two");
  EXPECT_TRUE(ChangeStored("web", [](CacheCluster& cluster) { cluster.status = "deleting"; }));
  Settle();
  EXPECT_EQ(StatusOf("web"), "gone");
  EXPECT_EQ(StatusOf("two"), "available");
  EXPECT_EQ(agent_.Observe().size(), 1u);
}

TEST_F(OrchestratorTest, ADeletedClusterFreesItsAddresses) {
  NewCluster("web");
  Settle();
  EXPECT_EQ(CountUnder(kAddressPrefix), 1u);
  EXPECT_TRUE(ChangeStored("web", [](CacheCluster& cluster) { cluster.status = "deleting"; }));
  Settle();
  EXPECT_EQ(CountUnder(kAddressPrefix), 0u);
}

TEST_F(OrchestratorTest, AnotherOneGoesOnWhereTheFirstEnded) {
  NewCluster("web");
  orchestrator_->RunOnce();
  orchestrator_ = nullptr;
  orchestrator_ = MakeOrchestrator();
  Settle();
  EXPECT_EQ(StatusOf("web"), "available");
}

TEST_F(OrchestratorTest, ADocumentThatCannotBeReadAndItsNodesAreLeftAlone) {
  NewCluster("odd");
  Settle();
  ASSERT_TRUE(store_->Txn(
      {.compares = {}, .puts = {{ClusterKey("odd"), "{\"schema\": 99}"}}, .deletes = {}}));
  NewCluster("web");
  Settle();
  EXPECT_EQ(StatusOf("web"), "available");
  EXPECT_EQ(CountUnder(kClusterPrefix), 2u);
  EXPECT_EQ(agent_.Observe().size(), 2u);
}

TEST_F(OrchestratorTest, OnlyWhoIsWrittenDownAsThePrimaryIsGrantedALease) {
  orchestrator_ = nullptr;
  orchestrator_ = MakeOrchestrator({.can_end = false, .lease_ms = 3000});
  ReplicationGroup group;
  group.id = "web";
  group.automatic_failover = "enabling";
  NodeGroup& shard = group.node_groups.emplace_back();
  shard.member_clusters = {"web-001", "web-002"};
  shard.primary_cluster = "web-001";
  for (const std::string& id : shard.member_clusters) {
    NewCluster(id);
    ChangeStored(id, [](CacheCluster& cluster) { cluster.replication_group_id = "web"; });
  }
  ASSERT_TRUE(store_->Txn(
      {.compares = {}, .puts = {{ReplicationGroupKey("web"), ToJson(group)}}, .deletes = {}}));
  Settle();
  EXPECT_EQ(StatusOf("web-001"), "available");
  auto holders = [&] {
    std::vector<std::string> ids;
    for (const NodeReport& report : agent_.Observe()) {
      if (report.has_lease) ids.push_back(report.running.cluster_id);
    }
    return ids;
  };
  EXPECT_EQ(holders(), std::vector<std::string>{"web-001"});
  agent_.EndNode("web-001.0001");
  Settle();
  EXPECT_EQ(holders(), std::vector<std::string>{"web-002"});
  EXPECT_EQ(StatusOf("web-002"), "available");
}

TEST_F(OrchestratorTest, PendingNodesGetTheirAddressesInTheWindow) {
  CacheCluster cluster = NewCluster("mc");
  EXPECT_TRUE(ChangeStored("mc", [](CacheCluster& document) {
    document.engine = "memcached";
    document.parameter_group = "default.memcached1.6";
    document.pending.num_cache_nodes = 3;
  }));
  Settle();
  EXPECT_EQ(Stored("mc")->document.nodes.size(), 1u);
  now_ms_ -= 24 * 3600 * 1000 - (5 * 60 + 30) * 60000;  // Sunday 05:30.
  Settle();
  EXPECT_EQ(Stored("mc")->document.nodes.size(), 3u);
  EXPECT_EQ(StatusOf("mc"), "available");
  EXPECT_TRUE(Stored("mc")->document.pending.empty());
  EXPECT_EQ(CountUnder(kAddressPrefix), 3u);
}

TEST_F(OrchestratorTest, AParameterGroupReachesItsClusters) {
  ParameterGroup group{
      .name = "pg", .family = "redis7", .description = "", .values = {}, .tags = {}};
  auto put_group = [&] {
    ASSERT_TRUE(store_->Txn(
        {.compares = {}, .puts = {{ParameterGroupKey("pg"), ToJson(group)}}, .deletes = {}}));
  };
  put_group();
  NewCluster("web");
  ASSERT_TRUE(ChangeStored("web", [](CacheCluster& document) { document.parameter_group = "pg"; }));
  Settle();
  group.values["maxmemory-policy"] = "allkeys-lfu";
  put_group();
  Settle();
  EXPECT_EQ(agent_.Observe()[0].running.live_parameters.at("maxmemory-policy"), "allkeys-lfu");
}

// For ThreadSanitizer: the running thread against changes from others.
TEST_F(OrchestratorTest, RunsBesideThoseWhoChangeWhatIsDesired) {
  orchestrator_->Start();
  std::vector<std::thread> users;
  for (const std::string id : {"a", "b", "c"}) {
    users.emplace_back([this, id] {
      NewCluster(id);
      auto is = [&](const std::string& status) {
        while (StatusOf(id) != status) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      };
      is("available");
      while (!ChangeStored(id, [](CacheCluster& document) { document.status = "deleting"; })) {
      }
      is("gone");
    });
  }
  for (std::thread& user : users) user.join();
  orchestrator_->Stop();
  EXPECT_TRUE(agent_.Observe().empty());
}

}  // namespace
}  // namespace kiln
