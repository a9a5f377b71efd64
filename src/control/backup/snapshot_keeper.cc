#include "control/backup/snapshot_keeper.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>

#include "base/log.h"
#include "base/time.h"
#include "control/model/snapshots.h"
#include "control/model/store_keys.h"

namespace kiln {
namespace {

constexpr uint64_t kUsPerMs = 1000;
constexpr int kSettleMs = 10;  // Changes that come together are looked at together.

}  // namespace

SnapshotKeeper::SnapshotKeeper(Store& store, FileVault& snapshots, OpenBucket open_bucket,
                               SnapshotNodes nodes, SnapshotJobOptions options,
                               std::function<int64_t()> now_ms)
    : store_(store),
      now_ms_(now_ms),
      clusters_(store, kClusterPrefix, [this] { Wake(); }),
      groups_(store, kReplicationGroupPrefix, [this] { Wake(); }),
      all_(store, kSnapshotPrefix, [this] { Wake(); }),
      jobs_(store, snapshots, std::move(open_bucket), std::move(nodes), std::move(options),
            std::move(now_ms), [this] {
              std::lock_guard lock(mutex_);
              return !is_stopping_;
            }) {}

void SnapshotKeeper::Start() {
  planner_ = std::thread([this] { Run(); });
  for (size_t i = 0; i < kWorkers; ++i) workers_.emplace_back([this] { RunJobs(); });
}

void SnapshotKeeper::Stop() {
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  woken_.notify_all();
  has_job_.notify_all();
  if (planner_.joinable()) planner_.join();
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
}

void SnapshotKeeper::Wake() {
  {
    std::lock_guard lock(mutex_);
    has_news_ = true;
  }
  woken_.notify_one();
}

void SnapshotKeeper::Run() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    int idle_ms = not_before_.empty() ? kIdleMs : kRetryMs;
    woken_.wait_for(lock, std::chrono::milliseconds(idle_ms),
                    [this] { return has_news_ || is_stopping_; });
    woken_.wait_for(lock, std::chrono::milliseconds(kSettleMs), [this] { return is_stopping_; });
    if (is_stopping_) return;
    has_news_ = false;
    std::erase_if(not_before_, [](const auto& wait) { return MonotonicUs() >= wait.second; });
    lock.unlock();
    Plan();
    lock.lock();
  }
}

void SnapshotKeeper::RunJobs() {
  std::unique_lock lock(mutex_);
  while (true) {
    has_job_.wait(lock, [this] { return is_stopping_ || !queue_.empty(); });
    if (is_stopping_) return;
    auto [name, job] = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    bool is_done = job();
    lock.lock();
    busy_.erase(name);
    has_news_ = true;  // It may be due again.
    if (is_done) {
      not_before_.erase(name);
    } else {
      not_before_[name] = MonotonicUs() + kRetryMs * kUsPerMs;
    }
    woken_.notify_one();
  }
}

bool SnapshotKeeper::RunOnce() {
  bool did_any = Plan();
  std::unique_lock lock(mutex_);
  while (!queue_.empty()) {
    auto [name, job] = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    job();
    did_any = true;
    lock.lock();
    busy_.erase(name);
  }
  return did_any;
}

// Unless it is under way, or has just failed.
void SnapshotKeeper::Queue(const std::string& name, Job job) {
  std::lock_guard lock(mutex_);
  auto wait = not_before_.find(name);
  if (wait != not_before_.end() && MonotonicUs() < wait->second) return;
  if (!busy_.insert(name).second) return;
  queue_.emplace_back(name, std::move(job));
  has_job_.notify_one();
}

void SnapshotKeeper::QueueJobs() {
  struct Row {
    const char* status;
    bool (SnapshotJobs::*run)(const std::string&);
  };
  constexpr Row kRows[] = {{"copying", &SnapshotJobs::Copy},
                           {"creating", &SnapshotJobs::Take},
                           {"deleting", &SnapshotJobs::Remove},
                           {"exporting", &SnapshotJobs::Export}};
  for (const auto& [name, loaded] : all_.all()) {
    for (const Row& row : kRows) {
      if (loaded.document.status != row.status) continue;
      Queue(SnapshotKey(name), [this, name = name, run = row.run] { return (jobs_.*run)(name); });
    }
  }
  for (const auto& [id, loaded] : clusters_.all()) {
    const CacheCluster& cluster = loaded.document;
    if (cluster.seed.empty() || !cluster.seed_path.empty() || cluster.status != "creating")
      continue;
    Queue(ClusterKey(id), [this, id = id] { return jobs_.BringSeed(id); });
  }
}

// True when it wrote anything.
bool SnapshotKeeper::Plan() {
  if (!clusters_.Refresh() || !groups_.Refresh() || !all_.Refresh()) {
    Wake();
    return false;
  }
  BackupPlan plan = PlanBackups({clusters_.all(), groups_.all(), all_.all(), now_ms_()});
  bool did_any = false;
  for (const std::string& id : plan.take) did_any |= TakeAutomatic(id);
  for (const std::string& name : plan.forget) {
    const char* status = all_.Find(name)->status == "failed" ? "failed" : "available";
    did_any |= ChangeStatus(SnapshotKey(name), status, "deleting");
  }
  did_any |= Release(plan);
  DropSeeds();
  QueueJobs();
  return did_any;
}

// What the plan was made of may be of different moments. Who begins a snapshot, or to restore one,
// changes the document that is changed here as well: so what is read now decides, and what was read
// before is compared.
bool SnapshotKeeper::Release(const BackupPlan& plan) {
  if (plan.release.empty() && plan.restored.empty()) return false;
  DocumentCache<CacheCluster> clusters(store_, kClusterPrefix, [] {});
  DocumentCache<ReplicationGroup> groups(store_, kReplicationGroupPrefix, [] {});
  DocumentCache<Snapshot> snapshots(store_, kSnapshotPrefix, [] {});
  if (!clusters.Refresh() || !groups.Refresh() || !snapshots.Refresh()) return false;
  BackupPlan now = PlanBackups({clusters.all(), groups.all(), snapshots.all(), now_ms_()});
  auto has = [](const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
  };
  bool did_any = false;
  for (const std::string& id : plan.release) {
    if (has(now.release, id)) did_any |= ChangeStatus(ClusterKey(id), "snapshotting", "available");
  }
  for (const std::string& name : plan.restored) {
    if (has(now.restored, name))
      did_any |= ChangeStatus(SnapshotKey(name), "restoring", "available");
  }
  return did_any;
}

// Files of clusters that went before they used them.
void SnapshotKeeper::DropSeeds() {
  for (const auto& [id, loaded] : clusters_.all()) {
    if (!loaded.document.seed_path.empty()) seeds_[id] = loaded.document.seed_path;
  }
  std::erase_if(seeds_, [this](const auto& seed) {
    const CacheCluster* cluster = clusters_.Find(seed.first);
    if (cluster != nullptr && cluster->seed_path == seed.second) return false;
    std::error_code ignored;
    std::filesystem::remove(seed.second, ignored);
    return true;
  });
}

// Somebody else's change is no trouble: the next round looks again.
bool SnapshotKeeper::ChangeStatus(const std::string& key, const char* from, const char* to) {
  auto change = [&](auto document, uint64_t revision) {
    if (document.status != from) return false;
    document.status = to;
    return static_cast<bool>(store_.Txn(
        {.compares = {{key, revision}}, .puts = {{key, ToJson(document)}}, .deletes = {}}));
  };
  if (key.starts_with(kSnapshotPrefix)) {
    auto found = all_.all().find(key.substr(kSnapshotPrefix.size()));
    return change(found->second.document, found->second.revision);
  }
  auto found = clusters_.all().find(key.substr(kClusterPrefix.size()));
  return change(found->second.document, found->second.revision);
}

bool SnapshotKeeper::TakeAutomatic(const std::string& cluster_id) {
  Loaded<CacheCluster> source = clusters_.all().at(cluster_id);
  CacheCluster& cluster = source.document;
  Transaction transaction;
  auto group = groups_.all().find(cluster.replication_group_id);
  const ReplicationGroup* of = group == groups_.all().end() ? nullptr : &group->second.document;
  Snapshot snapshot = SnapshotOf(cluster, of, [this](const std::string& id) -> std::string {
    const CacheCluster* member = clusters_.Find(id);
    return member == nullptr || member->nodes.empty() ? "" : member->nodes.front().zone;
  });
  snapshot.source = "automated";
  snapshot.create_time_ms = now_ms_();
  snapshot.name = AutomaticSnapshotName(cluster_id, snapshot.create_time_ms);
  transaction.compares.push_back({SnapshotKey(snapshot.name), 0});
  transaction.puts.push_back({SnapshotKey(snapshot.name), ToJson(snapshot)});
  cluster.status = "snapshotting";
  transaction.compares.push_back({ClusterKey(cluster_id), source.revision});
  transaction.puts.push_back({ClusterKey(cluster_id), ToJson(cluster)});
  if (of != nullptr) {
    ReplicationGroup next = *of;
    next.status = "snapshotting";
    transaction.compares.push_back({ReplicationGroupKey(of->id), group->second.revision});
    transaction.puts.push_back({ReplicationGroupKey(of->id), ToJson(next)});
  }
  return static_cast<bool>(store_.Txn(transaction));
}

}  // namespace kiln
