#include "control/backup/backup_plan.h"

#include <gtest/gtest.h>

#include "control/model/snapshots.h"

namespace kiln {
namespace {

using Names = std::vector<std::string>;

constexpr int64_t kHourMs = 3600 * 1000;
constexpr int64_t kMidnightMs = 1767571200000;  // 2026-01-05 00:00 UTC.
constexpr int64_t kInWindowMs = kMidnightMs + 5 * kHourMs + kHourMs / 2;

class BackupPlanTest : public testing::Test {
 protected:
  CacheCluster& AddCluster(const std::string& id, int retention_days) {
    CacheCluster& cluster = clusters_[id].document;
    cluster.id = id;
    cluster.engine = "redis";
    cluster.status = "available";
    cluster.snapshot_window = "05:00-06:00";
    cluster.snapshot_retention_days = retention_days;
    return cluster;
  }

  Snapshot& AddAutomatic(const std::string& cluster_id, int64_t time_ms,
                         const std::string& status = "available") {
    std::string name = AutomaticSnapshotName(cluster_id, time_ms);
    Snapshot& snapshot = snapshots_[name].document;
    snapshot.name = name;
    snapshot.source = "automated";
    snapshot.cluster_id = cluster_id;
    snapshot.create_time_ms = time_ms;
    snapshot.status = status;
    return snapshot;
  }

  BackupPlan PlanAt(int64_t now_ms) const {
    return PlanBackups({clusters_, groups_, snapshots_, now_ms});
  }

  std::map<std::string, Loaded<CacheCluster>> clusters_;
  std::map<std::string, Loaded<ReplicationGroup>> groups_;
  std::map<std::string, Loaded<Snapshot>> snapshots_;
};

TEST_F(BackupPlanTest, OneIsTakenInTheWindowOnceADay) {
  AddCluster("web", 1);
  EXPECT_EQ(PlanAt(kInWindowMs).take, Names{"web"});
  EXPECT_EQ(PlanAt(kInWindowMs - kHourMs).take, Names{});
  EXPECT_EQ(PlanAt(kInWindowMs + kHourMs).take, Names{});
  AddAutomatic("web", kInWindowMs);
  EXPECT_EQ(PlanAt(kInWindowMs + 1000).take, Names{});
  EXPECT_EQ(PlanAt(kInWindowMs + kDayMs - 1000).take, Names{"web"});
}

TEST_F(BackupPlanTest, AWindowMayGoOverMidnight) {
  AddCluster("web", 1).snapshot_window = "23:30-00:30";
  int64_t before = kMidnightMs - kHourMs / 4, after = kMidnightMs + kHourMs / 4;
  EXPECT_EQ(PlanAt(before).take, Names{"web"});
  AddAutomatic("web", before);
  EXPECT_EQ(PlanAt(after).take, Names{});
  EXPECT_EQ(PlanAt(after + kDayMs).take, Names{"web"});
}

TEST_F(BackupPlanTest, OnlyWhatIsAvailableAndWantsAny) {
  AddCluster("none", 0);
  AddCluster("busy", 1).status = "modifying";
  AddCluster("memcached", 1).engine = "memcached";
  EXPECT_EQ(PlanAt(kInWindowMs).take, Names{});
}

TEST_F(BackupPlanTest, OneThatFailedIsTriedAgainAfterAWhile) {
  AddCluster("web", 1);
  AddAutomatic("web", kInWindowMs, "failed");
  EXPECT_EQ(PlanAt(kInWindowMs + 60 * 1000).take, Names{});
  EXPECT_EQ(PlanAt(kInWindowMs + 11 * 60 * 1000).take, Names{"web"});
}

TEST_F(BackupPlanTest, AGroupHasOneSnapshotForAllItsMembers) {
  for (const char* id : {"g-001", "g-002"}) AddCluster(id, 1).replication_group_id = "g";
  ReplicationGroup& group = groups_["g"].document;
  group.id = "g";
  group.status = "available";
  group.snapshot_window = "05:00-06:00";
  group.snapshot_retention_days = 1;
  NodeGroup& shard = group.node_groups.emplace_back();
  shard.member_clusters = {"g-001", "g-002"};
  shard.primary_cluster = "g-001";
  EXPECT_EQ(PlanAt(kInWindowMs).take, Names{"g-002"});
  group.snapshotting_cluster = "g-001";
  EXPECT_EQ(PlanAt(kInWindowMs).take, Names{"g-001"});
  AddAutomatic("g-002", kInWindowMs).replication_group_id = "g";
  EXPECT_EQ(PlanAt(kInWindowMs + 1000).take, Names{});
}

TEST_F(BackupPlanTest, AnOldOneGoesOnlyWhenANewerOneIsThere) {
  AddCluster("web", 2);
  std::string oldest = AddAutomatic("web", kInWindowMs).name;
  int64_t now_ms = kInWindowMs + 2 * kDayMs;
  EXPECT_EQ(PlanAt(now_ms).forget, Names{});
  AddAutomatic("web", kInWindowMs + kDayMs);
  EXPECT_EQ(PlanAt(now_ms - 1000).forget, Names{});
  EXPECT_EQ(PlanAt(now_ms).forget, Names{oldest});
}

TEST_F(BackupPlanTest, OneThatIsBeingMadeOrHasFailedIsNoNewerOne) {
  AddCluster("web", 1);
  AddAutomatic("web", kInWindowMs);
  AddAutomatic("web", kInWindowMs + kDayMs, "creating");
  std::string failed = AddAutomatic("web", kInWindowMs + 2 * kDayMs, "failed").name;
  EXPECT_EQ(PlanAt(kInWindowMs + 3 * kDayMs).forget, Names{});
  AddAutomatic("web", kInWindowMs + 3 * kDayMs);
  EXPECT_EQ(PlanAt(kInWindowMs + 3 * kDayMs).forget.size(), 2u);
}

TEST_F(BackupPlanTest, AutomaticOnesGoWithTheirCluster) {
  std::string orphan = AddAutomatic("gone", kInWindowMs).name;
  AddAutomatic("gone", kInWindowMs + kDayMs, "restoring");
  AddAutomatic("manual", kInWindowMs).source = "manual";
  EXPECT_EQ(PlanAt(kInWindowMs + kDayMs).forget, Names{orphan});
}

TEST_F(BackupPlanTest, PassingStatusesEndWhenNobodyWorksOnThem) {
  AddCluster("web", 0).status = "snapshotting";
  AddAutomatic("web", kInWindowMs, "creating");
  EXPECT_EQ(PlanAt(kInWindowMs).release, Names{});
  snapshots_.clear();
  EXPECT_EQ(PlanAt(kInWindowMs).release, Names{"web"});

  CacheCluster& next = AddCluster("next", 0);
  next.status = "creating";
  next.seed = SnapshotSeed("nightly", "0001");
  snapshots_["nightly"].document.name = "nightly";
  snapshots_["nightly"].document.status = "restoring";
  EXPECT_EQ(PlanAt(kInWindowMs).restored, Names{});
  next.seed.clear();
  EXPECT_EQ(PlanAt(kInWindowMs).restored, Names{"nightly"});
}

TEST(SnapshotNames, SeedsAreReadAsTheyAreWritten) {
  std::optional<Seed> seed = ParseSeed(SnapshotSeed("nightly", "0001"));
  ASSERT_TRUE(seed);
  EXPECT_EQ(seed->snapshot, "nightly");
  EXPECT_EQ(seed->node_group_id, "0001");
  seed = ParseSeed("arn:aws:s3:::shelf/a/b.rdb");
  ASSERT_TRUE(seed);
  EXPECT_EQ(seed->bucket, "shelf");
  EXPECT_EQ(seed->key, "a/b.rdb");
  for (const char* text : {"", "arn:aws:s3:::shelf", "arn:aws:s3:::/key", "arn:aws:s3:::shelf/"})
    EXPECT_FALSE(ParseSeed(text)) << text;
}

}  // namespace
}  // namespace kiln
