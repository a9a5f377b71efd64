// Where each document lies in the state store.
#pragma once

#include <string>
#include <string_view>

namespace kiln {

inline constexpr std::string_view kClusterPrefix = "cluster/";
inline constexpr std::string_view kReplicationGroupPrefix = "replication-group/";
inline constexpr std::string_view kParameterGroupPrefix = "parameter-group/";
inline constexpr std::string_view kSubnetGroupPrefix = "subnet-group/";
inline constexpr std::string_view kSnapshotPrefix = "snapshot/";
inline constexpr std::string_view kEventPrefix = "event/";  // Then the time, so that order is time.
// "address/127.77.0.5" or "address/host:port": taken, by the node or endpoint that is the value.
inline constexpr std::string_view kAddressPrefix = "address/";

inline std::string ClusterKey(std::string_view id) {
  return std::string(kClusterPrefix).append(id);
}
inline std::string ReplicationGroupKey(std::string_view id) {
  return std::string(kReplicationGroupPrefix).append(id);
}
inline std::string ParameterGroupKey(std::string_view name) {
  return std::string(kParameterGroupPrefix).append(name);
}
inline std::string SubnetGroupKey(std::string_view name) {
  return std::string(kSubnetGroupPrefix).append(name);
}
inline std::string SnapshotKey(std::string_view name) {
  return std::string(kSnapshotPrefix).append(name);
}
inline std::string AddressKey(std::string_view address) {
  return std::string(kAddressPrefix).append(address);
}

}  // namespace kiln
