// DebugSwitches: what DEBUG turns off for tests, the whole server over. Changed alone; read by any
// worker that runs a command.
#pragma once

namespace kiln {

struct DebugSwitches {
  // RESTORE and FUNCTION RESTORE take payloads whose checksum is wrong.
  bool skips_checksums = false;
};

}  // namespace kiln
