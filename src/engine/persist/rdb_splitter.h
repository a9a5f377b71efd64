// RdbSplitter: reads an RDB file and cuts it into batches of whole entries, for others to decode.
//
// It reads the file's frame itself (head, aux fields, libraries, sizes of databases, the end with
// its checksum) and of entries only where they end. A batch holds about a megabyte, or one entry,
// whatever its size: memory grows with what the file really holds, never with what it declares.
//
// Thread safety: none; the batches it gives out are the caller's. Errors: a text and the offset of
// the byte that is wrong, or of the entry that it belongs to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/persist/byte_source.h"
#include "engine/persist/rdb_format.h"
#include "engine/persist/rdb_skipper.h"

namespace kiln {

// Entries of one database.
struct RdbBatch {
  std::unique_ptr<char[]> memory;
  size_t bytes = 0;
  uint64_t offset = 0;  // of the first byte in the file
  uint64_t db = 0;
  std::vector<size_t> entries;  // where each begins
  uint64_t declared_keys = 0;   // of the database, with its first batch; nobody has checked that

  std::string_view view() const { return {memory.get(), bytes}; }
};

// What a file says of itself.
struct RdbFacts {
  uint16_t version = 0;
  bool is_valkeys = false;
  std::vector<std::pair<std::string, std::string>> aux;
  std::vector<std::string> functions;  // the code of each library
  uint64_t declared_keys = 0;          // of all databases
  uint64_t declared_expiries = 0;
  uint64_t module_parts = 0;  // that were passed over
  bool has_checksum = false;

  // The text of an aux field; empty when there is none.
  std::string_view Aux(std::string_view name) const;
};

class RdbSplitter {
 public:
  // `checks`: whether a wrong checksum is an error.
  RdbSplitter(ByteSource& source, bool checks) : source_(source), checks_(checks) {}

  // The next batch; false at the end of the file, or when something is wrong.
  bool Next(RdbBatch* batch);

  const RdbFacts& facts() const { return facts_; }
  const std::string& error() const { return error_; }
  uint64_t error_offset() const { return error_offset_; }
  // Bytes of the file that were given out, or read over.
  uint64_t offset() const { return offset_; }
  bool IsAtEnd() const { return is_at_end_; }  // of what the format calls the file

 private:
  static constexpr size_t kBatchBytes = 1 << 20;

  void Fail(std::string_view text, uint64_t offset);
  bool ReadHead();
  // Reads on until the buffer is full or the file ends. False when there was nothing more.
  bool Fill();
  void Grow();
  // Looks at the parts that are there. True: give out what lies before entry_start_.
  bool Scan();
  bool TakePart(RdbSkipper& skipper, size_t start);
  void TakeFact(RdbOpcode opcode, std::string_view part);
  bool EndFile(size_t start, size_t end);
  void GiveOut(RdbBatch* batch);
  // Brings the checksum up to this place in the buffer.
  void Sum(size_t until);
  uint64_t FileBytesLeft() const;

  ByteSource& source_;
  bool checks_;
  RdbFacts facts_;
  std::string error_;
  uint64_t error_offset_ = 0;

  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t size_ = 0;         // bytes in the buffer
  size_t entry_start_ = 0;  // what lies before has been looked at
  size_t part_start_ = 0;   // the same, within an entry that has begun
  size_t summed_ = 0;
  uint64_t offset_ = 0;  // of the buffer's first byte in the file
  uint64_t crc_ = 0;
  uint64_t db_ = 0;
  uint64_t next_db_ = 0;  // that of the entries behind entry_start_
  uint64_t db_keys_ = 0;  // declared, and not given out yet
  std::vector<size_t> entries_;
  bool has_head_ = false;
  bool is_source_empty_ = false;
  bool is_at_end_ = false;
};

}  // namespace kiln
