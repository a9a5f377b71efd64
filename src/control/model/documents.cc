#include "control/model/documents.h"

#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "control/model/node_spec.h"

namespace nlohmann {

// A field that has no value is not written.
template <typename T>
struct adl_serializer<std::optional<T>> {
  static void to_json(json& out, const std::optional<T>& value) {
    out = value ? json(*value) : json(nullptr);
  }
  static void from_json(const json& in, std::optional<T>& value) {
    if (in.is_null()) {
      value.reset();
    } else {
      value = in.get<T>();
    }
  }
};

}  // namespace nlohmann

namespace kiln {
namespace {

using Json = nlohmann::json;

constexpr int kSchemaVersion = 1;
constexpr const char* kSchemaField = "schema";

template <typename Document>
std::string Write(const Document& document) {
  Json json = document;
  json[kSchemaField] = kSchemaVersion;
  // Bytes that are no UTF-8 cannot come in (the API refuses them), so replacing is never seen.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Groups were of one node once, and had the fields of their one shard themselves.
void TakeInLoneNode(Json* group) {
  if (group->contains("node_groups") || !group->contains("primary_cluster")) return;
  Json shard = {{"id", "0001"}};
  for (const char* field :
       {"member_clusters", "primary_cluster", "primary_endpoint", "reader_endpoint"}) {
    if (group->contains(field)) shard[field] = (*group)[field];
  }
  (*group)["node_groups"] = Json::array({shard});
  (*group)["next_member_number"] = 2;
}

}  // namespace

// clang-format off
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Endpoint, address, port)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(CacheNode, id, status, create_time_ms, endpoint, zone, boot, exits_told, is_pending_reboot, problem)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(PendingValues, num_cache_nodes, node_ids_to_remove, new_zones, engine_version, node_type)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(CacheCluster, id, engine, engine_version, node_type, status, create_time_ms, port, az_mode,
    maintenance_window, snapshot_window, snapshot_retention_days, parameter_group, subnet_group, security_group_ids, notification_topic,
    notification_status, has_auto_minor_upgrade, network_type, ip_discovery, replication_group_id, nodes, next_node_number,
    configuration_endpoint, discovery_version, discovered, pending, seed, seed_path, final_snapshot,
    manual_snapshots_ms, tags)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(NodeGroup, id, member_clusters, primary_cluster, primary_endpoint, reader_endpoint, histories,
    promoting, is_tested)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ReplicationGroup, id, description, status, create_time_ms, engine, node_type, node_groups,
    next_member_number, automatic_failover, is_multi_zone, secret, snapshotting_cluster, snapshot_window, snapshot_retention_days,
    migrates_from, ends_migration, migration_offset, has_auto_minor_upgrade, network_type, ip_discovery, tags)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(NodeSnapshot, cluster_id, node_group_id, node_id, bytes, node_create_time_ms,
    snapshot_create_time_ms, primary_zone, replica_zones)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(SnapshotExport, name, bucket)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Snapshot, name, status, source, create_time_ms, copy_of, exported, replication_group_id,
    replication_group_description, cluster_id, node_type, engine, engine_version, num_cache_nodes, zone, cluster_create_time_ms,
    maintenance_window, notification_topic, port, parameter_group, subnet_group, has_auto_minor_upgrade, snapshot_retention_days,
    snapshot_window, automatic_failover, nodes, tags)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ParameterGroup, name, family, description, values, tags)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Subnet, id, zone)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(SubnetGroup, name, description, vpc_id, subnets, tags)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Event, source_id, source_type, message, time_ms)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(NodeSpec, cluster_id, node_id, engine, listen, endpoints, boot, start_parameters, live_parameters, discovery, is_grouped, follows, seed)
// clang-format on

std::vector<std::string> ReplicationGroup::MemberClusters() const {
  std::vector<std::string> all;
  for (const NodeGroup& shard : node_groups)
    all.insert(all.end(), shard.member_clusters.begin(), shard.member_clusters.end());
  return all;
}

const NodeGroup* ReplicationGroup::ShardOf(std::string_view cluster_id) const {
  for (const NodeGroup& shard : node_groups) {
    for (const std::string& member : shard.member_clusters) {
      if (member == cluster_id) return &shard;
    }
  }
  return nullptr;
}

NodeGroup* ReplicationGroup::ShardOf(std::string_view cluster_id) {
  return const_cast<NodeGroup*>(std::as_const(*this).ShardOf(cluster_id));
}

std::string ToJson(const CacheCluster& document) {
  return Write(document);
}
std::string ToJson(const ReplicationGroup& document) {
  return Write(document);
}
std::string ToJson(const Snapshot& document) {
  return Write(document);
}
std::string ToJson(const ParameterGroup& document) {
  return Write(document);
}
std::string ToJson(const SubnetGroup& document) {
  return Write(document);
}
std::string ToJson(const Event& document) {
  return Write(document);
}
std::string ToJson(const NodeSpec& spec) {
  return Write(spec);
}

template <typename Document>
std::optional<Document> FromJson(std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || json.value(kSchemaField, 0) > kSchemaVersion) return std::nullopt;
  if constexpr (std::is_same_v<Document, ReplicationGroup>) TakeInLoneNode(&json);
  try {
    return json.get<Document>();
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

template std::optional<CacheCluster> FromJson(std::string_view);
template std::optional<ReplicationGroup> FromJson(std::string_view);
template std::optional<Snapshot> FromJson(std::string_view);
template std::optional<ParameterGroup> FromJson(std::string_view);
template std::optional<SubnetGroup> FromJson(std::string_view);
template std::optional<Event> FromJson(std::string_view);
template std::optional<NodeSpec> FromJson(std::string_view);

}  // namespace kiln
