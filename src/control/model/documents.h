// The documents of the state store: what users asked for, and how far the orchestrator has come.
//
// A document is one JSON value under one key (store_keys.h) and carries its schema's version.
// Statuses are AWS's own words. Times are milliseconds since 1970, UTC; 0 where AWS omits them.
// Plain values: any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

using Tags = std::map<std::string, std::string>;

struct Endpoint {
  std::string address;
  int port = 0;

  bool empty() const { return address.empty(); }
  bool operator==(const Endpoint&) const = default;
};

struct CacheNode {
  std::string id;                   // "0001"
  std::string status = "creating";  // creating, available, rebooting, deleting
  int64_t create_time_ms = 0;
  Endpoint endpoint;
  std::string zone;
  int64_t boot = 1;                // Raised to ask for a restart.
  int64_t exits_told = 0;          // Unexpected ends of its process that an event has told of.
  bool is_pending_reboot = false;  // A parameter that takes effect at start has changed.
  std::string problem;             // Why it does not start; told by an event. Empty: it may.

  bool operator==(const CacheNode&) const = default;
};

// What waits for the maintenance window.
struct PendingValues {
  std::optional<int> num_cache_nodes;
  std::vector<std::string> node_ids_to_remove;
  std::vector<std::string> new_zones;
  std::string engine_version;
  std::string node_type;

  bool empty() const { return *this == PendingValues{}; }
  bool operator==(const PendingValues&) const = default;
};

struct CacheCluster {
  std::string id;
  std::string engine;          // redis, valkey, memcached
  std::string engine_version;  // Full: "7.1.0"
  std::string node_type;
  // creating, available, modifying, snapshotting, "rebooting cluster nodes", deleting,
  // incompatible-network, create-failed, restore-failed
  std::string status = "creating";
  int64_t create_time_ms = 0;
  int port = 0;
  std::string az_mode = "single-az";
  std::string maintenance_window;
  std::string snapshot_window;
  int snapshot_retention_days = 0;
  std::string parameter_group;
  std::string subnet_group;
  std::vector<std::string> security_group_ids;
  std::string notification_topic;
  std::string notification_status = "active";
  bool has_auto_minor_upgrade = true;
  std::string network_type = "ipv4";
  std::string ip_discovery = "ipv4";
  std::string replication_group_id;
  std::vector<CacheNode> nodes;
  int next_node_number = 1;
  Endpoint configuration_endpoint;      // Of memcached; every node listens on it.
  int64_t discovery_version = 0;        // Of the list of nodes; grows with every change of it.
  std::vector<std::string> discovered;  // Ids of the nodes in that version.
  PendingValues pending;
  // What its node is filled with before it serves for the first time: "snapshot:NAME/0001" or
  // "arn:aws:s3:::bucket/key". Empty: nothing, or it was.
  std::string seed;
  std::string seed_path;       // The file that was brought for it, and is sound. Empty: not yet.
  std::string final_snapshot;  // Is to be there before the cluster goes.
  std::vector<int64_t> manual_snapshots_ms;  // When those of the last 24 hours were asked for.
  Tags tags;

  bool IsMemcached() const { return engine == "memcached"; }
  bool operator==(const CacheCluster&) const = default;
};

// One shard of a replication group.
struct NodeGroup {
  std::string id = "0001";
  std::vector<std::string> member_clusters;  // The primary and its replicas, by number.
  std::string primary_cluster;
  Endpoint primary_endpoint;  // The primary listens on it besides its own address.
  Endpoint reader_endpoint;   // Every replica in step does; the primary while there is none.
  // Replication ids of the primary's data, the newest first: who has data of none of them is no
  // candidate for its place.
  std::vector<std::string> histories;
  std::string promoting;   // Is to become the primary, without loss. Empty: nobody.
  bool is_tested = false;  // TestFailover: the primary is to end.

  bool operator==(const NodeGroup&) const = default;
};

// Members are CacheClusters that name the group.
struct ReplicationGroup {
  std::string id;
  std::string description;
  // creating, available, modifying, snapshotting, deleting, create-failed
  std::string status = "creating";
  int64_t create_time_ms = 0;
  std::string engine;
  std::string node_type;
  std::vector<NodeGroup> node_groups;
  int next_member_number = 1;
  std::string automatic_failover = "disabled";  // disabled, enabling, enabled, disabling
  bool is_multi_zone = false;
  std::string secret;  // By which its nodes know each other.
  std::string snapshotting_cluster;
  // StartMigration: its primary follows this server, which is not Kiln's.
  Endpoint migrates_from;
  bool ends_migration = false;   // As soon as it has what that server had,
  int64_t migration_offset = 0;  // up to here in its replication stream.
  std::string snapshot_window;
  int snapshot_retention_days = 0;
  bool has_auto_minor_upgrade = true;
  std::string network_type = "ipv4";
  std::string ip_discovery = "ipv4";
  Tags tags;

  std::vector<std::string> MemberClusters() const;  // Of all shards.
  // Null when none has it.
  NodeGroup* ShardOf(std::string_view cluster_id);
  const NodeGroup* ShardOf(std::string_view cluster_id) const;
  bool HasFailover() const {
    return automatic_failover == "enabled" || automatic_failover == "enabling";
  }
  bool operator==(const ReplicationGroup&) const = default;
};

// The part of a snapshot that is one shard's: one file.
struct NodeSnapshot {
  std::string cluster_id;     // Whose node it is taken of.
  std::string node_group_id;  // "0001"
  std::string node_id;
  int64_t bytes = 0;  // Of the file; 0 until it is there.
  int64_t node_create_time_ms = 0;
  int64_t snapshot_create_time_ms = 0;
  // Of the shard; empty for a cluster that stands alone.
  std::string primary_zone;
  std::vector<std::string> replica_zones;

  bool operator==(const NodeSnapshot&) const = default;
};

// What CopySnapshot is to put into a bucket.
struct SnapshotExport {
  std::string name;
  std::string bucket;

  bool operator==(const SnapshotExport&) const = default;
};

// A snapshot, with what its source was like when it was asked for.
struct Snapshot {
  std::string name;
  // creating, available, restoring, copying, exporting, deleting, failed
  std::string status = "creating";
  std::string source = "manual";  // automated, manual
  int64_t create_time_ms = 0;     // When it was asked for.
  std::string copy_of;            // Another snapshot.
  SnapshotExport exported;        // While it is exporting.
  std::string replication_group_id;
  std::string replication_group_description;
  std::string cluster_id;
  std::string node_type;
  std::string engine;
  std::string engine_version;
  int num_cache_nodes = 1;
  std::string zone;
  int64_t cluster_create_time_ms = 0;
  std::string maintenance_window;
  std::string notification_topic;
  int port = 0;
  std::string parameter_group;
  std::string subnet_group;
  bool has_auto_minor_upgrade = true;
  int snapshot_retention_days = 0;
  std::string snapshot_window;
  std::string automatic_failover;  // Of a group: enabled, disabled.
  std::vector<NodeSnapshot> nodes;
  Tags tags;

  bool operator==(const Snapshot&) const = default;
};

// Default groups ("default.redis7") are not stored; parameter_groups.h makes them up.
struct ParameterGroup {
  std::string name;
  std::string family;
  std::string description;
  std::map<std::string, std::string> values;  // Only those that differ from the family's defaults.
  Tags tags;

  bool operator==(const ParameterGroup&) const = default;
};

struct Subnet {
  std::string id;
  std::string zone;

  bool operator==(const Subnet&) const = default;
};

struct SubnetGroup {
  std::string name;
  std::string description;
  std::string vpc_id;
  std::vector<Subnet> subnets;
  Tags tags;

  bool operator==(const SubnetGroup&) const = default;
};

struct Event {
  std::string source_id;
  std::string source_type;  // cache-cluster, replication-group, cache-parameter-group, ...
  std::string message;
  int64_t time_ms = 0;

  bool operator==(const Event&) const = default;
};

// The JSON form. Reading gives nullopt for what is no such document or of a later schema.
std::string ToJson(const CacheCluster& document);
std::string ToJson(const ReplicationGroup& document);
std::string ToJson(const Snapshot& document);
std::string ToJson(const ParameterGroup& document);
std::string ToJson(const SubnetGroup& document);
std::string ToJson(const Event& document);
template <typename Document>
std::optional<Document> FromJson(std::string_view json);

}  // namespace kiln
