#include "engine/store/record.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace kiln {

constinit uint64_t key_hash_mask = ~uint64_t{0};
constinit uint64_t record_mark = 0;

void UseShards(size_t shards) {
  uint64_t last = std::bit_ceil(std::clamp<size_t>(shards, 1, kShardCount)) - 1;
  key_hash_mask = ~uint64_t{0} >> kShardBits | last << (64 - kShardBits);
}

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
  return WriteLongLength(at, length);
}

uint8_t* Record::WriteLongLength(uint8_t* at, size_t length) {
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
  if (shape.IsRaw() && shape.is_wide) {
    at = WriteLongLength(at, shape.value_bytes | kWideBit) + record->Widening();
  } else if (shape.IsRaw()) {
    at = WriteLength(at, shape.value_bytes);
  }
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
  // What becomes of an integer must not lose anything either.
  shape.is_wide = is_integer() ? RecordShape::NeedWidth(client_flags(), cas()) : is_wide();
  return shape;
}

void Record::set_client_flags(uint32_t flags) {
  KILN_DCHECK(bytes_[0] & kClientFlagsFlag);
  auto* field = const_cast<uint8_t*>(FlagsField());
  if (has_room_for_any()) {
    std::memcpy(field, &flags, 4);
  } else {
    KILN_DCHECK(!RecordShape::NeedWidth(flags, 0));
    PutNarrowFlags(field, flags);
  }
}

uint8_t* Record::WideCasField() const {
  size_t optional = OptionalBytes() + (is_integer() ? 0 : Widening());
  return const_cast<uint8_t*>(OptionalFields()) + optional - 8;
}

void Record::set_cas(uint64_t cas) {
  KILN_DCHECK(bytes_[0] & kCasFlag);
  if (has_room_for_any()) {
    std::memcpy(WideCasField(), &cas, 8);
  } else {
    KILN_DCHECK(!RecordShape::NeedWidth(0, cas));
    PutNarrowCas(const_cast<uint8_t*>(NarrowCasField()), cas);
  }
}

void Record::set_raw_bytes(size_t length) {
  size_t key_bytes = 0;
  uint8_t* at = const_cast<uint8_t*>(ReadLength(bytes_ + 5, &key_bytes));
  KILN_DCHECK(is_wide() || (*at < 128) == (length < 128));
  is_wide() ? WriteLongLength(at, length | kWideBit) : WriteLength(at, length);
}

}  // namespace kiln
