// SnapshotName and SnapshotArns: caches that are created with data.
#include <fmt/format.h>

#include "control/aws/actions/loading.h"
#include "control/aws/actions/snapshot_actions.h"
#include "control/model/engine_versions.h"
#include "control/model/names.h"
#include "control/model/snapshots.h"
#include "control/model/store_keys.h"

namespace kiln {
namespace {

ApiError Bad(Fault fault, std::string message) {
  return {fault, std::move(message)};
}

ApiError ReadSnapshotSeed(ActionCall& call, SeedRequest* request) {
  std::string name = LowerCase(call.args.StringOr("SnapshotName", ""));
  Loaded<Snapshot> loaded;
  if (ApiError error = LoadSnapshot(call, name, &loaded)) return error;
  Snapshot& snapshot = loaded.document;
  if (snapshot.status != "available" && snapshot.status != "restoring") {
    return Bad(Fault::kInvalidSnapshotState,
               fmt::format("Snapshot {} is not in available state.", name));
  }
  if (snapshot.nodes.size() != 1) {
    return Bad(Fault::kInvalidParameterCombination,
               "A snapshot of several node groups needs a group with cluster mode enabled.");
  }
  request->seed = SnapshotSeed(name, snapshot.nodes.front().node_group_id);
  snapshot.status = "restoring";
  request->snapshot = std::move(loaded);
  return NoError();
}

ApiError ReadObjectSeed(ActionCall& call, const std::vector<std::string>& arns,
                        SeedRequest* request) {
  if (arns.size() != 1) {
    return Bad(Fault::kInvalidParameterValue,
               "Exactly one SnapshotArn must be given where cluster mode is disabled.");
  }
  const std::string& arn = arns.front();
  std::optional<Seed> seed = ParseSeed(arn);
  if (!seed || seed->bucket.empty() || arn.find(',') != std::string::npos) {
    return Bad(Fault::kInvalidParameterValue,
               fmt::format("Invalid SnapshotArn: {}. Should be specified as "
                           "arn:aws:s3:::bucket/key, without commas.",
                           arn));
  }
  if (call.api.cannot_read == nullptr)
    return Bad(Fault::kUnsupportedOperation, "There are no buckets here.");
  std::string problem = call.api.cannot_read(seed->bucket, seed->key);
  if (!problem.empty()) return Bad(Fault::kInvalidParameterValue, problem);
  request->seed = arn;
  return NoError();
}

}  // namespace

ApiError LoadSnapshot(ActionCall& call, const std::string& name, Loaded<Snapshot>* loaded) {
  return LoadOr(call, SnapshotKey(name),
                {Fault::kSnapshotNotFound, fmt::format("Snapshot {} not found.", name)}, loaded);
}

ApiError ReadSeed(ActionCall& call, SeedRequest* request) {
  std::vector<std::string> arns = call.args.List("SnapshotArns", "SnapshotArn");
  bool has_name = call.args.Has("SnapshotName");
  if (!has_name && arns.empty()) return NoError();
  if (has_name && !arns.empty()) {
    return Bad(Fault::kInvalidParameterCombination,
               "SnapshotName and SnapshotArns cannot be given together.");
  }
  if (LowerCase(call.args.StringOr("Engine", "")) == "memcached")
    return Bad(Fault::kInvalidParameterCombination, "Memcached has no snapshots.");
  return has_name ? ReadSnapshotSeed(call, request) : ReadObjectSeed(call, arns, request);
}

void InheritFromSnapshot(ActionCall& call, const SeedRequest& request) {
  if (!request.snapshot) return;
  const Snapshot& snapshot = request.snapshot->document;
  Arguments::Fields fields = call.args.fields();
  fields.emplace("CacheNodeType", snapshot.node_type);
  bool names_engine = fields.contains("Engine");
  fields.emplace("Engine", snapshot.engine);
  if (!names_engine) fields.emplace("EngineVersion", snapshot.engine_version);
  call.args = Arguments(std::move(fields));
}

ApiError CheckSeedFits(const SeedRequest& request, const CacheCluster& cluster) {
  if (!request.snapshot) return NoError();
  const Snapshot& snapshot = request.snapshot->document;
  bool is_older = snapshot.engine == cluster.engine &&
                  CompareVersions(cluster.engine_version, snapshot.engine_version) < 0;
  if (!is_older) return NoError();
  return Bad(Fault::kInvalidParameterCombination,
             fmt::format("Cannot restore a snapshot of version {} with engine version {}.",
                         snapshot.engine_version, cluster.engine_version));
}

void HoldSeed(const SeedRequest& request, Transaction* transaction) {
  if (!request.snapshot) return;
  std::string key = SnapshotKey(request.snapshot->document.name);
  transaction->compares.push_back({key, request.snapshot->revision});
  transaction->puts.push_back({key, ToJson(request.snapshot->document)});
}

}  // namespace kiln
