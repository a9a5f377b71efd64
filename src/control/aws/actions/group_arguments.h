// Arguments that the calls about groups of parameters and of subnets share, and their tags.
//
// Wrong ones become the error of `args`. Values; no thread of their own.
#pragma once

#include <string>
#include <string_view>

#include "control/aws/arguments.h"
#include "control/model/documents.h"

namespace kiln {

inline constexpr size_t kMaxGroups = 300;  // Of each kind.

// The name in the field, in lower case, as a group may be named by its creator.
std::string ReadGroupName(Arguments& args, std::string_view field);

// The list "Tags".
Tags ReadTags(Arguments& args);

}  // namespace kiln
