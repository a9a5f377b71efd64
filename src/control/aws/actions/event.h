// What the API's own changes leave for DescribeEvents. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "control/model/documents.h"
#include "control/model/events.h"
#include "control/store/store.h"

namespace kiln {

inline constexpr std::string_view kClusterSource = "cache-cluster";
inline constexpr std::string_view kReplicationGroupSource = "replication-group";
inline constexpr std::string_view kParameterGroupSource = "cache-parameter-group";
inline constexpr std::string_view kSubnetGroupSource = "cache-subnet-group";

// The event happens if, and only if, the transaction does.
inline void AddEvent(Transaction* transaction, const Event& event) {
  transaction->puts.push_back({NewEventKey(event.time_ms), ToJson(event)});
}

}  // namespace kiln
