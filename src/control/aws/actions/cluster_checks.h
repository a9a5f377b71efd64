// The checks that creating and modifying caches share. Each answers AWS's error, or none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/aws/action.h"
#include "control/model/documents.h"
#include "control/model/engine_versions.h"

namespace kiln {

ApiError CheckIdentifier(std::string_view parameter, std::string_view id, size_t max_bytes);
ApiError CheckNodeType(std::string_view node_type);
ApiError CheckZone(const Site& site, std::string_view zone);
// The version asked for, or the newest; one that is of another family than `group` is refused.
ApiError ChooseVersion(std::string_view engine, std::string_view wanted,
                       const EngineVersion** version);
ApiError CheckFamily(const ParameterGroup& group, const EngineVersion& version);

// What is part of ElastiCache but not of Kiln yet is refused rather than ignored.
ApiError CheckNothingUnbuilt(Arguments& args);

// PreferredMaintenanceWindow, SnapshotWindow and SnapshotRetentionLimit, from the call into the
// document; those not given stay.
ApiError ReadWindows(Arguments& args, CacheCluster* cluster);
// SecurityGroupIds, NotificationTopicArn, AutoMinorVersionUpgrade, IpDiscovery, NetworkType.
ApiError ReadCommonFields(Arguments& args, CacheCluster* cluster);

// One of its nodes does not run: nobody knows when it will leave its status, so that it may be
// deleted in any.
bool IsStuck(const CacheCluster& cluster);

// Nodes of all caches against the region's quota.
ApiError CheckNodeQuota(ActionCall& call, size_t more_nodes);

}  // namespace kiln
