// Parameter groups: the stored ones, and the default groups that every family has.
//
// Any thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/model/documents.h"
#include "control/model/node_types.h"
#include "params/family_parameters.h"

namespace kiln {

// "default.redis7"; "default.redis7.cluster.on".
std::string DefaultParameterGroupName(std::string_view family);
// All 21, sorted by name; nullopt for a name that is not one of theirs.
const std::vector<ParameterGroup>& DefaultParameterGroups();
std::optional<ParameterGroup> FindDefaultParameterGroup(std::string_view name);

// The value in force: the group's own, or the family's default.
std::string ValueIn(const ParameterGroup& group, const FamilyParameter& parameter);

// The same two parameters for every family of redis and valkey, or memcached: their values follow
// from the node's type, and nobody can change them.
struct NodeTypeParameter {
  std::string_view name;
  std::string_view help;
  int64_t (*value)(const NodeType&);
};
std::vector<NodeTypeParameter> NodeTypeParametersOf(Family family);

}  // namespace kiln
