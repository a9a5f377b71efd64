// Operations that Kiln does not have. Those that only tell what there is tell that there is
// nothing, because tools ask them on their way; the others answer UnsupportedOperation.

#include <fmt/format.h>

#include "control/aws/action.h"
#include "control/aws/actions/paging.h"

namespace kiln {
namespace {

struct EmptyList {
  std::string_view action;
  std::string_view list;
  std::string_view name_field;  // Asking for one thing by its name fails.
  Fault not_found;
  std::string_view thing;
};

// clang-format off
constexpr EmptyList kEmptyLists[] = {  // Sorted by name.
  {"DescribeCacheSecurityGroups",         "CacheSecurityGroups",         "CacheSecurityGroupName",       Fault::kCacheSecurityGroupNotFound,         "Cache security group"},
  {"DescribeGlobalReplicationGroups",     "GlobalReplicationGroups",     "GlobalReplicationGroupId",     Fault::kGlobalReplicationGroupNotFound,     "Global replication group"},
  {"DescribeReservedCacheNodes",          "ReservedCacheNodes",          "ReservedCacheNodeId",          Fault::kReservedCacheNodeNotFound,          "Reserved cache node"},
  {"DescribeReservedCacheNodesOfferings", "ReservedCacheNodesOfferings", "ReservedCacheNodesOfferingId", Fault::kReservedCacheNodesOfferingNotFound, "Reserved cache nodes offering"},
  {"DescribeServerlessCacheSnapshots",    "ServerlessCacheSnapshots",    "ServerlessCacheSnapshotName",  Fault::kServerlessCacheSnapshotNotFound,    "Serverless cache snapshot"},
  {"DescribeServerlessCaches",            "ServerlessCaches",            "ServerlessCacheName",          Fault::kServerlessCacheNotFound,            "Serverless cache"},
  {"DescribeServiceUpdates",              "ServiceUpdates",              "ServiceUpdateName",            Fault::kServiceUpdateNotFound,              "Service update"},
  {"DescribeUpdateActions",               "UpdateActions",               "",                             Fault::kNone,                               ""},
  {"DescribeUserGroups",                  "UserGroups",                  "UserGroupId",                  Fault::kUserGroupNotFound,                  "User group"},
  {"DescribeUsers",                       "Users",                       "UserId",                       Fault::kUserNotFound,                       "User"},
};
// clang-format on

ApiError DescribeNothing(ActionCall& call) {
  std::string action = call.args.Required("Action");
  for (const EmptyList& row : kEmptyLists) {
    if (row.action != action) continue;
    ReadPageRequest(call.args);
    if (call.args.error()) return call.args.error();
    std::string name = call.args.StringOr(row.name_field, "");
    if (!name.empty()) return {row.not_found, fmt::format("{} {} not found.", row.thing, name)};
    call.out.Empty(row.list);
  }
  return NoError();
}

// clang-format off
constexpr Action kUnbuiltActions[] = {  // Sorted by name.
  {"AuthorizeCacheSecurityGroupIngress",          nullptr},
  {"BatchApplyUpdateAction",                      nullptr},
  {"BatchStopUpdateAction",                       nullptr},
  {"CopyServerlessCacheSnapshot",                 nullptr},
  {"CreateCacheSecurityGroup",                    nullptr},
  {"CreateGlobalReplicationGroup",                nullptr},
  {"CreateServerlessCache",                       nullptr},
  {"CreateServerlessCacheSnapshot",               nullptr},
  {"CreateUser",                                  nullptr},
  {"CreateUserGroup",                             nullptr},
  {"DecreaseNodeGroupsInGlobalReplicationGroup",  nullptr},
  {"DeleteCacheSecurityGroup",                    nullptr, false},
  {"DeleteGlobalReplicationGroup",                nullptr},
  {"DeleteServerlessCache",                       nullptr},
  {"DeleteServerlessCacheSnapshot",               nullptr},
  {"DeleteUser",                                  nullptr},
  {"DeleteUserGroup",                             nullptr},
  {"DescribeCacheSecurityGroups",                 DescribeNothing},
  {"DescribeGlobalReplicationGroups",             DescribeNothing},
  {"DescribeReservedCacheNodes",                  DescribeNothing},
  {"DescribeReservedCacheNodesOfferings",         DescribeNothing},
  {"DescribeServerlessCacheSnapshots",            DescribeNothing},
  {"DescribeServerlessCaches",                    DescribeNothing},
  {"DescribeServiceUpdates",                      DescribeNothing},
  {"DescribeUpdateActions",                       DescribeNothing},
  {"DescribeUserGroups",                          DescribeNothing},
  {"DescribeUsers",                               DescribeNothing},
  {"DisassociateGlobalReplicationGroup",          nullptr},
  {"ExportServerlessCacheSnapshot",               nullptr},
  {"FailoverGlobalReplicationGroup",              nullptr},
  {"IncreaseNodeGroupsInGlobalReplicationGroup",  nullptr},
  {"ModifyGlobalReplicationGroup",                nullptr},
  {"ModifyReplicationGroupShardConfiguration",     nullptr},
  {"ModifyServerlessCache",                       nullptr},
  {"ModifyUser",                                  nullptr},
  {"ModifyUserGroup",                             nullptr},
  {"PurchaseReservedCacheNodesOffering",          nullptr},
  {"RebalanceSlotsInGlobalReplicationGroup",      nullptr},
  {"RevokeCacheSecurityGroupIngress",             nullptr},
};
// clang-format on

}  // namespace

std::span<const Action> UnbuiltActions() {
  return kUnbuiltActions;
}

}  // namespace kiln
