// How a member of a replication group is to run: its place, its endpoints, leases and durability.
#include <gtest/gtest.h>

#include <algorithm>

#include "control/model/parameter_groups.h"
#include "control/orchestrator/plan.h"

namespace kiln {
namespace {

const Endpoint kPrimaryEndpoint{"127.9.1.1", 6379};
const Endpoint kReaderEndpoint{"127.9.1.2", 6379};

class MemberPlanTest : public testing::Test {
 protected:
  MemberPlanTest() {
    group_.id = "web";
    NodeGroup& shard = group_.node_groups.emplace_back();
    shard.member_clusters = {"web-001", "web-002"};
    shard.primary_cluster = "web-001";
    shard.primary_endpoint = kPrimaryEndpoint;
    shard.reader_endpoint = kReaderEndpoint;
    parameters_.family = "redis7";
    for (const std::string& id : shard.member_clusters) AddMember(id);
    ReportOf("web-002").replication.is_link_up = ReportOf("web-002").replication.has_synced = true;
  }

  void AddMember(const std::string& id) {
    CacheCluster& cluster = clusters_[id];
    cluster.id = id;
    cluster.engine = "redis";
    cluster.node_type = "cache.t3.micro";
    cluster.status = "available";
    CacheNode& node = cluster.nodes.emplace_back();
    node.id = "0001";
    node.status = "available";
    NodeReport& report = ReportOf(id);
    report.state = NodeState::kReady;
    report.running.cluster_id = id;
    report.running.node_id = "0001";
    report.running.is_grouped = true;
    report.replication.is_known = true;
    report.replication.is_primary = id == "web-001";
  }

  NodeReport& ReportOf(const std::string& id) { return reports_[id + ".0001"]; }

  ShardView Shard() const {
    ShardView view{.group = group_, .shard = group_.node_groups[0], .primary_node = {}};
    view.has_leases = has_leases_;
    view.has_reader = true;
    return view;
  }
  NodeSpec Spec(const std::string& id) const {
    ShardView shard = Shard();
    const CacheCluster& cluster = clusters_.at(id);
    return SpecOf({cluster, parameters_, &shard, reports_}, cluster.nodes[0]);
  }
  bool HasEndpoint(const std::string& id, const Endpoint& endpoint) const {
    std::vector<Endpoint> endpoints = Spec(id).endpoints;
    return std::find(endpoints.begin(), endpoints.end(), endpoint) != endpoints.end();
  }

  ReplicationGroup group_;
  ParameterGroup parameters_;
  std::map<std::string, CacheCluster> clusters_;
  NodeReports reports_;
  bool has_leases_ = false;
};

TEST_F(MemberPlanTest, MembersRequireLeasesWhereThereAreAny) {
  EXPECT_EQ(Spec("web-001").live_parameters.at("requires-lease"), "no");
  has_leases_ = true;
  EXPECT_EQ(Spec("web-001").live_parameters.at("requires-lease"), "yes");
  EXPECT_EQ(Spec("web-002").live_parameters.at("requires-lease"), "yes");
}

TEST_F(MemberPlanTest, AMembersDurabilityIsThatOfItsParameterGroup) {
  EXPECT_EQ(Spec("web-001").live_parameters.at("durability"), "disabled");
  parameters_.values = {{"durability", "sync"}, {"durability-max-lag", "3"}};
  EXPECT_EQ(Spec("web-001").live_parameters.at("durability"), "sync");
  EXPECT_EQ(Spec("web-001").live_parameters.at("durability-max-lag"), "3");
}

TEST_F(MemberPlanTest, WhoStandsAloneWaitsForNobody) {
  parameters_.values = {{"durability", "sync"}};
  const CacheCluster& cluster = clusters_.at("web-001");
  NodeSpec spec = SpecOf({cluster, parameters_, nullptr, reports_}, cluster.nodes[0]);
  EXPECT_EQ(spec.live_parameters.at("durability"), "disabled");
  EXPECT_EQ(spec.live_parameters.at("requires-lease"), "no");
}

TEST_F(MemberPlanTest, APrimaryOpensItsEndpointWhenItHasItsLease) {
  EXPECT_TRUE(HasEndpoint("web-001", kPrimaryEndpoint));
  has_leases_ = true;
  EXPECT_FALSE(HasEndpoint("web-001", kPrimaryEndpoint));
  ReportOf("web-001").has_lease = true;
  EXPECT_TRUE(HasEndpoint("web-001", kPrimaryEndpoint));
  // Found by a kilnd that has granted nothing yet.
  ReportOf("web-001").has_lease = false;
  ReportOf("web-001").running.endpoints = {kPrimaryEndpoint};
  EXPECT_TRUE(HasEndpoint("web-001", kPrimaryEndpoint));
}

TEST_F(MemberPlanTest, APrimaryIsAvailableWhenItHasItsLease) {
  has_leases_ = true;
  CacheCluster& cluster = clusters_.at("web-001");
  cluster.status = cluster.nodes[0].status = "creating";
  auto plan = [&] {
    ShardView shard = Shard();
    return PlanCluster({cluster, parameters_, &shard, reports_, 1});
  };
  EXPECT_FALSE(plan().record);
  ReportOf("web-001").has_lease = true;
  ASSERT_TRUE(plan().record);
  EXPECT_EQ(plan().record->nodes[0].status, "available");
}

TEST_F(MemberPlanTest, AReplicaKeepsItsReadersWhileItsLinkIsDownForAMoment) {
  EXPECT_TRUE(HasEndpoint("web-002", kReaderEndpoint));
  ReplicationReport& own = ReportOf("web-002").replication;
  own.is_link_up = false;
  EXPECT_FALSE(HasEndpoint("web-002", kReaderEndpoint)) << "nobody came to it before";
  ReportOf("web-002").running.endpoints = {kReaderEndpoint};
  EXPECT_TRUE(HasEndpoint("web-002", kReaderEndpoint));
  own.is_syncing = true;
  EXPECT_FALSE(HasEndpoint("web-002", kReaderEndpoint)) << "its data are replaced";
  own.is_syncing = false;
  own.link_down_s = 60;
  EXPECT_FALSE(HasEndpoint("web-002", kReaderEndpoint)) << "its data are old";
}

}  // namespace
}  // namespace kiln
