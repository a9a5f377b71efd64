// Errors that name the command they are about, or repeat what it was given.
#pragma once

#include <string>
#include <string_view>

#include "engine/commands/command.h"

namespace kiln {

// "ERR wrong number of arguments for 'mset' command": for rules that a row's arity cannot say.
std::string ArityErrorText(const Command& command);
// "ERR invalid expire time in 'set' command".
std::string ExpireTimeErrorText(const Command& command);
// "ERR unknown subcommand or wrong number of arguments for 'get'. Try SLOWLOG HELP."
std::string SubcommandErrorText(std::string_view subcommand, std::string_view container);

// What an error repeats of an argument: Redis takes it for a C string, which ends at a zero byte,
// and some errors show no more than kMaxEchoBytes of it.
constexpr size_t kMaxEchoBytes = 128;
std::string UntilZero(std::string_view argument);
std::string EchoOf(std::string_view argument);

}  // namespace kiln
