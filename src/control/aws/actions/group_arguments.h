// What the calls about groups of parameters and of subnets share.
// Any thread.
#pragma once

#include <string>
#include <string_view>

#include "control/aws/arguments.h"

namespace kiln {

inline constexpr size_t kMaxGroups = 300;  // Of each kind.

// The name in the field, in lower case. One that no creator may give becomes the error of `args`.
std::string ReadGroupName(Arguments& args, std::string_view field);

}  // namespace kiln
