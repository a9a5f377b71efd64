// What a killed server leaves of files that it was writing: names that only a running process gives
// a meaning to. Removed at the next start, or they would fill the disk of a node that is killed
// again and again.
//
// Thread safety: none; before a server runs. What cannot be removed stays.
#pragma once

#include <string>

namespace kiln {

// Removes from the folder "temp-<pid>.rdb", "temp-<pid>.<n>.rdb" and "temp-rewriteaof-bg-<pid>.aof"
// of processes that have ended, and what was to become the manifest of this name (may be empty).
void RemoveLeftovers(const std::string& folder, const std::string& manifest);

}  // namespace kiln
