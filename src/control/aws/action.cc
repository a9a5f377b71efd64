#include "control/aws/action.h"

#include <fmt/format.h>

#include "base/log.h"

namespace kiln {

ApiError ActionCall::StoreTrouble(StoreError error) {
  switch (error) {
    case StoreError::kConflict:
      return {Fault::kServiceUnavailable, "Another call changed the same resource. Try again."};
    case StoreError::kTooLarge:
      return {Fault::kInvalidParameterValue, "The resource would become too large to be stored."};
    default:
      Log(LogLevel::kWarning, fmt::format("A call failed: {}", Describe(error)));
      return {Fault::kInternalFailure, std::string(Describe(error))};
  }
}

const Action* FindAction(std::string_view name) {
  for (std::span<const Action> rows :
       {CacheClusterActions(), ReplicationGroupActions(), ParameterGroupActions(),
        SubnetGroupActions(), SnapshotActions(), MigrationActions(), TagActions(), EventActions(),
        EngineVersionActions(), UnbuiltActions()}) {
    for (const Action& row : rows) {
      if (row.name == name) return &row;
    }
  }
  return nullptr;
}

}  // namespace kiln
