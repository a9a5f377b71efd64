// Whether a snapshot file is sound: kiln-check reads it to its end, in a process of its own, so
// that a damaged file harms nobody here.
//
// Blocks. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace kiln {

struct SnapshotCheck {
  std::string problem;       // Why it cannot be used; empty: it can.
  bool is_damaged = false;   // The file is to blame, and will be tomorrow.
  int64_t memory_bytes = 0;  // Of the server that wrote it, where the file says so.
};

// `checker`: the program. It is ended when `goes_on` says no; the problem is then told as well.
SnapshotCheck CheckSnapshot(const std::string& checker, const std::string& path,
                            const std::function<bool()>& goes_on);

// What the program printed about a file that is not sound, as one sentence, and "used-mem".
std::string FirstFinding(std::string_view output);
int64_t MemoryIn(std::string_view output);

}  // namespace kiln
