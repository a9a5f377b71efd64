#include "control/backup/snapshot_jobs.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <set>
#include <system_error>
#include <thread>

#include "base/log.h"
#include "base/time.h"
#include "control/model/events.h"
#include "control/model/node_types.h"
#include "control/model/snapshots.h"
#include "control/model/store_keys.h"
#include "control/store/load.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

constexpr auto kPause = std::chrono::milliseconds(50);
constexpr std::string_view kSeedPrefix = "seed-";

template <typename Document>
std::optional<Loaded<Document>> Find(Store& store, const std::string& key) {
  auto found = Load<Document>(store, key);
  return found ? *found : std::nullopt;
}

template <typename Document>
void Put(const std::string& key, const Loaded<Document>& loaded, Transaction* transaction) {
  transaction->compares.push_back({key, loaded.revision});
  transaction->puts.push_back({key, ToJson(loaded.document)});
}

// The file is gone when this is.
class Draft {
 public:
  explicit Draft(std::string path) : path_(std::move(path)) { Remove(); }
  ~Draft() { Remove(); }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  const std::string& path() const { return path_; }

 private:
  void Remove() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }

  std::string path_;
};

std::string NodeKey(const std::string& cluster_id, const std::string& node_id) {
  return cluster_id + "." + node_id;
}

}  // namespace

SnapshotJobs::SnapshotJobs(Store& store, FileVault& snapshots, OpenBucket open_bucket,
                           SnapshotNodes nodes, SnapshotJobOptions options,
                           std::function<int64_t()> now_ms, std::function<bool()> goes_on)
    : store_(store),
      snapshots_(snapshots),
      open_bucket_(std::move(open_bucket)),
      nodes_(std::move(nodes)),
      options_(std::move(options)),
      now_ms_(std::move(now_ms)),
      goes_on_(std::move(goes_on)) {}

std::string SnapshotJobs::StagingPath(const std::string& name) const {
  return options_.staging_path + '/' + name;
}

std::string SnapshotJobs::SeedPath(const std::string& cluster_id) const {
  return StagingPath(std::string(kSeedPrefix) + cluster_id + ".rdb");
}

bool SnapshotJobs::Change(const std::function<bool(Transaction*)>& build) {
  while (true) {
    Transaction transaction;
    if (!build(&transaction)) return true;
    auto revision = store_.Txn(transaction);
    if (revision) return true;
    if (revision.error() == StoreError::kConflict && goes_on_()) continue;
    Log(LogLevel::kWarning,
        fmt::format("Cannot write of snapshots: {}", Describe(revision.error())));
    return false;
  }
}

void SnapshotJobs::AddEvent(const std::string& source, const char* type, const std::string& message,
                            Transaction* transaction) {
  Event event{source, type, message, now_ms_()};
  transaction->puts.push_back({NewEventKey(event.time_ms), ToJson(event)});
  Log(LogLevel::kNotice, source + ": " + message);
}

// Of the cluster, and of its group where it has one.
void SnapshotJobs::AddEvents(const Snapshot& snapshot, const std::string& message,
                             Transaction* transaction) {
  AddEvent(snapshot.cluster_id, "cache-cluster", message, transaction);
  if (!snapshot.replication_group_id.empty())
    AddEvent(snapshot.replication_group_id, "replication-group", message, transaction);
}

// ---- Taking one ----

std::vector<std::string> SnapshotJobs::MembersOf(const Snapshot& snapshot,
                                                 const NodeSnapshot& node) {
  auto group = Find<ReplicationGroup>(store_, ReplicationGroupKey(snapshot.replication_group_id));
  const NodeGroup* shard = group ? group->document.ShardOf(node.cluster_id) : nullptr;
  return shard == nullptr ? std::vector{node.cluster_id} : SnapshotMembers(*shard, node.cluster_id);
}

// The first that has the data, once any has; empty: none has in time.
std::string SnapshotJobs::ChooseMember(const std::vector<std::string>& members) {
  uint64_t give_up_us = MonotonicUs() + static_cast<uint64_t>(options_.patience_ms) * 1000;
  while (goes_on_()) {
    for (const std::string& id : members) {
      if (nodes_.has_data(NodeKey(id, "0001"))) return id;
    }
    if (MonotonicUs() >= give_up_us) break;
    std::this_thread::sleep_for(kPause);
  }
  return {};
}

// Checks the file and puts it where it is kept.
std::string SnapshotJobs::KeepFile(const std::string& key, const std::string& path,
                                   int64_t* bytes) {
  SnapshotCheck check = options_.check(path, goes_on_);
  if (!check.problem.empty()) return "The file is not sound: " + check.problem;
  std::error_code error;
  *bytes = static_cast<int64_t>(fs::file_size(path, error));
  if (error) return error.message();
  return snapshots_.Put(key, path);
}

SnapshotJobs::Taken SnapshotJobs::SaveOne(const Snapshot& snapshot, const NodeSnapshot& node,
                                          const std::string& cluster_id) {
  Taken taken{.cluster_id = cluster_id, .bytes = 0, .problem = {}};
  Draft draft(StagingPath(fmt::format("{}-{}.rdb", snapshot.name, node.node_group_id)));
  taken.problem = nodes_.save(NodeKey(cluster_id, "0001"), draft.path(), goes_on_);
  if (!taken.problem.empty()) {
    taken.problem = fmt::format("Cache cluster {}: {}", cluster_id, taken.problem);
    return taken;
  }
  taken.problem =
      KeepFile(SnapshotFileKey(snapshot.name, node.node_group_id), draft.path(), &taken.bytes);
  return taken;
}

// Of the member asked for, or else of another one that has the data.
SnapshotJobs::Taken SnapshotJobs::TakeShard(const Snapshot& snapshot, const NodeSnapshot& node) {
  std::vector<std::string> members = MembersOf(snapshot, node);
  Taken taken{.cluster_id = {}, .bytes = 0, .problem = "No node that has the data answers."};
  while (goes_on_() && !members.empty()) {
    std::string id = ChooseMember(members);
    if (id.empty()) return taken;
    taken = SaveOne(snapshot, node, id);
    if (taken.problem.empty()) return taken;
    std::erase(members, id);
  }
  return taken;
}

bool SnapshotJobs::Take(const std::string& name) {
  auto loaded = Find<Snapshot>(store_, SnapshotKey(name));
  if (!loaded || loaded->document.status != "creating") return true;
  Snapshot result = loaded->document;
  std::string problem;
  for (NodeSnapshot& node : result.nodes) {
    Taken taken = TakeShard(loaded->document, node);
    problem = taken.problem;
    if (!goes_on_()) return false;  // The next kilnd takes it.
    if (!problem.empty()) break;
    node.cluster_id = taken.cluster_id;
    node.bytes = taken.bytes;
    node.snapshot_create_time_ms = now_ms_();
  }
  if (!problem.empty()) RemoveFiles(loaded->document);
  return FinishTake(name, result, problem);
}

// A cluster that waited for the snapshot does so no more. One that was to be deleted stays when
// there is none: it has the only copy of its data.
void SnapshotJobs::ReleaseMember(const std::string& id, const std::string& name, bool is_done,
                                 Transaction* transaction) {
  auto member = Find<CacheCluster>(store_, ClusterKey(id));
  if (!member) return;
  CacheCluster& cluster = member->document;
  if (cluster.final_snapshot == name) {
    cluster.final_snapshot.clear();
    if (!is_done) cluster.status = "available";
  } else if (cluster.status == "snapshotting") {
    cluster.status = "available";
  } else {
    return;
  }
  Put(ClusterKey(id), *member, transaction);
}

void SnapshotJobs::ReleaseSource(const Snapshot& snapshot, bool is_done, Transaction* transaction) {
  std::set<std::string> ids = {snapshot.cluster_id};
  auto own = Find<CacheCluster>(store_, ClusterKey(snapshot.cluster_id));
  bool is_final = own && own->document.final_snapshot == snapshot.name;
  bool is_whole_group = false;
  std::string key = ReplicationGroupKey(snapshot.replication_group_id);
  auto group = Find<ReplicationGroup>(store_, key);
  if (group) {
    is_whole_group = is_final && group->document.status == "deleting";
    for (const std::string& id : group->document.MemberClusters()) ids.insert(id);
  }
  for (const std::string& id : ids) ReleaseMember(id, snapshot.name, is_done, transaction);
  if (!is_whole_group || is_done) return;
  group->document.status = "available";
  Put(key, *group, transaction);
}

bool SnapshotJobs::FinishTake(const std::string& name, const Snapshot& result,
                              const std::string& problem) {
  return Change([&](Transaction* transaction) {
    auto loaded = Find<Snapshot>(store_, SnapshotKey(name));
    if (!loaded || loaded->document.status != "creating") return false;
    Snapshot& snapshot = loaded->document;
    bool is_done = problem.empty();
    ReleaseSource(snapshot, is_done, transaction);
    std::string text =
        SnapshotEventText(is_done ? "Snapshot succeeded" : "Snapshot failed", snapshot);
    AddEvents(snapshot, is_done ? text : text + ": " + problem, transaction);
    snapshot.status = is_done ? "available" : "failed";
    if (is_done) {
      snapshot.nodes = result.nodes;
      snapshot.cluster_id = result.nodes.front().cluster_id;
    }
    Put(SnapshotKey(name), *loaded, transaction);
    return true;
  });
}

// ---- Copying ----

std::string SnapshotJobs::CopyFile(const NodeSnapshot& node, const std::string& from,
                                   const std::string& to) {
  Draft draft(StagingPath(fmt::format("{}-{}.rdb", to, node.node_group_id)));
  std::string problem = snapshots_.Get(SnapshotFileKey(from, node.node_group_id), draft.path());
  if (!problem.empty()) return problem;
  int64_t bytes = 0;
  return KeepFile(SnapshotFileKey(to, node.node_group_id), draft.path(), &bytes);
}

bool SnapshotJobs::Copy(const std::string& name) {
  auto loaded = Find<Snapshot>(store_, SnapshotKey(name));
  if (!loaded || loaded->document.status != "copying") return true;
  const Snapshot& copy = loaded->document;
  std::string problem;
  for (const NodeSnapshot& node : copy.nodes) {
    problem = CopyFile(node, copy.copy_of, name);
    if (!goes_on_()) return false;
    if (!problem.empty()) break;
  }
  if (!problem.empty()) RemoveFiles(copy);
  return FinishCopy(name, problem);
}

bool SnapshotJobs::FinishCopy(const std::string& name, const std::string& problem) {
  return Change([&](Transaction* transaction) {
    auto loaded = Find<Snapshot>(store_, SnapshotKey(name));
    if (!loaded || loaded->document.status != "copying") return false;
    loaded->document.status = problem.empty() ? "available" : "failed";
    if (!problem.empty()) {
      AddEvents(loaded->document,
                SnapshotEventText("Copy failed", loaded->document) + ": " + problem, transaction);
    }
    Put(SnapshotKey(name), *loaded, transaction);
    return true;
  });
}

std::string SnapshotJobs::ExportFiles(const Snapshot& snapshot) {
  std::unique_ptr<FileVault> bucket = open_bucket_(snapshot.exported.bucket);
  if (bucket == nullptr) return "There is no such bucket.";
  for (const NodeSnapshot& node : snapshot.nodes) {
    Draft draft(StagingPath(fmt::format("export-{}-{}.rdb", snapshot.name, node.node_group_id)));
    std::string problem =
        snapshots_.Get(SnapshotFileKey(snapshot.name, node.node_group_id), draft.path());
    if (problem.empty()) {
      problem =
          bucket->Put(ExportedFileKey(snapshot.exported.name, node.node_group_id), draft.path());
    }
    if (!problem.empty()) return problem;
  }
  return {};
}

bool SnapshotJobs::Export(const std::string& name) {
  auto before = Find<Snapshot>(store_, SnapshotKey(name));
  if (!before || before->document.status != "exporting") return true;
  std::string problem = ExportFiles(before->document);
  if (!goes_on_()) return false;
  return Change([&](Transaction* transaction) {
    auto loaded = Find<Snapshot>(store_, SnapshotKey(name));
    if (!loaded || loaded->document.status != "exporting") return false;
    Snapshot& snapshot = loaded->document;
    std::string text = fmt::format(
        "{} to S3 bucket {}",
        SnapshotEventText(problem.empty() ? "Export succeeded" : "Export failed", snapshot),
        snapshot.exported.bucket);
    AddEvents(snapshot, problem.empty() ? text : text + ": " + problem, transaction);
    snapshot.status = "available";
    snapshot.exported = {};
    Put(SnapshotKey(name), *loaded, transaction);
    return true;
  });
}

// ---- Removing ----

void SnapshotJobs::RemoveFiles(const Snapshot& snapshot) {
  for (const NodeSnapshot& node : snapshot.nodes) {
    std::string problem = snapshots_.Remove(SnapshotFileKey(snapshot.name, node.node_group_id));
    if (!problem.empty()) Log(LogLevel::kWarning, problem);
  }
}

// The files first: whoever finds the document finds them, too.
bool SnapshotJobs::Remove(const std::string& name) {
  auto before = Find<Snapshot>(store_, SnapshotKey(name));
  if (!before || before->document.status != "deleting") return true;
  for (const NodeSnapshot& node : before->document.nodes) {
    std::string problem = snapshots_.Remove(SnapshotFileKey(name, node.node_group_id));
    if (problem.empty()) continue;
    Log(LogLevel::kWarning, problem);
    return false;
  }
  return Change([&](Transaction* transaction) {
    auto loaded = Find<Snapshot>(store_, SnapshotKey(name));
    if (!loaded || loaded->document.status != "deleting") return false;
    transaction->compares.push_back({SnapshotKey(name), loaded->revision});
    transaction->deletes.push_back(SnapshotKey(name));
    return true;
  });
}

// ---- Seeds ----

SnapshotCheck SnapshotJobs::FetchSeed(const CacheCluster& cluster, const std::string& path) {
  std::optional<Seed> seed = ParseSeed(cluster.seed);
  if (!seed) return {"Nobody knows where it is.", true, 0};
  std::string problem;
  if (!seed->snapshot.empty()) {
    problem = snapshots_.Get(SnapshotFileKey(seed->snapshot, seed->node_group_id), path);
  } else {
    std::unique_ptr<FileVault> bucket = open_bucket_(seed->bucket);
    problem = bucket == nullptr ? "There is no such bucket." : bucket->Get(seed->key, path);
  }
  if (!problem.empty()) return {problem, true, 0};
  SnapshotCheck check = options_.check(path, goes_on_);
  if (!check.problem.empty()) return check;
  const NodeType* type = FindNodeType(cluster.node_type);
  if (type != nullptr && check.memory_bytes > type->maxmemory_bytes) {
    check.problem = fmt::format("Its data took {} bytes of memory; a {} has {}.",
                                check.memory_bytes, cluster.node_type, type->maxmemory_bytes);
    check.is_damaged = true;
  }
  return check;
}

bool SnapshotJobs::BringSeed(const std::string& id) {
  auto loaded = Find<CacheCluster>(store_, ClusterKey(id));
  auto needs = [](const CacheCluster& cluster) {
    return !cluster.seed.empty() && cluster.seed_path.empty() && cluster.status == "creating";
  };
  if (!loaded || !needs(loaded->document)) return true;
  std::string path = SeedPath(id);
  SnapshotCheck check = FetchSeed(loaded->document, path);
  bool is_final = check.problem.empty() || check.is_damaged;
  if (!is_final)
    Log(LogLevel::kWarning, fmt::format("Cannot check the snapshot for {}: {}", id, check.problem));
  if (!goes_on_() || !is_final) return false;
  std::error_code ignored;
  if (!check.problem.empty()) fs::remove(path, ignored);
  return FinishSeed(loaded->document, path, check);
}

bool SnapshotJobs::FinishSeed(const CacheCluster& wanted, const std::string& path,
                              const SnapshotCheck& check) {
  return Change([&](Transaction* transaction) {
    auto loaded = Find<CacheCluster>(store_, ClusterKey(wanted.id));
    bool is_wanted = loaded && loaded->document.seed == wanted.seed &&
                     loaded->document.status == "creating" && loaded->document.seed_path.empty();
    if (!is_wanted) {
      std::error_code ignored;
      fs::remove(path, ignored);
      return false;
    }
    if (check.problem.empty()) {
      loaded->document.seed_path = path;
    } else {
      loaded->document.status = "restore-failed";
      AddEvent(wanted.id, "cache-cluster",
               fmt::format("Failed to restore from {}: {}", wanted.seed, check.problem),
               transaction);
    }
    Put(ClusterKey(wanted.id), *loaded, transaction);
    return true;
  });
}

void SnapshotJobs::CleanUp() {
  std::set<std::string> kept;
  auto clusters = LoadAll<CacheCluster>(store_, kClusterPrefix);
  if (!clusters) return;
  for (const CacheCluster& cluster : *clusters) {
    if (cluster.seed_path.empty()) continue;
    std::error_code error;
    kept.insert(cluster.seed_path);
    if (fs::exists(cluster.seed_path, error) || error) continue;
    Change([&](Transaction* transaction) {
      auto loaded = Find<CacheCluster>(store_, ClusterKey(cluster.id));
      if (!loaded || loaded->document.seed_path.empty()) return false;
      loaded->document.seed_path.clear();
      Put(ClusterKey(cluster.id), *loaded, transaction);
      return true;
    });
  }
  std::error_code error;
  fs::create_directories(options_.staging_path, error);
  std::vector<fs::path> left;
  for (fs::directory_iterator entry(options_.staging_path, error), end; !error && entry != end;
       entry.increment(error)) {
    if (!kept.contains(entry->path().string())) left.push_back(entry->path());
  }
  for (const fs::path& path : left) fs::remove_all(path, error);
}

}  // namespace kiln
