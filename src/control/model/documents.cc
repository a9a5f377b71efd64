#include "control/model/documents.h"

#include <nlohmann/json.hpp>

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

}  // namespace

// clang-format off
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Endpoint, address, port)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(CacheNode, id, status, create_time_ms, endpoint, zone, boot, exits_told, is_pending_reboot, problem)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(PendingValues, num_cache_nodes, node_ids_to_remove, new_zones, engine_version, node_type)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(CacheCluster, id, engine, engine_version, node_type, status, create_time_ms, port, az_mode,
    maintenance_window, snapshot_window, snapshot_retention_days, parameter_group, subnet_group, security_group_ids, notification_topic,
    notification_status, has_auto_minor_upgrade, network_type, ip_discovery, replication_group_id, nodes, next_node_number,
    configuration_endpoint, discovery_version, discovered, pending, tags)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ReplicationGroup, id, description, status, create_time_ms, engine, node_type, member_clusters,
    primary_cluster, primary_endpoint, reader_endpoint, snapshot_window, snapshot_retention_days, has_auto_minor_upgrade, network_type,
    ip_discovery, tags)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ParameterGroup, name, family, description, values, tags)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Subnet, id, zone)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(SubnetGroup, name, description, vpc_id, subnets, tags)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Event, source_id, source_type, message, time_ms)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(NodeSpec, cluster_id, node_id, engine, listen, endpoints, boot, start_parameters, live_parameters, discovery)
// clang-format on

std::string ToJson(const CacheCluster& document) {
  return Write(document);
}
std::string ToJson(const ReplicationGroup& document) {
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
  try {
    return json.get<Document>();
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

template std::optional<CacheCluster> FromJson(std::string_view);
template std::optional<ReplicationGroup> FromJson(std::string_view);
template std::optional<ParameterGroup> FromJson(std::string_view);
template std::optional<SubnetGroup> FromJson(std::string_view);
template std::optional<Event> FromJson(std::string_view);
template std::optional<NodeSpec> FromJson(std::string_view);

}  // namespace kiln
