// The work behind the statuses of snapshots: taking, copying, exporting, removing them, and
// bringing one to a cache that is to start with it.
//
// Each job begins and ends with a document: it may be cut off at any moment and is then done again
// from its start, over what it left. A snapshot is said to be available only after its file has
// been read to the end and found sound, and is where it is kept. Jobs block; each name is for one
// thread at a time, different names for several. False: it could not be done now, and is to be
// tried again later.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "control/backup/file_vault.h"
#include "control/backup/snapshot_check.h"
#include "control/model/documents.h"
#include "control/store/store.h"

namespace kiln {

// What runs, as far as snapshots are concerned. Keys are those of NodeSpec.
struct SnapshotNodes {
  // Answers, and has its shard's data.
  std::function<bool(const std::string& key)> has_data;
  // See Agent::Save.
  std::function<std::string(const std::string& key, const std::string& path,
                            const std::function<bool()>& goes_on)>
      save;
};

struct SnapshotJobOptions {
  std::string staging_path;  // A folder of our own, for files on their way.
  std::function<SnapshotCheck(const std::string& path, const std::function<bool()>& goes_on)> check;
  int64_t patience_ms = 30'000;  // For a node to have data.
};

class SnapshotJobs {
 public:
  SnapshotJobs(Store& store, FileVault& snapshots, OpenBucket open_bucket, SnapshotNodes nodes,
               SnapshotJobOptions options, std::function<int64_t()> now_ms,
               std::function<bool()> goes_on);

  // By a snapshot's name.
  bool Take(const std::string& name);
  bool Copy(const std::string& name);
  bool Export(const std::string& name);
  bool Remove(const std::string& name);
  // By a cluster's id.
  bool BringSeed(const std::string& id);

  // At the start, before any job and before any node is started: removes what earlier jobs left,
  // and asks anew for seeds that were lost.
  void CleanUp();

 private:
  struct Taken {
    std::string cluster_id;
    int64_t bytes = 0;
    std::string problem;
  };

  Taken TakeShard(const Snapshot& snapshot, const NodeSnapshot& node);
  Taken SaveOne(const Snapshot& snapshot, const NodeSnapshot& node, const std::string& cluster_id);
  std::vector<std::string> MembersOf(const Snapshot& snapshot, const NodeSnapshot& node);
  std::string ChooseMember(const std::vector<std::string>& members);
  std::string KeepFile(const std::string& key, const std::string& path, int64_t* bytes);
  bool FinishTake(const std::string& name, const Snapshot& result, const std::string& problem);
  void ReleaseSource(const Snapshot& snapshot, bool is_done, Transaction* transaction);
  void ReleaseMember(const std::string& id, const std::string& name, bool is_done,
                     Transaction* transaction);
  bool FinishCopy(const std::string& name, const std::string& problem);
  std::string CopyFile(const NodeSnapshot& node, const std::string& from, const std::string& to);
  std::string ExportFiles(const Snapshot& snapshot);
  SnapshotCheck FetchSeed(const CacheCluster& cluster, const std::string& path);
  bool FinishSeed(const CacheCluster& wanted, const std::string& path, const SnapshotCheck& check);
  void RemoveFiles(const Snapshot& snapshot);
  void AddEvents(const Snapshot& snapshot, const std::string& message, Transaction* transaction);
  void AddEvent(const std::string& source, const char* type, const std::string& message,
                Transaction* transaction);
  std::string StagingPath(const std::string& name) const;
  std::string SeedPath(const std::string& cluster_id) const;

  // Commits what `build` makes of the documents as they are, again and again until nobody else has
  // changed them meanwhile. `build` says no when there is nothing to be done.
  bool Change(const std::function<bool(Transaction*)>& build);

  Store& store_;
  FileVault& snapshots_;
  OpenBucket open_bucket_;
  SnapshotNodes nodes_;
  SnapshotJobOptions options_;
  std::function<int64_t()> now_ms_;
  std::function<bool()> goes_on_;
};

}  // namespace kiln
