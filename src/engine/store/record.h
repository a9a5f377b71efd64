// A record: key, metadata and string value in one allocation; a collection's value hangs off by
// pointer.
//
//   byte 0      type (3 bits), then flags: integer value, expiry, memcached flags, memcached CAS,
//   large allocation byte 1      flags: fetched by a read; edited in place bytes 2-4   24-bit
//   clock: seconds (LRU), or minutes and a logarithmic counter (LFU) then        key length, and
//   for a raw string its value length: 1 byte below 128, else 4 bytes big-endian, top bit set
//   optional    expiry (8 bytes, Unix ms), memcached flags (4), memcached CAS (8), each only when
//   its flag is set then        key bytes, then value: raw bytes, an int64, or a pointer to the
//   collection
//
// So a 16-byte key with a 32-byte value is a 55-byte record. Records come from their shard's slab
// heap up to 1 KiB and from the process allocator above (flag "large").
//
// Thread safety: none; a record belongs to its shard and is touched under that shard's lock only.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "base/hash.h"
#include "base/short_bytes.h"

namespace kiln {

enum class Type : uint8_t { kString, kList, kSet, kZset, kHash, kStream };
constexpr size_t kTypeCount = 6;

// "string", "list", ...
std::string_view TypeName(Type type);

constexpr uint64_t kNoExpiry = ~uint64_t{0};
constexpr size_t kMaxStringBytes = size_t{512} << 20;

// What decides a record's layout and size.
struct RecordShape {
  Type type = Type::kString;
  bool is_integer = false;
  bool has_expiry = false;
  bool has_client_flags = false;
  bool has_cas = false;
  size_t key_bytes = 0;
  size_t value_bytes = 0;  // of a raw string; ignored otherwise

  bool IsRaw() const { return type == Type::kString && !is_integer; }
  static size_t LengthBytes(size_t length) { return length < 128 ? 1 : 4; }
  size_t KeyOffset() const {
    return 5 + LengthBytes(key_bytes) + (IsRaw() ? LengthBytes(value_bytes) : 0) +
           (has_expiry ? 8 : 0) + (has_client_flags ? 4 : 0) + (has_cas ? 8 : 0);
  }
  size_t Bytes() const { return KeyOffset() + key_bytes + (IsRaw() ? value_bytes : 8); }
};

class Record {
 public:
  static constexpr uint8_t kTypeMask = 0x07;
  static constexpr uint8_t kIntegerFlag = 0x08;
  static constexpr size_t kMaxShortBytes = 127;  // a length up to this takes one byte
  static constexpr uint8_t kExpiryFlag = 0x10;
  static constexpr uint8_t kClientFlagsFlag = 0x20;
  static constexpr uint8_t kCasFlag = 0x40;
  static constexpr uint8_t kLargeFlag = 0x80;
  static constexpr uint8_t kFetchedFlag = 0x01;
  static constexpr uint8_t kEditedFlag = 0x02;

  // Lays a record of this shape out in `memory`, with clock 0 and the value's bytes unset.
  static Record* Format(void* memory, const RecordShape& shape, std::string_view key, bool large);

  Type type() const { return static_cast<Type>(bytes_[0] & kTypeMask); }
  bool is_integer() const { return bytes_[0] & kIntegerFlag; }
  bool has_expiry() const { return bytes_[0] & kExpiryFlag; }
  bool is_large() const { return bytes_[0] & kLargeFlag; }
  bool is_raw() const { return (bytes_[0] & (kTypeMask | kIntegerFlag)) == 0; }
  // A raw string in the slab heap with no optional field.
  bool is_bare_string() const { return bytes_[0] == 0; }
  // The same with just these optional fields (flags such as kCasFlag).
  bool IsSmallString(uint8_t fields) const { return bytes_[0] == fields; }
  bool is_fetched() const { return bytes_[1] & kFetchedFlag; }
  void set_fetched() { bytes_[1] |= kFetchedFlag; }
  // A string that APPEND, SETRANGE or SETBIT wrote into, since it was last set: OBJECT ENCODING
  // shows it.
  bool is_edited() const { return bytes_[1] & kEditedFlag; }
  void set_edited(bool edited) {
    bytes_[1] = static_cast<uint8_t>(edited ? bytes_[1] | kEditedFlag : bytes_[1] & ~kEditedFlag);
  }

  uint32_t clock() const { return bytes_[2] | bytes_[3] << 8 | bytes_[4] << 16; }
  void set_clock(uint32_t clock) {
    SetHead((Load64(bytes_) & ~kClockBits) | uint64_t{clock} << 16);
  }

  // What a read at this clock sets in a record's first bytes; never 0.
  static constexpr uint64_t ReadMark(uint32_t clock) {
    return uint64_t{clock} << 16 | uint64_t{kFetchedFlag} << 8;
  }
  static constexpr uint32_t ClockIn(uint64_t read_mark) {
    return static_cast<uint32_t>(read_mark >> 16);
  }
  // Notes a read at once: flag and clock.
  void NoteRead(uint64_t read_mark) {
    uint64_t head = Load64(bytes_);
    uint64_t noted = (head & ~kClockBits) | read_mark;
    if (noted != head) SetHead(noted);
  }

  std::string_view key() const {
    size_t length = 0;
    const uint8_t* at = ReadLength(bytes_ + 5, &length);
    if (is_raw()) at += *at < 128 ? 1 : 4;
    return {reinterpret_cast<const char*>(at + OptionalBytes()), length};
  }

  // Unix ms, or kNoExpiry.
  uint64_t expiry_ms() const { return has_expiry() ? Load64(OptionalFields()) : kNoExpiry; }
  // The record must have room for an expiry.
  void set_expiry_ms(uint64_t expiry_ms) {
    std::memcpy(const_cast<uint8_t*>(OptionalFields()), &expiry_ms, 8);
  }
  uint32_t client_flags() const {
    if (!(bytes_[0] & kClientFlagsFlag)) return 0;
    uint32_t flags;
    std::memcpy(&flags, OptionalFields() + (has_expiry() ? 8 : 0), 4);
    return flags;
  }
  void set_client_flags(uint32_t flags);
  uint64_t cas() const {
    return bytes_[0] & kCasFlag ? Load64(OptionalFields() + OptionalBytes() - 8) : 0;
  }
  void set_cas(uint64_t cas) {
    KILN_DCHECK(bytes_[0] & kCasFlag);
    std::memcpy(const_cast<uint8_t*>(OptionalFields()) + OptionalBytes() - 8, &cas, 8);
  }

  // The bytes of a raw string.
  [[gnu::always_inline]] inline std::string_view raw() const {
    if ((bytes_[5] | bytes_[6]) < 128) [[likely]] {
      size_t optional = is_bare_string() ? 0 : OptionalBytes();
      return {reinterpret_cast<const char*>(bytes_) + 7 + optional + bytes_[5], bytes_[6]};
    }
    return LongRaw();
  }
  [[gnu::always_inline]] inline bool HasKey(std::string_view wanted) const {
    if (wanted.size() > kMaxShortBytes) [[unlikely]]
      return key() == wanted;
    if (bytes_[5] != wanted.size()) return false;
    size_t start = 6 + OptionalBytes();
    if (is_raw()) start += bytes_[6] <= kMaxShortBytes ? 1 : 4;
    return EqualShortBytes(reinterpret_cast<const char*>(bytes_) + start, wanted);
  }
  // Puts another short value in the place of a bare string's; false, and nothing changed, when that
  // takes a record of another size. Bytes are compared in words, as size classes are at least that
  // far apart.
  // Puts another value of the same length in a small raw string's place, and writes those of the
  // optional fields that it has; false, and nothing changed, when the length is another.
  [[gnu::always_inline]] inline bool Rewrite(std::string_view value, uint64_t expiry_ms,
                                             uint32_t client_flags, uint64_t cas) {
    if ((bytes_[5] | bytes_[6]) > kMaxShortBytes || bytes_[6] != value.size() || value.size() > 64)
      return false;
    bytes_[1] = static_cast<uint8_t>(bytes_[1] & ~kEditedFlag);
    char* at = At(7);
    auto put = [&]<class Number>(uint8_t flag, Number number) {
      if (!(bytes_[0] & flag)) return;
      std::memcpy(at, &number, sizeof(number));
      at += sizeof(number);
    };
    put(kExpiryFlag, expiry_ms);
    put(kClientFlagsFlag, client_flags);
    put(kCasFlag, cas);
    CopyShortBytes(at + bytes_[5], value);
    return true;
  }
  [[gnu::always_inline]] inline bool Overwrite(std::string_view value) {
    if (!is_bare_string() || (bytes_[5] | bytes_[6]) >= 128 || value.size() > 64) return false;
    size_t start = size_t{7} + bytes_[5];
    if ((start + bytes_[6] + 7) / 8 != (start + value.size() + 7) / 8) return false;
    bytes_[1] = static_cast<uint8_t>(bytes_[1] & ~kEditedFlag);
    bytes_[6] = static_cast<uint8_t>(value.size());
    CopyShortBytes(At(start), value);
    return true;
  }
  char* value() {
    std::string_view k = key();
    return const_cast<char*>(k.data()) + k.size();
  }
  [[gnu::noinline]] std::string_view LongRaw() const {
    return {const_cast<Record*>(this)->value(), RawBytes()};
  }
  size_t RawBytes() const {
    size_t key_bytes = 0;
    size_t value_bytes = 0;
    ReadLength(ReadLength(bytes_ + 5, &key_bytes), &value_bytes);
    return value_bytes;
  }
  int64_t integer() const { return static_cast<int64_t>(Load64(value_at())); }
  void set_integer(int64_t number) { std::memcpy(value(), &number, 8); }
  template <class T>
  T* collection() const {
    return reinterpret_cast<T*>(Load64(value_at()));
  }
  void set_collection(void* collection) { std::memcpy(value(), &collection, 8); }

  RecordShape shape() const;
  // Copies clock and read flags from the record that this one replaces.
  void CopyUse(const Record& other) { std::memcpy(bytes_ + 1, other.bytes_ + 1, 4); }
  // Writes a new raw length in place; the number of length bytes must stay the same.
  void set_raw_bytes(size_t length);

 private:
  static_assert(std::endian::native == std::endian::little,
                "the first bytes are also read as one number");
  static constexpr uint64_t kClockBits = uint64_t{0xffffff} << 16;

  // Past the first bytes, where the compiler thinks that there is nothing.
  char* At(size_t offset) {
    return reinterpret_cast<char*>(reinterpret_cast<uintptr_t>(this) + offset);
  }
  void SetHead(uint64_t head) { std::memcpy(bytes_, &head, 8); }
  static uint64_t Load64(const void* from) {
    uint64_t word;
    std::memcpy(&word, from, 8);
    return word;
  }
  static const uint8_t* ReadLength(const uint8_t* at, size_t* length) {
    if (*at < 128) {
      *length = *at;
      return at + 1;
    }
    uint32_t word;
    std::memcpy(&word, at, 4);
    *length = __builtin_bswap32(word) & 0x7fffffff;
    return at + 4;
  }
  static uint8_t* WriteLength(uint8_t* at, size_t length);

  const uint8_t* value_at() const {
    std::string_view k = key();
    return reinterpret_cast<const uint8_t*>(k.data() + k.size());
  }
  size_t OptionalBytes() const {
    // By expiry, client flags and CAS, in the order of their bits: a byte for each of the eight.
    constexpr uint64_t kBytes = 0x140c'1008'0c04'0800;
    static_assert(kExpiryFlag == 0x10 && kClientFlagsFlag == 0x20 && kCasFlag == 0x40);
    return kBytes >> ((bytes_[0] & 0x70) >> 1) & 0xff;
  }
  const uint8_t* OptionalFields() const {
    const uint8_t* at = bytes_ + 5;
    at += *at < 128 ? 1 : 4;
    if (is_raw()) at += *at < 128 ? 1 : 4;
    return at;
  }

  uint8_t bytes_[8];  // the first bytes; the rest follows
};

// The 64 hash bits of a key: the top 10 choose the shard, the others its place in the shard's
// table.
constexpr unsigned kShardBits = 10;
constexpr size_t kShardCount = size_t{1} << kShardBits;
constexpr uint32_t ShardOf(uint64_t key_hash) {
  return static_cast<uint32_t>(key_hash >> (64 - kShardBits));
}
constexpr uint64_t TableHashOf(uint64_t key_hash) {
  return key_hash << kShardBits;
}

struct TableHint;

// A key and its hash, which is computed once a request.
struct Key {
  std::string_view text;
  uint64_t hash = 0;
  // Where its record was seen when the request came; null: nobody looked.
  const TableHint* seen = nullptr;

  uint32_t shard() const { return ShardOf(hash); }
  uint64_t table_hash() const { return TableHashOf(hash); }
};
inline Key HashKey(std::string_view text) {
  return {text, HashBytes(text), nullptr};
}

struct RecordPolicy {
  using Entry = Record;
  static uint64_t Hash(const Record* record) { return TableHashOf(HashBytes(record->key())); }
  [[gnu::always_inline]] static inline bool Equals(const Record* record, std::string_view key) {
    return record->HasKey(key);
  }
};

}  // namespace kiln
