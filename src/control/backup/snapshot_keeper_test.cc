#include "control/backup/snapshot_keeper.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "base/whole_file.h"
#include "control/model/cluster_changes.h"
#include "control/model/snapshots.h"
#include "control/model/store_keys.h"
#include "control/store/load.h"
#include "control/store/sqlite_store.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

// The real store in memory, files in a temporary folder, and nodes that write what they are told.
class SnapshotKeeperTest : public testing::Test {
 protected:
  SnapshotKeeperTest() {
    char path[] = "/tmp/kiln-keeper-test-XXXXXX";
    EXPECT_NE(mkdtemp(path), nullptr);
    folder_ = path;
    std::string problem;
    store_ = SqliteStore::Open(":memory:", &problem);
    vault_ = std::make_unique<FolderVault>(folder_ + "/snapshots", false);
    Restart();
    AddCluster("web");
  }
  ~SnapshotKeeperTest() override { fs::remove_all(folder_); }

  void Restart() {
    SnapshotNodes nodes;
    nodes.has_data = [this](const std::string& key) { return running_.contains(key); };
    nodes.save = [this](const std::string& key, const std::string& path, auto&&) -> std::string {
      asked_.push_back(key);
      if (!save_problem_.empty()) return save_problem_;
      return ReplaceFile(path, "data of " + key) ? "" : "cannot write";
    };
    SnapshotJobOptions options;
    options.staging_path = folder_ + "/staging";
    options.check = [this](const std::string&, auto&&) { return check_; };
    options.patience_ms = 0;
    keeper_ =
        std::make_unique<SnapshotKeeper>(*store_, *vault_, BucketFolders(folder_ + "/buckets"),
                                         nodes, options, [this] { return now_ms_; });
    keeper_->CleanUp();
  }

  template <typename Document>
  void Put(const std::string& key, const Document& document) {
    EXPECT_TRUE(store_->Txn({.compares = {}, .puts = {{key, ToJson(document)}}, .deletes = {}}));
  }
  template <typename Document>
  Document Get(const std::string& key) {
    auto found = Load<Document>(*store_, key);
    return found && *found ? (*found)->document : Document{};
  }

  CacheCluster AddCluster(const std::string& id, const std::string& group = {}) {
    CacheCluster cluster;
    cluster.id = id;
    cluster.engine = "redis";
    cluster.status = "available";
    cluster.node_type = "cache.t3.micro";
    cluster.replication_group_id = group;
    AddNode(&cluster, {"127.0.0.1", 6379}, "us-east-1a");
    Put(ClusterKey(id), cluster);
    running_.insert(id + ".0001");
    return cluster;
  }

  // As the API asks for one.
  void Ask(const std::string& name, const std::string& cluster_id) {
    CacheCluster cluster = Get<CacheCluster>(ClusterKey(cluster_id));
    auto group = Get<ReplicationGroup>(ReplicationGroupKey(cluster.replication_group_id));
    Snapshot snapshot = SnapshotOf(cluster, group.id.empty() ? nullptr : &group,
                                   [](const std::string&) { return "us-east-1a"; });
    snapshot.name = name;
    cluster.status = "snapshotting";
    Put(SnapshotKey(name), snapshot);
    Put(ClusterKey(cluster_id), cluster);
  }

  void Settle() {
    for (int round = 0; round < 20 && keeper_->RunOnce(); ++round) {
    }
  }

  std::string StatusOf(const std::string& name) { return Get<Snapshot>(SnapshotKey(name)).status; }
  std::string Kept(const std::string& name) {
    std::string text;
    return ReadWholeFile(folder_ + "/snapshots/" + name + "/0001.rdb", &text) ? text : "nothing";
  }
  size_t Staged() const {
    fs::directory_iterator files(folder_ + "/staging");
    return static_cast<size_t>(std::distance(fs::begin(files), fs::end(files)));
  }

  std::string folder_;
  int64_t now_ms_ = 1767571200000;
  std::unique_ptr<Store> store_;
  std::unique_ptr<FileVault> vault_;
  std::set<std::string> running_;
  std::vector<std::string> asked_;
  std::string save_problem_;
  SnapshotCheck check_;
  std::unique_ptr<SnapshotKeeper> keeper_;
};

TEST_F(SnapshotKeeperTest, OneIsTakenCheckedAndKept) {
  Ask("one", "web");
  Settle();
  Snapshot taken = Get<Snapshot>(SnapshotKey("one"));
  EXPECT_EQ(taken.status, "available");
  EXPECT_EQ(taken.nodes.front().bytes, 16);
  EXPECT_EQ(taken.nodes.front().snapshot_create_time_ms, now_ms_);
  EXPECT_EQ(Kept("one"), "data of web.0001");
  EXPECT_EQ(Get<CacheCluster>(ClusterKey("web")).status, "available");
  EXPECT_EQ(Staged(), 0u);
}

TEST_F(SnapshotKeeperTest, AFileThatIsNotSoundIsNotKept) {
  check_ = {"Wrong checksum", true, 0};
  Ask("one", "web");
  Settle();
  EXPECT_EQ(StatusOf("one"), "failed");
  EXPECT_EQ(Kept("one"), "nothing");
  EXPECT_EQ(Get<CacheCluster>(ClusterKey("web")).status, "available");
  EXPECT_EQ(Staged(), 0u);
}

TEST_F(SnapshotKeeperTest, AnotherMemberIsAskedWhenTheFirstCannot) {
  ReplicationGroup group;
  group.id = "g";
  group.status = "snapshotting";
  group.node_groups.emplace_back().member_clusters = {"g-001", "g-002", "g-003"};
  group.node_groups.front().primary_cluster = "g-001";
  Put(ReplicationGroupKey("g"), group);
  for (const char* id : {"g-001", "g-002", "g-003"}) AddCluster(id, "g");
  running_.erase("g-003.0001");
  Ask("one", "g-003");
  Settle();
  EXPECT_EQ(asked_, std::vector<std::string>{"g-002.0001"}) << "a replica before the primary";
  EXPECT_EQ(Get<Snapshot>(SnapshotKey("one")).cluster_id, "g-002");
  save_problem_ = "no room";
  asked_.clear();
  Ask("two", "g-002");
  Settle();
  EXPECT_EQ(asked_, (std::vector<std::string>{"g-002.0001", "g-001.0001"}));
  EXPECT_EQ(StatusOf("two"), "failed");
  for (const char* id : {"g-001", "g-002", "g-003"})
    EXPECT_EQ(Get<CacheCluster>(ClusterKey(id)).status, "available") << id;
}

TEST_F(SnapshotKeeperTest, OneThatWasCutOffIsMadeByTheNext) {
  Ask("one", "web");
  fs::create_directories(folder_ + "/staging");
  ASSERT_TRUE(ReplaceFile(folder_ + "/staging/one-0001.rdb", "hal"));
  Restart();
  EXPECT_EQ(Staged(), 0u);
  Settle();
  EXPECT_EQ(StatusOf("one"), "available");
  EXPECT_EQ(Kept("one"), "data of web.0001");
}

TEST_F(SnapshotKeeperTest, AClusterIsNotDeletedBeforeItsFinalSnapshotIsThere) {
  Ask("last", "web");
  CacheCluster cluster = Get<CacheCluster>(ClusterKey("web"));
  cluster.status = "deleting";
  cluster.final_snapshot = "last";
  Put(ClusterKey("web"), cluster);
  save_problem_ = "no room";
  Settle();
  cluster = Get<CacheCluster>(ClusterKey("web"));
  EXPECT_EQ(StatusOf("last"), "failed");
  EXPECT_EQ(cluster.status, "available") << "it has the only copy";
  EXPECT_EQ(cluster.final_snapshot, "");

  save_problem_.clear();
  Ask("really", "web");
  cluster.status = "deleting";
  cluster.final_snapshot = "really";
  Put(ClusterKey("web"), cluster);
  Settle();
  cluster = Get<CacheCluster>(ClusterKey("web"));
  EXPECT_EQ(cluster.status, "deleting");
  EXPECT_EQ(cluster.final_snapshot, "") << "now it may go";
}

TEST_F(SnapshotKeeperTest, ASeedIsBroughtOnceItIsSound) {
  Ask("one", "web");
  Settle();
  CacheCluster next = AddCluster("next");
  next.status = "creating";
  next.seed = SnapshotSeed("one", "0001");
  Put(ClusterKey("next"), next);
  Settle();
  next = Get<CacheCluster>(ClusterKey("next"));
  std::string text;
  EXPECT_TRUE(ReadWholeFile(next.seed_path, &text));
  EXPECT_EQ(text, "data of web.0001");

  fs::remove(next.seed_path);
  Restart();
  Settle();
  EXPECT_TRUE(fs::exists(Get<CacheCluster>(ClusterKey("next")).seed_path)) << "it was lost";
  EXPECT_TRUE(store_->Txn({.compares = {}, .puts = {}, .deletes = {ClusterKey("next")}}));
  Settle();
  EXPECT_EQ(Staged(), 0u);
}

TEST_F(SnapshotKeeperTest, ASeedThatCannotBeUsedFailsTheRestore) {
  Ask("one", "web");
  Settle();
  CacheCluster next = AddCluster("next");
  next.status = "creating";
  next.seed = SnapshotSeed("one", "0001");
  check_.memory_bytes = int64_t{1} << 40;
  Put(ClusterKey("next"), next);
  Settle();
  EXPECT_EQ(Get<CacheCluster>(ClusterKey("next")).status, "restore-failed") << "it is too large";
  next.id = "other";
  next.seed = "arn:aws:s3:::shelf/none.rdb";
  Put(ClusterKey("other"), next);
  Settle();
  EXPECT_EQ(Get<CacheCluster>(ClusterKey("other")).status, "restore-failed") << "it is not there";
  EXPECT_EQ(Staged(), 0u);
}

TEST_F(SnapshotKeeperTest, FilesGoBeforeTheDocument) {
  Ask("one", "web");
  Settle();
  Snapshot snapshot = Get<Snapshot>(SnapshotKey("one"));
  snapshot.status = "deleting";
  Put(SnapshotKey("one"), snapshot);
  Settle();
  EXPECT_EQ(StatusOf("one"), "creating") << "there is none: this is a new one's";
  EXPECT_EQ(Get<Snapshot>(SnapshotKey("one")).name, "");
  EXPECT_FALSE(fs::exists(folder_ + "/snapshots/one"));
}

}  // namespace
}  // namespace kiln
