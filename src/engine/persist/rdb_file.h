// RdbFile: a snapshot file that is there as a whole or not at all.
//
// Written as "temp-<pid>.rdb" beside its place (a second one at a time gets a number as well),
// given to the disk piece by piece (so that the final sync is short), synced, renamed; then the
// folder is synced. Whatever goes wrong, the file that was there before stays, and the temporary
// one goes.
//
// Thread safety: none. Errors: a text, or empty.
#pragma once

#include <cstdint>
#include <string>

#include "engine/persist/byte_sink.h"

namespace kiln {

class RdbFile final : public ByteSink {
 public:
  // `path` may be relative to the working directory. `syncs_in_steps`: rdb-save-incremental-fsync.
  RdbFile(std::string path, bool syncs_in_steps);
  ~RdbFile() override;  // removes what was not committed

  [[nodiscard]] std::string Open();
  [[nodiscard]] std::string Write(std::string_view bytes) override;
  // Puts the file in its place.
  [[nodiscard]] std::string Commit();

  uint64_t bytes() const { return bytes_; }  // written so far
  // The usual name of the temporary file, for who removes it in a hurry.
  static std::string TemporaryName();

 private:
  static constexpr uint64_t kStepBytes = 4 << 20;

  std::string Step();
  std::string SyncFolder() const;

  std::string path_;
  std::string temporary_;
  bool syncs_in_steps_;
  int fd_ = -1;
  uint64_t bytes_ = 0;
  uint64_t stepped_bytes_ = 0;  // whose writing has been started
  uint64_t waited_bytes_ = 0;   // that are on the disk
};

}  // namespace kiln
