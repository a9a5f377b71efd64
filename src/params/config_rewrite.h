// CONFIG REWRITE: the configuration file with the values of now.
//
// Comments, order and directives that are no parameters stay. A parameter's line is replaced where
// it stands; one that is not in the file is appended when it differs from its default. Lines that
// became superfluous are emptied.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "params/parameter_set.h"

namespace kiln {

// `users`: the users as they are now, "default on nopass ...", to stand in "user" lines; empty when
// an ACL file holds them. `all`: parameters that have their defaults are written too.
std::string RewriteConfig(std::string_view old_text, const ParameterSet& parameters, Words users,
                          bool all = false);

// Rewrites the file so that it is the old or the new one at any time. The error is what the system
// says.
[[nodiscard]] ErrorText RewriteConfigFile(const std::string& path, const ParameterSet& parameters,
                                          Words users, bool all = false);

}  // namespace kiln
