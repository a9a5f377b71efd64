// Changes of a cluster's document that both the API and the maintenance window make.
//
// Pure; any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "control/model/documents.h"

namespace kiln {

// "0001"
std::string NodeIdText(int number);

// Appends a node that is to be created. `endpoint`: its own, reserved.
void AddNode(CacheCluster* cluster, const Endpoint& endpoint, const std::string& zone);

// What is pending becomes what is desired: the type, the version, nodes to be removed. Nodes to be
// added need addresses: `reserve` gives one for a node of that id, or nullopt, and then nothing has
// changed and the answer is false.
using ReserveAddress = std::function<std::optional<Endpoint>(const std::string& node_id)>;
bool ApplyPending(CacheCluster* cluster, const ReserveAddress& reserve);

}  // namespace kiln
