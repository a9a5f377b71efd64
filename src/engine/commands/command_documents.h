// What a command's documentation says beyond its row: cost, history, what replaced it, and tips for
// clients of a cluster.
//
// Tables sorted by name, each with a row only where there is something to say. Source of the facts:
// Redis 7.2's command descriptions; what an option's own version tells (command_syntax.h) is not
// repeated. Constant data; any thread.
#pragma once

#include <span>
#include <string_view>

namespace kiln {

// A change that no argument's version tells.
struct CommandChange {
  std::string_view name;  // the command's full name, as in its row
  std::string_view since;
  std::string_view change;
};

struct CommandReplacement {
  std::string_view name;
  std::string_view deprecated_since;
  std::string_view replaced_by;
};

// How the time a command takes grows; empty for containers and where it cannot be told.
std::string_view ComplexityOf(std::string_view name, bool is_container);
// Words with spaces between them, such as "request_policy:all_shards nondeterministic_output".
std::string_view TipsOf(std::string_view name);
// In order of their versions.
std::span<const CommandChange> ChangesOf(std::string_view name);
// Null for commands that are not deprecated.
const CommandReplacement* ReplacementOf(std::string_view name);
// For the server's own use, not for applications.
bool IsSystemCommand(std::string_view name);

}  // namespace kiln
