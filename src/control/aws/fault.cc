#include "control/aws/fault.h"

#include <iterator>

#include "base/check.h"

namespace kiln {
namespace {

// clang-format off
constexpr FaultRow kFaults[] = {
  {Fault::kNone,                               200, ""},
  {Fault::kApiCallRateForCustomerExceeded,     400, "APICallRateForCustomerExceeded"},
  {Fault::kCacheClusterAlreadyExists,          400, "CacheClusterAlreadyExists"},
  {Fault::kCacheClusterNotFound,               404, "CacheClusterNotFound"},
  {Fault::kCacheParameterGroupAlreadyExists,   400, "CacheParameterGroupAlreadyExists"},
  {Fault::kCacheParameterGroupNotFound,        404, "CacheParameterGroupNotFound"},
  {Fault::kCacheParameterGroupQuotaExceeded,   400, "CacheParameterGroupQuotaExceeded"},
  {Fault::kCacheSecurityGroupNotFound,         404, "CacheSecurityGroupNotFound"},
  {Fault::kCacheSubnetGroupAlreadyExists,      400, "CacheSubnetGroupAlreadyExists"},
  {Fault::kCacheSubnetGroupInUse,              400, "CacheSubnetGroupInUse"},
  {Fault::kCacheSubnetGroupNotFound,           400, "CacheSubnetGroupNotFoundFault"},
  {Fault::kCacheSubnetGroupQuotaExceeded,      400, "CacheSubnetGroupQuotaExceeded"},
  {Fault::kCacheSubnetQuotaExceeded,           400, "CacheSubnetQuotaExceededFault"},
  {Fault::kClusterQuotaForCustomerExceeded,    400, "ClusterQuotaForCustomerExceeded"},
  {Fault::kGlobalReplicationGroupNotFound,     404, "GlobalReplicationGroupNotFoundFault"},
  {Fault::kInsufficientCacheClusterCapacity,   400, "InsufficientCacheClusterCapacity"},
  {Fault::kInvalidArn,                         400, "InvalidARN"},
  {Fault::kInvalidCacheClusterState,           400, "InvalidCacheClusterState"},
  {Fault::kInvalidCacheParameterGroupState,    400, "InvalidCacheParameterGroupState"},
  {Fault::kInvalidParameterCombination,        400, "InvalidParameterCombination"},
  {Fault::kInvalidParameterValue,              400, "InvalidParameterValue"},
  {Fault::kInvalidReplicationGroupState,       400, "InvalidReplicationGroupState"},
  {Fault::kInvalidSnapshotState,               400, "InvalidSnapshotState"},
  {Fault::kInvalidSubnet,                      400, "InvalidSubnet"},
  {Fault::kNodeGroupNotFound,                  404, "NodeGroupNotFoundFault"},
  {Fault::kNodeQuotaForClusterExceeded,        400, "NodeQuotaForClusterExceeded"},
  {Fault::kNodeQuotaForCustomerExceeded,       400, "NodeQuotaForCustomerExceeded"},
  {Fault::kNoOperation,                        400, "NoOperationFault"},
  {Fault::kReplicationGroupAlreadyExists,      400, "ReplicationGroupAlreadyExists"},
  {Fault::kReplicationGroupAlreadyUnderMigration,400, "ReplicationGroupAlreadyUnderMigrationFault"},
  {Fault::kReplicationGroupNotFound,           404, "ReplicationGroupNotFoundFault"},
  {Fault::kReplicationGroupNotUnderMigration,  400, "ReplicationGroupNotUnderMigrationFault"},
  {Fault::kReservedCacheNodeNotFound,          404, "ReservedCacheNodeNotFound"},
  {Fault::kReservedCacheNodesOfferingNotFound, 404, "ReservedCacheNodesOfferingNotFound"},
  {Fault::kServerlessCacheNotFound,            404, "ServerlessCacheNotFoundFault"},
  {Fault::kServerlessCacheSnapshotNotFound,    404, "ServerlessCacheSnapshotNotFoundFault"},
  {Fault::kServiceUpdateNotFound,              404, "ServiceUpdateNotFoundFault"},
  {Fault::kSnapshotAlreadyExists,              400, "SnapshotAlreadyExistsFault"},
  {Fault::kSnapshotFeatureNotSupported,        400, "SnapshotFeatureNotSupportedFault"},
  {Fault::kSnapshotNotFound,                   404, "SnapshotNotFoundFault"},
  {Fault::kSnapshotQuotaExceeded,              400, "SnapshotQuotaExceededFault"},
  {Fault::kSubnetInUse,                        400, "SubnetInUse"},
  {Fault::kTagNotFound,                        404, "TagNotFound"},
  {Fault::kTagQuotaPerResourceExceeded,        400, "TagQuotaPerResourceExceeded"},
  {Fault::kTestFailoverNotAvailable,           400, "TestFailoverNotAvailableFault"},
  {Fault::kUserGroupNotFound,                  404, "UserGroupNotFound"},
  {Fault::kUserNotFound,                       404, "UserNotFound"},
  {Fault::kAccessDenied,                       403, "AccessDenied"},
  {Fault::kIncompleteSignature,                400, "IncompleteSignature"},
  {Fault::kInternalFailure,                    500, "InternalFailure"},
  {Fault::kInvalidAction,                      400, "InvalidAction"},
  {Fault::kInvalidClientTokenId,               403, "InvalidClientTokenId"},
  {Fault::kMalformedQueryString,               404, "MalformedQueryString"},
  {Fault::kMissingAction,                      400, "MissingAction"},
  {Fault::kMissingAuthenticationToken,         403, "MissingAuthenticationToken"},
  {Fault::kMissingParameter,                   400, "MissingParameter"},
  {Fault::kRequestExpired,                     400, "RequestExpired"},
  {Fault::kServiceUnavailable,                 503, "ServiceUnavailable"},
  {Fault::kSignatureDoesNotMatch,              403, "SignatureDoesNotMatch"},
  {Fault::kUnsupportedOperation,               400, "UnsupportedOperation"},
};
// clang-format on
static_assert(std::size(kFaults) == static_cast<size_t>(Fault::kCount));
static_assert([] {
  for (size_t i = 0; i < std::size(kFaults); ++i) {
    if (kFaults[i].fault != static_cast<Fault>(i)) return false;
  }
  return true;
}());

}  // namespace

const FaultRow& RowOf(Fault fault) {
  KILN_CHECK(fault < Fault::kCount);
  return kFaults[static_cast<size_t>(fault)];
}

}  // namespace kiln
