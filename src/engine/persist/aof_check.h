// Looks through the commands of an append-only file without running them: up to where they are
// whole, and what is wrong there. Also cuts such files.
//
// Commands are whole up to the last one outside of a transaction whose EXEC is missing. Notes ("#")
// may stand between commands; "#TS:" and a Unix time says when what follows was written.
//
// Thread safety: none. Errors: a text, or empty. Offsets count bytes of text: of an encrypted file,
// those that are encrypted.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "engine/persist/cipher_file.h"

namespace kiln {

struct AofCheckOptions {
  uint64_t commands_at = 0;             // where they begin: behind a snapshot
  std::optional<int64_t> until_s = {};  // looks no further than the first time stamp behind it
  // Called now and then with the bytes and commands looked at so far.
  std::function<void(uint64_t bytes, uint64_t commands)> progress = {};
};

struct AofCheckResult {
  std::string error;          // empty: all is whole
  uint64_t error_offset = 0;  // of the command or chunk that is wrong
  bool is_cut = false;        // the error is that the end is missing, and no other
  uint64_t bytes = 0;         // that could be read; all of them unless there is an error
  uint64_t whole_bytes = 0;
  uint64_t commands = 0;     // whole ones
  bool is_too_late = false;  // a time stamp behind until_s follows on whole_bytes
};

AofCheckResult CheckAof(StoredFile& source, const AofCheckOptions& options);

// Leaves the file at `path` with the first `whole_bytes` of its text, of which `source` has given
// `bytes`: all of them if that is no more.
[[nodiscard]] std::string CutAof(const std::string& path, const StoredFile& source, uint64_t bytes,
                                 uint64_t whole_bytes, const AtRestKeys& keys);

}  // namespace kiln
