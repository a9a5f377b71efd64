// Encrypted logs: files that are appended to, such as the append-only file.
//
// What is written at once is sealed at once, so it can be read as soon as it is there. A log that
// was cut off is whole up to its last whole chunk.
//
// Thread safety: none. Errors: a text, or empty.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/persist/cipher_chunk.h"

namespace kiln {

class CipherLog {
 public:
  // A log with so many chunks.
  CipherLog(const CipherHeader& header, uint64_t chunks) : cipher_(header), number_before_(chunks) {
    cipher_.GoOnAt(chunks);
  }
  // A new log; *header is what its file begins with.
  static std::unique_ptr<CipherLog> Create(const AtRestKey& key, std::string* header);
  // A new log in the file, with the header written and synced; null, with *error, when that fails.
  static std::unique_ptr<CipherLog> Start(int fd, const AtRestKey& key, std::string* error);
  // Goes on behind the last chunk of the log at `path`; null, with *error, when that can't be: it
  // must end with a whole chunk.
  static std::unique_ptr<CipherLog> Continue(const std::string& path, const AtRestKeys* keys,
                                             std::string* error);

  // Appends to *out what is to be written for these bytes.
  void Append(std::string_view bytes, std::string* out);
  // What the last Append gave did not stay in the file.
  void Undo() { cipher_.GoOnAt(number_before_); }

 private:
  ChunkCipher cipher_;
  uint64_t number_before_;  // the last Append
};

// Writes the log at `path` anew with the first `bytes` of its text, in its place at once.
[[nodiscard]] std::string CutCipherLog(const std::string& path, const AtRestKeys* keys,
                                       uint64_t bytes);

}  // namespace kiln
