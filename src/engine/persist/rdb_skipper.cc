#include "engine/persist/rdb_skipper.h"

#include <endian.h>

#include <cstring>

namespace kiln {
namespace {

constexpr size_t kIdBytes = 16;
constexpr size_t kTimeBytes = 8;

// How the parts of what a module keeps begin.
enum class ModuleOpcode : uint8_t { kEnd, kSigned, kUnsigned, kFloat, kDouble, kText };

}  // namespace

uint8_t RdbSkipper::Byte() {
  if (position_ >= bytes_.size()) {
    Fail(position_ >= file_bytes_left_ ? Outcome::kBroken : Outcome::kShort);
    return 0;
  }
  return static_cast<uint8_t>(bytes_[position_++]);
}

void RdbSkipper::Skip(uint64_t bytes) {
  if (!is_fine()) return;
  if (bytes > bytes_.size() - position_) {
    return Fail(bytes > file_bytes_left_ - position_ ? Outcome::kBroken : Outcome::kShort);
  }
  position_ += bytes;
}

uint64_t RdbSkipper::LengthOrEncoding(bool* is_encoded) {
  uint8_t first = Byte();
  *is_encoded = first >> 6 == kRdbEncoded;
  if (*is_encoded || first >> 6 == kRdbLength6) return first & 63;
  if (first >> 6 == kRdbLength14) return static_cast<uint64_t>(first & 63) << 8 | Byte();
  size_t start = position_;
  if (first == kRdbLength32) {
    Skip(4);
    if (!is_fine()) return 0;
    uint32_t number;
    std::memcpy(&number, bytes_.data() + start, 4);
    return be32toh(number);
  }
  if (first != kRdbLength64) return Fail(Outcome::kBroken), 0;
  Skip(8);
  if (!is_fine()) return 0;
  uint64_t number;
  std::memcpy(&number, bytes_.data() + start, 8);
  return be64toh(number);
}

uint64_t RdbSkipper::Length() {
  bool is_encoded = false;
  uint64_t length = LengthOrEncoding(&is_encoded);
  if (is_encoded) Fail(Outcome::kBroken);
  return is_fine() ? length : 0;
}

void RdbSkipper::Text() {
  bool is_encoded = false;
  uint64_t length = LengthOrEncoding(&is_encoded);
  if (!is_encoded) return Skip(length);
  if (length == static_cast<uint64_t>(RdbStringEncoding::kLzf)) {
    uint64_t packed_bytes = Length();
    Length();
    return Skip(packed_bytes);
  }
  // Integers of 1, 2 and 4 bytes.
  length < 3 ? Skip(uint64_t{1} << length) : Fail(Outcome::kBroken);
}

// Every text takes a byte at least, so a count that the file cannot hold is wrong at once.
void RdbSkipper::Texts(uint64_t count) {
  if (is_fine() && count > file_bytes_left_ - position_) Fail(Outcome::kBroken);
  for (; count > 0 && is_fine(); --count) Text();
}

void RdbSkipper::TextDouble() {
  constexpr uint8_t kFirstWithoutDigits = 253;
  uint8_t size = Byte();
  if (size < kFirstWithoutDigits) Skip(size);
}

void RdbSkipper::SkipElements(RdbType type) {
  uint64_t count = Length();
  if (count > file_bytes_left_ - position_) Fail(Outcome::kBroken);
  for (; count > 0 && is_fine(); --count) {
    if (type == RdbType::kListQuicklist2) Length();
    Text();
    if (type == RdbType::kHash) Text();
    if (type == RdbType::kZset) TextDouble();
    if (type == RdbType::kZset2) Skip(8);
  }
}

// Redis has the time before a field, Valkey (whose type has one of Redis's numbers) behind it.
void RdbSkipper::SkipFieldsWithTimes(RdbType type) {
  bool is_valkeys = type == RdbType::kHashTimes22 && version_ != kRdbVersionFieldTimes;
  if (type == RdbType::kHashTimes) Skip(kTimeBytes);
  uint64_t count = Length();
  if (count > file_bytes_left_ - position_) Fail(Outcome::kBroken);
  for (; count > 0 && is_fine(); --count) {
    if (!is_valkeys) Length();
    Texts(2);
    if (is_valkeys) Skip(kTimeBytes);
  }
}

void RdbSkipper::SkipGroup(RdbType type) {
  Text();
  Length();
  Length();
  if (type != RdbType::kStreamListpacks) Length();
  uint64_t pending = Length();
  for (; pending > 0 && is_fine(); --pending) {
    Skip(kIdBytes + kTimeBytes);
    Length();
  }
  uint64_t consumers = Length();
  for (; consumers > 0 && is_fine(); --consumers) {
    Text();
    Skip(type == RdbType::kStreamListpacks3 ? 2 * kTimeBytes : kTimeBytes);
    uint64_t owned = Length();
    if (owned > (file_bytes_left_ - position_) / kIdBytes) Fail(Outcome::kBroken);
    Skip(owned * kIdBytes);
  }
}

void RdbSkipper::SkipStream(RdbType type) {
  uint64_t nodes = Length();
  for (; nodes > 0 && is_fine(); --nodes) Texts(2);
  // How many entries, and the last one's id; then the first one's, that of the last one deleted,
  // and how many there have been.
  size_t lengths = type == RdbType::kStreamListpacks ? 3 : 8;
  for (; lengths > 0 && is_fine(); --lengths) Length();
  uint64_t groups = Length();
  for (; groups > 0 && is_fine(); --groups) SkipGroup(type);
}

void RdbSkipper::SkipValue(RdbType type) {
  switch (type) {
    case RdbType::kString:
    case RdbType::kHashZipmap:
    case RdbType::kListZiplist:
    case RdbType::kSetIntset:
    case RdbType::kZsetZiplist:
    case RdbType::kHashZiplist:
    case RdbType::kHashListpack:
    case RdbType::kZsetListpack:
    case RdbType::kSetListpack:
    case RdbType::kHashListpackTimes23:
      return Text();
    case RdbType::kHashListpackTimes:
      Skip(kTimeBytes);
      return Text();
    case RdbType::kList:
    case RdbType::kSet:
    case RdbType::kZset:
    case RdbType::kHash:
    case RdbType::kZset2:
    case RdbType::kListQuicklist:
    case RdbType::kListQuicklist2:
      return SkipElements(type);
    case RdbType::kHashTimes22:
    case RdbType::kHashTimes:
      return SkipFieldsWithTimes(type);
    case RdbType::kStreamListpacks:
    case RdbType::kStreamListpacks2:
    case RdbType::kStreamListpacks3:
      return SkipStream(type);
    case RdbType::kModulePreGa:
    case RdbType::kModule2:
      return Fail(Outcome::kModule);
  }
  Fail(Outcome::kBroken);
}

void RdbSkipper::SkipModuleAux() {
  Length();  // The module.
  while (is_fine()) {
    switch (static_cast<ModuleOpcode>(Length())) {
      case ModuleOpcode::kEnd:
        return;
      case ModuleOpcode::kSigned:
      case ModuleOpcode::kUnsigned:
        Length();
        break;
      case ModuleOpcode::kFloat:
        Skip(4);
        break;
      case ModuleOpcode::kDouble:
        Skip(8);
        break;
      case ModuleOpcode::kText:
        Text();
        break;
      default:
        Fail(Outcome::kBroken);
    }
  }
}

void RdbSkipper::SkipOpcode(RdbOpcode opcode) {
  switch (opcode) {
    case RdbOpcode::kSlotInfo:
      Length();
      Length();
      Length();
      return;
    case RdbOpcode::kFunction:
      return Text();
    case RdbOpcode::kFunctionPreGa:
      return Fail(Outcome::kBroken);
    case RdbOpcode::kModuleAux:
      return SkipModuleAux();
    case RdbOpcode::kIdle:
    case RdbOpcode::kSelectDb:
      Length();
      return;
    case RdbOpcode::kFrequency:
      return Skip(1);
    case RdbOpcode::kAux:
      return Texts(2);
    case RdbOpcode::kResizeDb:
      Length();
      Length();
      return;
    case RdbOpcode::kExpirySeconds:
      return Skip(4);
    case RdbOpcode::kExpiryMs:
      return Skip(kTimeBytes);
    case RdbOpcode::kEnd:
      return Skip(version_ >= kFirstChecksumVersion ? 8 : 0);
  }
}

RdbSkipper::Outcome RdbSkipper::SkipPart() {
  part_start_ = position_;
  outcome_ = Outcome::kWhole;
  code_ = Byte();
  if (IsRdbOpcode(code_)) {
    SkipOpcode(static_cast<RdbOpcode>(code_));
  } else if (is_fine()) {
    // The type is looked at first: what is none has no key either.
    if (code_ > static_cast<uint8_t>(RdbType::kHashListpackTimes)) Fail(Outcome::kBroken);
    Text();
    SkipValue(static_cast<RdbType>(code_));
  }
  if (!is_fine()) position_ = part_start_;
  return outcome_;
}

}  // namespace kiln
