// Reads the parts that RDB values are made of. For bytes from outside: nothing is trusted.
//
// The first thing that is wrong ends the reading: every later call returns an empty value, and
// is_broken() says so. A declared length allocates nothing by itself. Views are into the bytes
// given, or, of compressed texts, into the reader's own room, where each lasts until the next.
//
// Thread safety: none. Source: the Redis RDB file format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/persist/rdb_format.h"

namespace kiln {

class RdbInput {
 public:
  explicit RdbInput(std::string_view bytes, uint16_t version = kRdbVersion)
      : rest_(bytes), version_(version) {}

  uint16_t version() const { return version_; }  // of the format

  bool is_broken() const { return is_broken_; }
  bool AtEnd() const { return rest_.empty(); }
  void Break() {
    if (!is_broken_) left_when_broken_ = rest_.size();
    is_broken_ = true;
    rest_ = {};
  }
  // Bytes that are not read yet, or were not when it broke.
  size_t left() const { return is_broken_ ? left_when_broken_ : rest_.size(); }
  // A collection without elements was read, which is no value, though nothing else is wrong.
  bool is_empty() const { return is_empty_; }
  void FindEmpty() { is_empty_ = true; }

  uint8_t Byte();
  uint64_t Length();
  // A count of elements that follow, each of at least one byte: more than there are bytes left is
  // wrong.
  uint64_t Count();
  std::string_view Text();
  double Double();         // 8 bytes; NaN is wrong.
  int64_t Milliseconds();  // The same; Unix time.
  std::string_view Bytes(uint64_t count) { return Take(count); }
  double TextDouble();  // As old sorted sets have them.

 private:
  std::string_view Take(uint64_t bytes);
  uint64_t LengthOrEncoding(bool* is_encoded);
  std::string_view EncodedText(uint64_t encoding);
  std::string_view Decompress();
  template <typename Number>
  std::string_view Digits();

  std::string_view rest_;
  uint16_t version_;
  bool is_broken_ = false;
  bool is_empty_ = false;
  size_t left_when_broken_ = 0;
  std::string room_;
};

}  // namespace kiln
