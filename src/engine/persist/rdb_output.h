// Writes the parts that RDB values are made of, at the end of a string.
//
// Thread safety: none. Source: the Redis RDB file format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/persist/rdb_format.h"

namespace kiln {

class RdbOutput {
 public:
  // `compresses`: texts over 20 bytes are compressed where that makes them shorter.
  // `version`: of the format that its reader knows.
  RdbOutput(std::string* out, bool compresses, uint16_t version = kRdbVersion)
      : out_(*out), compresses_(compresses), version_(version) {}

  uint16_t version() const { return version_; }
  void Type(RdbType type) { Byte(static_cast<uint8_t>(type)); }
  void Byte(uint8_t byte) { out_.push_back(static_cast<char>(byte)); }
  void Length(uint64_t length);
  // A string: as an integer where it is one's canonical text, compressed, or as it is.
  void Text(std::string_view text);
  void Integer(int64_t integer);            // The string that is its digits.
  void Double(double number);               // 8 bytes, little-endian.
  void Milliseconds(int64_t unix_time_ms);  // The same.
  void Bytes(std::string_view bytes) { out_.append(bytes); }

  size_t size() const { return out_.size(); }

 private:
  bool EncodedInteger(int64_t integer);
  bool Compressed(std::string_view text);

  std::string& out_;
  bool compresses_;
  uint16_t version_;
};

}  // namespace kiln
