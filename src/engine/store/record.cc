#include "engine/store/record.h"

#include "base/check.h"

namespace kiln {

std::string_view TypeName(Type type) {
  constexpr std::string_view kNames[kTypeCount] = {"string", "list", "set",
                                                   "zset",   "hash", "stream"};
  return kNames[static_cast<size_t>(type)];
}

uint8_t* Record::WriteLength(uint8_t* at, size_t length) {
  if (length < 128) {
    *at = static_cast<uint8_t>(length);
    return at + 1;
  }
  uint32_t word = __builtin_bswap32(static_cast<uint32_t>(length) | 0x80000000u);
  std::memcpy(at, &word, 4);
  return at + 4;
}

Record* Record::Format(void* memory, const RecordShape& shape, std::string_view key, bool large) {
  auto* record = static_cast<Record*>(memory);
  uint8_t* at = record->bytes_;
  at[0] = static_cast<uint8_t>(
      static_cast<uint8_t>(shape.type) | (shape.is_integer ? kIntegerFlag : 0) |
      (shape.has_expiry ? kExpiryFlag : 0) | (shape.has_client_flags ? kClientFlagsFlag : 0) |
      (shape.has_cas ? kCasFlag : 0) | (large ? kLargeFlag : 0));
  at[1] = at[2] = at[3] = at[4] = 0;
  at = WriteLength(at + 5, key.size());
  if (shape.IsRaw()) at = WriteLength(at, shape.value_bytes);
  at += record->OptionalBytes();
  std::memcpy(at, key.data(), key.size());
  return record;
}

RecordShape Record::shape() const {
  RecordShape shape;
  shape.type = type();
  shape.is_integer = is_integer();
  shape.has_expiry = has_expiry();
  shape.has_client_flags = bytes_[0] & kClientFlagsFlag;
  shape.has_cas = bytes_[0] & kCasFlag;
  shape.key_bytes = key().size();
  shape.value_bytes = is_raw() ? RawBytes() : 0;
  return shape;
}

void Record::set_client_flags(uint32_t flags) {
  KILN_DCHECK(bytes_[0] & kClientFlagsFlag);
  std::memcpy(const_cast<uint8_t*>(OptionalFields()) + (has_expiry() ? 8 : 0), &flags, 4);
}

void Record::set_raw_bytes(size_t length) {
  size_t key_bytes = 0;
  uint8_t* at = const_cast<uint8_t*>(ReadLength(bytes_ + 5, &key_bytes));
  KILN_DCHECK((*at < 128) == (length < 128));
  WriteLength(at, length);
}

}  // namespace kiln
