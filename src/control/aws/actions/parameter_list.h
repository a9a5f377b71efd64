// The calls that list parameters; their rows are among those of parameter_group.cc.
#pragma once

#include <string>
#include <string_view>

#include "control/aws/action.h"

namespace kiln {

ApiError DescribeCacheParameters(ActionCall& call);
ApiError DescribeEngineDefaultParameters(ActionCall& call);

std::string InvalidFamilyText(std::string_view family);

}  // namespace kiln
