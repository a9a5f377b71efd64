// Finds parameter groups, stored or default, and says what is wrong with a name. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "control/aws/fault.h"
#include "control/store/load.h"

namespace kiln {

// A default group has revision 0. `name` in lower case.
Result<std::optional<Loaded<ParameterGroup>>, StoreError> FindParameterGroup(
    Store& store, const std::string& name);

// `format` holds the name's "{}": AWS words it differently in each call.
ApiError ParameterGroupNotFound(std::string_view format, std::string_view name);
std::string InvalidFamilyText(std::string_view family);

}  // namespace kiln
