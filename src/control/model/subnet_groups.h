// Subnet groups. There is no network to choose from, so subnet ids are taken at their word: each
// lies in the one VPC, in a zone that follows from its id. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

#include "control/model/documents.h"
#include "control/model/site.h"

namespace kiln {

inline constexpr std::string_view kDefaultSubnetGroup = "default";
inline constexpr std::string_view kVpcId = "vpc-00000000";

// Is not stored: one subnet in each zone.
SubnetGroup DefaultSubnetGroup(const Site& site);

// "subnet-" and 1 to 64 letters, digits or hyphens.
bool IsSubnetId(std::string_view id);
// Ids that differ by one in their last character lie in neighbouring zones.
std::string ZoneOfSubnet(const Site& site, std::string_view id);

}  // namespace kiln
