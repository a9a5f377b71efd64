// Snapshots, as several handlers need them. Each answers AWS's error, or none; what is to be stored
// goes into a transaction. Any thread.
#pragma once

#include <optional>
#include <string>

#include "control/aws/action.h"
#include "control/model/documents.h"
#include "control/store/load.h"

namespace kiln {

ApiError CreateSnapshot(ActionCall& call);  // snapshot_create.cc
ApiError CopySnapshot(ActionCall& call);    // snapshot_copy.cc

ApiError LoadSnapshot(ActionCall& call, const std::string& name, Loaded<Snapshot>* loaded);

// A name for a new snapshot: well formed, and nobody's.
ApiError CheckSnapshotName(ActionCall& call, std::string_view parameter, const std::string& name);
// What the snapshot of a cluster, or of a shard's member, says of it. `group`: null, or its own.
Snapshot DescribeForSnapshot(ActionCall& call, const CacheCluster& cluster,
                             const ReplicationGroup* group);
// Asks for a snapshot of the cluster by hand: counts it, and writes the document. The cluster's own
// document is the caller's to put.
ApiError AddManualSnapshot(ActionCall& call, Snapshot snapshot, CacheCluster* cluster,
                           Transaction* transaction);

// FinalSnapshotIdentifier of a deletion: lower case, empty when it is not asked for. Memcached has
// none.
ApiError ReadFinalSnapshot(ActionCall& call, bool is_memcached, std::string* name);

// The members of a Snapshot, into an element that is open.
void WriteSnapshot(XmlWriter& out, const Snapshot& snapshot, const Site& site,
                   bool with_configuration);

// SnapshotName and SnapshotArns of what creates a cache: where its data are to come from. Nothing
// is said when neither is given. A snapshot then says itself that it is restoring.
struct SeedRequest {
  std::string seed;  // As CacheCluster::seed; empty: none.
  std::optional<Loaded<Snapshot>> snapshot;
};
ApiError ReadSeed(ActionCall& call, SeedRequest* request);
// What the call leaves open of engine, version and node type is as in the snapshot.
void InheritFromSnapshot(ActionCall& call, const SeedRequest& request);
ApiError CheckSeedFits(const SeedRequest& request, const CacheCluster& cluster);
void HoldSeed(const SeedRequest& request, Transaction* transaction);

}  // namespace kiln
