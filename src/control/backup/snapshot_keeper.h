// The keeper of snapshots: sees what is due and has it done, beside the orchestrator.
//
// One thread plans whenever a document has changed, and twice a minute for the sake of the windows;
// a few others do the jobs, which may take as long as they take. What is to be done stands in the
// documents alone. Start and Stop are for one thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "control/backup/backup_plan.h"
#include "control/backup/snapshot_jobs.h"
#include "control/store/document_cache.h"
#include "control/store/store.h"

namespace kiln {

class SnapshotKeeper {
 public:
  static constexpr int kIdleMs = 30'000;
  static constexpr int kRetryMs = 5'000;  // After a job that could not be done.
  static constexpr size_t kWorkers = 4;

  SnapshotKeeper(Store& store, FileVault& snapshots, OpenBucket open_bucket, SnapshotNodes nodes,
                 SnapshotJobOptions options, std::function<int64_t()> now_ms);
  ~SnapshotKeeper() { Stop(); }
  SnapshotKeeper(const SnapshotKeeper&) = delete;
  SnapshotKeeper& operator=(const SnapshotKeeper&) = delete;

  // To be called before any node is started.
  void CleanUp() { jobs_.CleanUp(); }
  void Start();
  void Stop();  // Cuts jobs off; the next start does them.

  // One round with all its jobs, on the caller's thread: for tests. True when there was any.
  bool RunOnce();

 private:
  using Job = std::function<bool()>;

  void Run();
  void RunJobs();
  void Wake();
  bool Plan();
  void Queue(const std::string& name, Job job);
  void QueueJobs();
  bool TakeAutomatic(const std::string& cluster_id);
  bool Release(const BackupPlan& plan);
  void DropSeeds();
  bool ChangeStatus(const std::string& key, const char* from, const char* to);

  Store& store_;
  std::function<int64_t()> now_ms_;

  std::mutex mutex_;  // For all up to the caches.
  std::condition_variable woken_;
  std::condition_variable has_job_;
  bool has_news_ = true;
  bool is_stopping_ = false;
  std::deque<std::pair<std::string, Job>> queue_;
  std::set<std::string> busy_;                  // Names of jobs that wait or run.
  std::map<std::string, uint64_t> not_before_;  // Monotonic microseconds, by name.

  // Of the planning thread.
  DocumentCache<CacheCluster> clusters_;
  DocumentCache<ReplicationGroup> groups_;
  DocumentCache<Snapshot> all_;
  std::map<std::string, std::string> seeds_;  // Files that were brought, by cluster.

  SnapshotJobs jobs_;
  std::thread planner_;
  std::vector<std::thread> workers_;
};

}  // namespace kiln
