// The errors of the ElastiCache API: one row each, code and HTTP status as botocore's model has
// them.
//
// The message is made where the error arises. Constant data; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kiln {

// Named by their codes; the rows in fault.cc say code and status. Modelled faults first, then those
// that every AWS service has.
enum class Fault : uint8_t {
  kNone,
  kApiCallRateForCustomerExceeded,
  kCacheClusterAlreadyExists,
  kCacheClusterNotFound,
  kCacheParameterGroupAlreadyExists,
  kCacheParameterGroupNotFound,
  kCacheParameterGroupQuotaExceeded,
  kCacheSecurityGroupNotFound,
  kCacheSubnetGroupAlreadyExists,
  kCacheSubnetGroupInUse,
  kCacheSubnetGroupNotFound,
  kCacheSubnetGroupQuotaExceeded,
  kCacheSubnetQuotaExceeded,
  kClusterQuotaForCustomerExceeded,
  kGlobalReplicationGroupNotFound,
  kInsufficientCacheClusterCapacity,
  kInvalidArn,
  kInvalidCacheClusterState,
  kInvalidCacheParameterGroupState,
  kInvalidParameterCombination,
  kInvalidParameterValue,
  kInvalidReplicationGroupState,
  kInvalidSnapshotState,
  kInvalidSubnet,
  kNodeGroupNotFound,
  kNodeQuotaForClusterExceeded,
  kNodeQuotaForCustomerExceeded,
  kNoOperation,
  kReplicationGroupAlreadyExists,
  kReplicationGroupAlreadyUnderMigration,
  kReplicationGroupNotFound,
  kReplicationGroupNotUnderMigration,
  kReservedCacheNodeNotFound,
  kReservedCacheNodesOfferingNotFound,
  kServerlessCacheNotFound,
  kServerlessCacheSnapshotNotFound,
  kServiceUpdateNotFound,
  kSnapshotAlreadyExists,
  kSnapshotFeatureNotSupported,
  kSnapshotNotFound,
  kSnapshotQuotaExceeded,
  kSubnetInUse,
  kTagNotFound,
  kTagQuotaPerResourceExceeded,
  kTestFailoverNotAvailable,
  kUserGroupNotFound,
  kUserNotFound,
  // ---- Common errors ----
  kAccessDenied,
  kIncompleteSignature,
  kInternalFailure,
  kInvalidAction,
  kInvalidClientTokenId,
  kMalformedQueryString,
  kMissingAction,
  kMissingAuthenticationToken,
  kMissingParameter,
  kRequestExpired,
  kServiceUnavailable,
  kSignatureDoesNotMatch,
  kUnsupportedOperation,
  kCount,
};

struct FaultRow {
  Fault fault;
  int http_status;
  std::string_view code;
};

const FaultRow& RowOf(Fault fault);

// What a failing action answers. `fault` kNone: it did not fail.
struct [[nodiscard]] ApiError {
  Fault fault = Fault::kNone;
  std::string message;

  explicit operator bool() const { return fault != Fault::kNone; }
};

inline ApiError NoError() {
  return {};
}

}  // namespace kiln
