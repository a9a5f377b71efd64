// Keeps log files from growing without bound: "node.log" becomes "node.log.1", that "node.log.2",
// and so on; the oldest goes.
//
// Any thread, one at a time for a file. A failure (no such file, a full disk) leaves the file to
// the next time.
#pragma once

#include <cstdint>
#include <string>

namespace kiln {

struct LogLimits {
  int64_t max_bytes = 10 << 20;
  int kept_files = 3;
};

// For a writer that opens the file for every line. True when it was rotated.
bool RotateByRename(const std::string& path, const LogLimits& limits);

// For a writer that keeps the file open for appending: copies it and cuts it to nothing. What is
// written between the two is lost.
bool RotateByCopy(const std::string& path, const LogLimits& limits);

}  // namespace kiln
