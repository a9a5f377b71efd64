// Reading redis.conf.
//
// Lines of a directive and its words (base/split_args.h); '#' starts a comment line. Besides the
// parameters there are include (with wildcards), rename-command and user; modules and sentinels are
// refused.
#pragma once

#include <string>
#include <string_view>

#include "params/command_line.h"
#include "params/parameter_set.h"

namespace kiln {

// Reads the file, standard input and options of a command line, in this order. The error is a whole
// message for standard error, after which the server cannot start; the parameters are then partly
// changed.
[[nodiscard]] ErrorText LoadConfig(const CommandLine& line, ParameterSet* parameters);

// The same for a text that stands for a file.
[[nodiscard]] ErrorText LoadConfigText(std::string_view text, ParameterSet* parameters);

}  // namespace kiln
