// RdbWriter: the frame of an RDB file: what stands before its entries and behind them.
//
// The head, then aux fields, libraries of functions and the sizes of the databases; then runs of
// entries, in any order and from any number of producers, each beginning with its SELECTDB
// (WriteRdbSelect); then the end and the checksum, which is computed as the bytes pass.
//
// The format's number stands first, so it must be known before the entries are: 11, as Redis 7.2
// writes it, unless there are hashes whose fields have times to live, which take 12.
//
// Thread safety: none. Errors: the first one is kept, and nothing is written after it. Source: the
// Redis RDB file format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/persist/byte_sink.h"
#include "engine/persist/rdb_format.h"

namespace kiln {

struct RdbWriterOptions {
  uint16_t version = kRdbVersion;
  bool has_checksum = true;  // parameter rdbchecksum; zeros stand in its place otherwise
};

class RdbWriter {
 public:
  RdbWriter(ByteSink& sink, const RdbWriterOptions& options);

  // In this order; each may be left out.
  void Aux(std::string_view name, std::string_view text);
  void Function(std::string_view code);
  void DatabaseSize(int db, uint64_t keys, uint64_t keys_with_expiry);
  void Entries(std::string_view run);
  // The end. The error of the whole, or empty.
  [[nodiscard]] std::string Finish();

  // Nothing more is written: an error of the caller's.
  void Fail(std::string_view why) {
    if (error_.empty()) error_ = why;
  }
  const std::string& error() const { return error_; }
  uint64_t bytes() const { return bytes_; }

 private:
  void Write(std::string_view bytes);

  ByteSink& sink_;
  RdbWriterOptions options_;
  uint64_t crc_ = 0;
  uint64_t bytes_ = 0;
  std::string error_;
};

// Where in which history of changes (replication/history.h) a snapshot is, and for which database
// the next change is if it does not say so.
struct ReplicationPlace {
  std::string id;
  uint64_t offset = 0;
  int db = 0;
};

// The aux fields that Redis 7.2 writes, and Kiln's version. `is_aof_base`: the file begins an
// append-only file.
void WriteUsualAux(RdbWriter& writer, size_t used_memory_bytes, bool is_aof_base);
void WritePlaceAux(RdbWriter& writer, const ReplicationPlace& place);

}  // namespace kiln
