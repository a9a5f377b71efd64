#include "control/aws/actions/cluster_checks.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/model/names.h"
#include "control/model/node_types.h"
#include "control/model/store_keys.h"
#include "control/model/windows.h"

namespace kiln {
namespace {

ApiError BadValue(std::string message) {
  return {Fault::kInvalidParameterValue, std::move(message)};
}

ApiError BadCombination(std::string message) {
  return {Fault::kInvalidParameterCombination, std::move(message)};
}

}  // namespace

ApiError CheckIdentifier(std::string_view parameter, std::string_view id, size_t max_bytes) {
  if (IsIdentifier(id, max_bytes)) return NoError();
  if (id.size() > max_bytes)
    return BadValue(fmt::format("The parameter {} must be no more than {} characters long.",
                                parameter, max_bytes));
  return BadValue(fmt::format(
      "The parameter {} is not a valid identifier. Identifiers must begin with a letter; must "
      "contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain "
      "two consecutive hyphens.",
      parameter));
}

ApiError CheckNodeType(std::string_view node_type) {
  if (FindNodeType(node_type) != nullptr) return NoError();
  return BadValue(fmt::format("Invalid cache node type: {}", node_type));
}

ApiError CheckZone(const Site& site, std::string_view zone) {
  if (std::find(site.zones.begin(), site.zones.end(), zone) != site.zones.end()) return NoError();
  return BadValue(fmt::format("{} is not a valid availability zone.", zone));
}

ApiError ChooseVersion(std::string_view engine, std::string_view wanted,
                       const EngineVersion** version) {
  *version = FindEngineVersion(engine, wanted);
  if (*version != nullptr) return NoError();
  return BadCombination(fmt::format("Cannot find version {} for {}", wanted, engine));
}

ApiError CheckFamily(const ParameterGroup& group, const EngineVersion& version) {
  if (group.family == version.family) return NoError();
  return BadCombination(
      fmt::format("Expected a parameter group of family {} but found one of family {}",
                  version.family, group.family));
}

ApiError CheckNothingUnbuilt(Arguments& args) {
  if (!args.List("CacheSecurityGroupNames", "CacheSecurityGroupName").empty())
    return BadValue(
        "Use of cache security groups is not permitted in this API version for your account.");
  constexpr std::string_view kTexts[] = {"AuthToken",
                                         "KmsKeyId",
                                         "GlobalReplicationGroupId",
                                         "ServerlessCacheSnapshotName",
                                         "PreferredOutpostArn",
                                         "OutpostMode"};
  for (std::string_view name : kTexts) {
    if (args.Has(name))
      return {Fault::kUnsupportedOperation, fmt::format("{} is not supported by Kiln yet.", name)};
  }
  constexpr std::string_view kSwitches[] = {"TransitEncryptionEnabled", "AtRestEncryptionEnabled",
                                            "DataTieringEnabled"};
  for (std::string_view name : kSwitches) {
    if (args.BoolOr(name, false))
      return {Fault::kUnsupportedOperation, fmt::format("{} is not supported by Kiln yet.", name)};
  }
  if (!args.List("UserGroupIds", "member").empty() ||
      !args.Structures("LogDeliveryConfigurations", "LogDeliveryConfigurationRequest").empty()) {
    return {Fault::kUnsupportedOperation,
            "UserGroupIds and LogDeliveryConfigurations are not supported by Kiln yet."};
  }
  return args.error();
}

ApiError ReadWindows(Arguments& args, CacheCluster* cluster) {
  Window maintenance, snapshot;
  cluster->maintenance_window =
      LowerCase(args.StringOr("PreferredMaintenanceWindow", cluster->maintenance_window));
  if (std::string problem = ParseMaintenanceWindow(cluster->maintenance_window, &maintenance);
      !problem.empty())
    return BadValue(problem);
  std::optional<int64_t> retention = args.Integer("SnapshotRetentionLimit", 0, 35);
  if (cluster->IsMemcached()) {
    if (retention.value_or(0) == 0 && !args.Has("SnapshotWindow")) return args.error();
    return BadCombination(
        "Instance type does not support snapshotting. Snapshot retention limit "
        "parameter should not be specified.");
  }
  if (retention) cluster->snapshot_retention_days = static_cast<int>(*retention);
  cluster->snapshot_window = args.StringOr("SnapshotWindow", cluster->snapshot_window);
  if (std::string problem = ParseSnapshotWindow(cluster->snapshot_window, &snapshot);
      !problem.empty())
    return BadValue(problem);
  if (Overlap(snapshot, maintenance))
    return BadValue("The snapshot window and maintenance window must not overlap.");
  return args.error();
}

ApiError ReadCommonFields(Arguments& args, CacheCluster* cluster) {
  if (std::vector<std::string> ids = args.List("SecurityGroupIds", "SecurityGroupId"); !ids.empty())
    cluster->security_group_ids = std::move(ids);
  cluster->notification_topic = args.StringOr("NotificationTopicArn", cluster->notification_topic);
  if (auto status = args.OneOf("NotificationTopicStatus", {"active", "inactive"}))
    cluster->notification_status = *status;
  cluster->has_auto_minor_upgrade =
      args.BoolOr("AutoMinorVersionUpgrade", cluster->has_auto_minor_upgrade);
  args.OneOf("NetworkType", {"ipv4"});
  args.OneOf("IpDiscovery", {"ipv4"});
  return args.error();
}

bool IsStuck(const CacheCluster& cluster) {
  return cluster.status != "deleting" &&
         std::any_of(cluster.nodes.begin(), cluster.nodes.end(),
                     [](const CacheNode& node) { return !node.problem.empty(); });
}

ApiError CheckNodeQuota(ActionCall& call, size_t more_nodes) {
  auto entries = call.api.store.List(kClusterPrefix);
  if (!entries) return ActionCall::StoreTrouble(entries.error());
  size_t nodes = more_nodes;
  for (const StoreEntry& entry : *entries) {
    if (auto cluster = FromJson<CacheCluster>(entry.value)) nodes += cluster->nodes.size();
  }
  size_t quota = static_cast<size_t>(call.api.site.node_quota);
  if (nodes <= quota) return NoError();
  return {Fault::kNodeQuotaForCustomerExceeded,
          fmt::format("Customer node quota exceeded. You can have at most {} nodes in this region",
                      quota)};
}

}  // namespace kiln
