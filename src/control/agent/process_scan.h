// Finds the node processes that an earlier kilnd left running, by their names in /proc.
//
// node_command.h says what the names are. Any thread. What cannot be read is no node of ours.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

struct FoundProcess {
  int pid = 0;
  std::string key;  // The name of the node's folder; the folder may be gone.
};

// Those of this user with a folder in `nodes_path`, lowest pid first.
std::vector<FoundProcess> FindNodeProcesses(const std::string& nodes_path);

// The key in a command line as /proc has it: words that end with a zero byte.
std::optional<std::string> NodeOfCommandLine(std::string_view command_line,
                                             std::string_view nodes_path);

// The process's own statistics, as Agent::Statistics names them, with their values.
std::vector<std::pair<std::string, std::string>> ReadProcessStatistics(int pid);

}  // namespace kiln
