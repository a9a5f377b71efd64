// The calls that list parameters; their rows are among those of parameter_group.cc.
#pragma once

#include "control/aws/action.h"

namespace kiln {

ApiError DescribeCacheParameters(ActionCall& call);
ApiError DescribeEngineDefaultParameters(ActionCall& call);

}  // namespace kiln
