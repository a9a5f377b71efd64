#include "control/aws/actions/parameter_group_lookup.h"

#include <fmt/format.h>

#include "control/model/parameter_groups.h"
#include "control/model/store_keys.h"

namespace kiln {

Result<std::optional<Loaded<ParameterGroup>>, StoreError> FindParameterGroup(
    Store& store, const std::string& name) {
  std::optional<ParameterGroup> group = FindDefaultParameterGroup(name);
  if (!group) return Load<ParameterGroup>(store, ParameterGroupKey(name));
  return std::optional(Loaded<ParameterGroup>{*std::move(group), 0});
}

ApiError ParameterGroupNotFound(std::string_view format, std::string_view name) {
  return {Fault::kCacheParameterGroupNotFound, fmt::format(fmt::runtime(format), name)};
}

std::string InvalidFamilyText(std::string_view family) {
  return fmt::format("CacheParameterGroupFamily {} is not a valid parameter group family.", family);
}

}  // namespace kiln
