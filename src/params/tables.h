// One function for each table of parameters. A new table is named here and in registry.cc.
#pragma once

#include <span>

#include "params/parameter.h"

namespace kiln {

std::span<const Parameter> ClientsParameters();
std::span<const Parameter> ClusterParameters();
std::span<const Parameter> EncodingsParameters();
std::span<const Parameter> MemoryParameters();
std::span<const Parameter> MonitoringParameters();
std::span<const Parameter> NetworkParameters();
std::span<const Parameter> PersistenceParameters();
std::span<const Parameter> ProcessParameters();
std::span<const Parameter> ReplicationParameters();
std::span<const Parameter> SecurityParameters();
std::span<const Parameter> TlsParameters();

}  // namespace kiln
