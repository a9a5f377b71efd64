#include "control/model/subnet_groups.h"

#include <algorithm>
#include <cctype>

namespace kiln {

SubnetGroup DefaultSubnetGroup(const Site& site) {
  SubnetGroup group;
  group.name = kDefaultSubnetGroup;
  group.description = "Default CacheSubnetGroup";
  group.vpc_id = kVpcId;
  for (size_t i = 0; i < site.zones.size(); ++i) {
    group.subnets.push_back({"subnet-default-" + std::to_string(i + 1), site.zones[i]});
  }
  return group;
}

bool IsSubnetId(std::string_view id) {
  constexpr std::string_view kPrefix = "subnet-";
  constexpr size_t kMaxSuffixBytes = 64;
  if (!id.starts_with(kPrefix)) return false;
  id.remove_prefix(kPrefix.size());
  return !id.empty() && id.size() <= kMaxSuffixBytes &&
         std::all_of(id.begin(), id.end(), [](unsigned char c) {
           return c < 0x80 && (std::isalnum(c) != 0 || c == '-');
         });
}

std::string ZoneOfSubnet(const Site& site, std::string_view id) {
  size_t sum = 0;
  for (unsigned char c : id) sum += c;
  return site.zones[sum % site.zones.size()];
}

}  // namespace kiln
