// RdbSkipper: finds where the parts of an RDB file end, without decoding them.
//
// A part is an opcode with what belongs to it, or a value's type with key and value. Bytes come
// from outside and may end anywhere: a part that is not there as a whole is told from one that can
// never be right, and a declared length is compared with what the file can still hold, so that
// nobody waits (or makes room) for bytes that do not exist.
//
// Thread safety: none. Source: the Redis RDB file format.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/persist/rdb_format.h"

namespace kiln {

class RdbSkipper {
 public:
  enum class Outcome : uint8_t {
    kWhole,   // position() is behind the part
    kShort,   // more bytes are needed
    kBroken,  // no bytes can make it right; wrong_at() says where
    kModule,  // a value of a module: nobody can tell what it means
  };

  // `file_bytes_left`: how many bytes the file has from the beginning of `bytes` on.
  RdbSkipper(std::string_view bytes, uint16_t version, uint64_t file_bytes_left)
      : bytes_(bytes), version_(version), file_bytes_left_(file_bytes_left) {}

  size_t position() const { return position_; }
  size_t wrong_at() const { return part_start_; }
  void SetPosition(size_t position) { position_ = position; }

  // Skips a part; its first byte is code(). Unless kWhole the position stays where it was.
  Outcome SkipPart();
  uint8_t code() const { return code_; }

 private:
  bool is_fine() const { return outcome_ == Outcome::kWhole; }
  void Fail(Outcome outcome) {
    if (is_fine()) outcome_ = outcome;
  }
  uint8_t Byte();
  void Skip(uint64_t bytes);
  uint64_t Length();
  uint64_t LengthOrEncoding(bool* is_encoded);
  void Text();
  void Texts(uint64_t count);
  void TextDouble();

  void SkipOpcode(RdbOpcode opcode);
  void SkipModuleAux();
  void SkipValue(RdbType type);
  void SkipElements(RdbType type);
  void SkipFieldsWithTimes(RdbType type);
  void SkipStream(RdbType type);
  void SkipGroup(RdbType type);

  std::string_view bytes_;
  uint16_t version_;
  uint64_t file_bytes_left_;
  size_t position_ = 0;
  size_t part_start_ = 0;
  uint8_t code_ = 0;
  Outcome outcome_ = Outcome::kWhole;
};

}  // namespace kiln
