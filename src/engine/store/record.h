// A record: key, metadata and string value in one allocation; a collection's value hangs off by
// pointer.
//
//   byte 0      type (3 bits); flags: integer (of a hash: fields with TTLs), expiry, client flags,
//               CAS, large allocation
//   byte 1      flags: fetched by a read; edited in place; memcached's: stale, win sent; reads of
//               late in the upper four, in unary
//   bytes 2-4   clock, 24 bits: seconds (LRU), or minutes and a logarithmic counter (LFU)
//   then        lengths of key and raw value: 1 byte below 128, else 4, big-endian, top bit set;
//               the bit below it, of a value's: its record is wide
//   optional    expiry (8 bytes, Unix ms), memcached's flags (3) and CAS (5), as the flags say; in
//               integers and wide records 4 and 8 bytes
//   then        key bytes, then value: raw bytes, an int64, or a pointer to the collection
//
// So a 16-byte key with a 32-byte value is a 55-byte record, and one of 63 with memcached's flags
// and CAS: flags of 2^24 or a CAS number of 2^40 and above, which only clients that choose their
// own come to, make a record wide. Then the value's length takes 4 bytes however short it is,
// so that whoever reads a short one need not ask. Records come from their shard's slab heap up to
// 1 KiB and from the process allocator above (flag "large"). One whose raw value has 64 KiB or more
// lies in a SharedBlock, so that the value can be sent from where it is.
//
// Thread safety: none; a record belongs to its shard and is touched under that shard's lock only.
// Who holds its SharedBlock may read the value all the same, which therefore stays as it is while
// others than the store hold the block.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "base/hash.h"
#include "base/shared_block.h"
#include "base/short_bytes.h"

namespace kiln {

enum class Type : uint8_t { kString, kList, kSet, kZset, kHash, kStream };
constexpr size_t kTypeCount = 6;

// "string", "list", ...
std::string_view TypeName(Type type);

constexpr uint64_t kNoExpiry = ~uint64_t{0};
constexpr size_t kMaxStringBytes = size_t{512} << 20;
// What the length of a record's value can say, whatever proto-max-bulk-len allows.
constexpr int64_t kMaxValueBytes = (int64_t{1} << 30) - 1;

// What decides a record's layout and size.
struct RecordShape {
  Type type = Type::kString;
  bool is_integer = false;
  bool has_expiry = false;
  bool has_client_flags = false;
  bool has_cas = false;
  bool is_wide = false;  // room for any flags and CAS; of a raw string, an integer always has it
  size_t key_bytes = 0;
  size_t value_bytes = 0;  // of a raw string; ignored otherwise

  bool IsRaw() const { return type == Type::kString && !is_integer; }
  // Whether such a record lies in a SharedBlock.
  bool IsShared() const { return IsRaw() && value_bytes >= SharedBlock::kMinBytes; }
  static constexpr unsigned kNarrowFlagsBits = 24;
  static constexpr unsigned kNarrowCasBits = 40;
  // Whether flags and CAS, either of which may be absent, need a wide record.
  static constexpr bool NeedWidth(uint32_t client_flags, uint64_t cas) {
    return (client_flags >> kNarrowFlagsBits | cas >> kNarrowCasBits) != 0;
  }
  static size_t LengthBytes(size_t length) { return length < 128 ? 1 : 4; }
  size_t ValueLengthBytes() const { return is_wide ? 4 : LengthBytes(value_bytes); }
  size_t KeyOffset() const {
    bool has_room = is_integer || (IsRaw() && is_wide);
    return 5 + LengthBytes(key_bytes) + (IsRaw() ? ValueLengthBytes() : 0) + (has_expiry ? 8 : 0) +
           (has_client_flags ? (has_room ? 4 : 3) : 0) + (has_cas ? (has_room ? 8 : 5) : 0);
  }
  size_t Bytes() const { return KeyOffset() + key_bytes + (IsRaw() ? value_bytes : 8); }
};

class Record {
 public:
  static constexpr uint8_t kTypeMask = 0x07;
  static constexpr uint8_t kIntegerFlag = 0x08;
  static constexpr uint8_t kFieldExpiryFlag = kIntegerFlag;  // the same bit, of a hash
  static constexpr size_t kMaxShortBytes = 127;              // a length up to this takes one byte
  static constexpr uint8_t kExpiryFlag = 0x10;
  static constexpr uint8_t kClientFlagsFlag = 0x20;
  static constexpr uint8_t kCasFlag = 0x40;
  static constexpr uint8_t kLargeFlag = 0x80;
  static constexpr uint8_t kFetchedFlag = 0x01;
  static constexpr uint8_t kEditedFlag = 0x02;
  static constexpr uint8_t kReadsMask = 0xf0;
  // memcached's meta commands: the value is out of date; somebody was told to renew it.
  static constexpr uint8_t kStaleFlag = 0x04;
  static constexpr uint8_t kWinFlag = 0x08;
  static constexpr uint8_t kMetaFlags = kStaleFlag | kWinFlag;

  // Lays a record of this shape out in `memory`, with clock 0 and the value's bytes unset.
  static Record* Format(void* memory, const RecordShape& shape, std::string_view key, bool large);

  Type type() const { return static_cast<Type>(bytes_[0] & kTypeMask); }
  bool is_integer() const { return bytes_[0] & kIntegerFlag; }
  bool has_expiry() const { return bytes_[0] & kExpiryFlag; }
  bool is_large() const { return bytes_[0] & kLargeFlag; }
  // A raw string whose value's length says so.
  bool is_wide() const {
    const uint8_t* at = bytes_ + 5;
    at += *at < 128 ? 1 : 4;
    return is_raw() && *at >= kWideLength;
  }
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

  // Reads of late, 0 to 4: each adds one, eviction takes some away again.
  unsigned reads() const { return static_cast<unsigned>(std::popcount(ReadBits())); }
  void LoseRead() {
    // Unary, so that a read counts without a comparison: 1, 3, 7, 15.
    SetReadBits(static_cast<uint8_t>(ReadBits() >> 1 & kReadsMask));
  }
  // All flags of byte 1, for whoever keeps a record outside of the process.
  uint8_t use_flags() const { return bytes_[1]; }
  void set_use_flags(uint8_t flags) { bytes_[1] = flags; }
  uint8_t ReadBits() const { return bytes_[1] & kReadsMask; }
  void SetReadBits(uint8_t bits) {
    bytes_[1] = static_cast<uint8_t>((bytes_[1] & ~kReadsMask) | bits);
  }
  bool is_stale() const { return bytes_[1] & kStaleFlag; }
  bool has_sent_win() const { return bytes_[1] & kWinFlag; }

  uint32_t clock() const { return bytes_[2] | bytes_[3] << 8 | bytes_[4] << 16; }
  void set_clock(uint32_t clock) {
    SetHead((Load64(bytes_) & ~kClockBits) | uint64_t{clock} << 16);
  }

  // What a read at this clock sets in a record's first bytes; never 0.
  static constexpr uint64_t ReadMark(uint32_t clock) {
    return uint64_t{clock} << 16 | kFirstRead | uint64_t{kFetchedFlag} << 8;
  }
  static constexpr uint32_t ClockIn(uint64_t read_mark) {
    return static_cast<uint32_t>(read_mark >> 16);
  }
  // Notes a read at once: flag, count and clock.
  void NoteRead(uint64_t read_mark) {
    uint64_t head = Load64(bytes_);
    uint64_t noted = (head & ~kClockBits) | (head & kLowReads) << 1 | read_mark;
    if (noted != head) SetHead(noted);
  }

  std::string_view key() const {
    size_t length = 0;
    const uint8_t* at = ReadLength(bytes_ + 5, &length);
    size_t optional = OptionalBytes();
    if (is_raw()) {
      if (*at >= kWideLength) [[unlikely]]
        optional += Widening();
      at += *at < 128 ? 1 : 4;
    }
    return {reinterpret_cast<const char*>(at + optional), length};
  }

  // A hash of which some field has, or has had, a time to live; the flag never goes. Being part of
  // what a look at the type compares, it costs other hashes nothing.
  bool has_field_expiry() const {
    constexpr uint8_t kMarked = static_cast<uint8_t>(Type::kHash) | kFieldExpiryFlag;
    return (bytes_[0] & (kTypeMask | kFieldExpiryFlag)) == kMarked;
  }
  bool is_plain_hash() const {
    return (bytes_[0] & (kTypeMask | kFieldExpiryFlag)) == static_cast<uint8_t>(Type::kHash);
  }
  void set_field_expiry() { bytes_[0] |= kFieldExpiryFlag; }

  // Unix ms, or kNoExpiry.
  uint64_t expiry_ms() const { return has_expiry() ? Load64(OptionalFields()) : kNoExpiry; }
  // The record must have room for an expiry.
  void set_expiry_ms(uint64_t expiry_ms) {
    std::memcpy(const_cast<uint8_t*>(OptionalFields()), &expiry_ms, 8);
  }
  uint32_t client_flags() const {
    if (!(bytes_[0] & kClientFlagsFlag)) return 0;
    return has_room_for_any() ? Load32(FlagsField()) : Load32(FlagsField() - 1) >> 8;
  }
  uint64_t cas() const {
    if (!(bytes_[0] & kCasFlag)) return 0;
    return has_room_for_any() ? Load64(WideCasField()) : Load64(NarrowCasField() - 3) >> 24;
  }
  // The record must have the field, of the width that the number needs.
  void set_client_flags(uint32_t flags);
  void set_cas(uint64_t cas);
  // Whether the fields for flags and CAS, which need not be there, hold any number.
  bool has_room_for_any() const { return is_integer() || is_wide(); }

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
    if (is_raw()) [[likely]] {
      start += 1;
      if (bytes_[6] > kMaxShortBytes) [[unlikely]]
        start += 3 + (bytes_[6] >= kWideLength ? Widening() : 0);
    }
    return EqualShortBytes(reinterpret_cast<const char*>(bytes_) + start, wanted);
  }
  // Puts another short value in the place of a bare string's; false, and nothing changed, when that
  // takes a record of another size. Bytes are compared in words, as size classes are at least that
  // far apart.
  // Puts another value of the same length in a small raw string's place, and writes those of the
  // optional fields that it has; false, and nothing changed, when the length is another or a field
  // is too narrow.
  [[gnu::always_inline]] inline bool Rewrite(std::string_view value, uint64_t expiry_ms,
                                             uint32_t client_flags, uint64_t cas) {
    if ((bytes_[5] | bytes_[6]) > kMaxShortBytes || bytes_[6] != value.size() ||
        value.size() > 64 || RecordShape::NeedWidth(client_flags, cas))
      return false;
    uint8_t fields = bytes_[0];
    size_t key_bytes = bytes_[5];
    bytes_[1] = static_cast<uint8_t>(bytes_[1] & ~(kEditedFlag | kMetaFlags));
    char* at = At(7);
    if (fields & kExpiryFlag) {
      std::memcpy(at, &expiry_ms, 8);
      at += 8;
    }
    if (fields & kClientFlagsFlag) {
      PutNarrowFlags(at, client_flags);
      at += 3;
    }
    if (fields & kCasFlag) [[likely]] {
      PutNarrowCas(at, cas);
      at += 5;
    }
    CopyShortBytes(at + key_bytes, value);
    return true;
  }
  [[gnu::always_inline]] inline bool Overwrite(std::string_view value) {
    if (!is_bare_string() || (bytes_[5] | bytes_[6]) >= 128 || value.size() > 64) return false;
    size_t start = size_t{7} + bytes_[5];
    if ((start + bytes_[6] + 7) / 8 != (start + value.size() + 7) / 8) return false;
    bytes_[1] = static_cast<uint8_t>(bytes_[1] & ~(kEditedFlag | kMetaFlags));
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
    return value_bytes & ~kWideBit;
  }
  int64_t integer() const { return static_cast<int64_t>(Load64(value_at())); }
  void set_integer(int64_t number) { std::memcpy(value(), &number, 8); }
  template <class T>
  T* collection() const {
    return reinterpret_cast<T*>(Load64(value_at()));
  }
  void set_collection(void* collection) { std::memcpy(value(), &collection, 8); }

  // What the record lies in, if its value is big; else null.
  SharedBlock* block() const {
    bool is_shared = is_large() && is_raw() && RawBytes() >= SharedBlock::kMinBytes;
    return is_shared ? SharedBlock::Of(this) : nullptr;
  }
  // Whether somebody reads the value without a lock: then it must not be changed in place.
  bool IsBeingRead() const {
    SharedBlock* held = block();
    return held != nullptr && !held->IsHeldByOne();
  }

  RecordShape shape() const;
  // Copies clock and read flags from the record that this one replaces.
  void CopyUse(const Record& other) { std::memcpy(bytes_ + 1, other.bytes_ + 1, 4); }
  // Writes a new raw length in place; the number of its bytes must stay the same.
  void set_raw_bytes(size_t length);

 private:
  static_assert(std::endian::native == std::endian::little,
                "the first bytes are also read as one number");
  static constexpr uint64_t kClockBits = uint64_t{0xffffff} << 16;
  static constexpr uint64_t kFirstRead = 0x1000;  // the lowest of the bits that count reads
  static constexpr uint64_t kLowReads = 0x7000;   // all but the highest
  // In the length of a wide record's value, which is below 2^30; and how its first byte tells.
  static constexpr uint32_t kWideBit = 0x4000'0000;
  static constexpr uint8_t kWideLength = 0xc0;

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
  static uint32_t Load32(const void* from) {
    uint32_t word;
    std::memcpy(&word, from, 4);
    return word;
  }
  // A value's length comes with its kWideBit.
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
  static uint8_t* WriteLongLength(uint8_t* at, size_t length);

  const uint8_t* value_at() const {
    std::string_view k = key();
    return reinterpret_cast<const uint8_t*>(k.data() + k.size());
  }
  // Of optional fields, by byte 0. A hash whose fields have TTLs counts as an integer: what differs
  // it has not.
  static constexpr auto kOptionalBytes = [] {
    std::array<uint8_t, 256> bytes{};
    for (size_t head = 0; head < bytes.size(); ++head) {
      bool has_room = head & kIntegerFlag;
      if (head & kExpiryFlag) bytes[head] += 8;
      if (head & kClientFlagsFlag) bytes[head] += has_room ? 4 : 3;
      if (head & kCasFlag) bytes[head] += has_room ? 8 : 5;
    }
    return bytes;
  }();
  // But for what a wide record has more.
  size_t OptionalBytes() const { return kOptionalBytes[bytes_[0]]; }
  size_t Widening() const {
    return (bytes_[0] & kClientFlagsFlag ? 1 : 0) + (bytes_[0] & kCasFlag ? 3 : 0);
  }
  const uint8_t* OptionalFields() const {
    const uint8_t* at = bytes_ + 5;
    at += *at < 128 ? 1 : 4;
    if (is_raw()) at += *at < 128 ? 1 : 4;
    return at;
  }
  const uint8_t* FlagsField() const { return OptionalFields() + (has_expiry() ? 8 : 0); }
  const uint8_t* NarrowCasField() const { return OptionalFields() + OptionalBytes() - 5; }
  uint8_t* WideCasField() const;
  static void PutNarrowFlags(void* to, uint32_t flags) {
    auto low = static_cast<uint16_t>(flags);
    auto high = static_cast<uint8_t>(flags >> 16);
    std::memcpy(to, &low, 2);
    std::memcpy(static_cast<char*>(to) + 2, &high, 1);
  }
  static void PutNarrowCas(void* to, uint64_t cas) {
    auto low = static_cast<uint32_t>(cas);
    auto high = static_cast<uint8_t>(cas >> 32);
    std::memcpy(to, &low, 4);
    std::memcpy(static_cast<char*>(to) + 4, &high, 1);
  }

  uint8_t bytes_[8];  // the first bytes; the rest follows
};

// The 64 hash bits of a key: the top 10 choose the shard, the others its place in the shard's
// table.
constexpr unsigned kShardBits = 10;
constexpr size_t kShardCount = size_t{1} << kShardBits;
// A small keyspace uses fewer shards, a power of two: each shard's heap holds some pages that are
// partly empty. To be called before there is a keyspace.
void UseShards(size_t shards);
extern uint64_t key_hash_mask;  // set by UseShards alone: without the bits for shards there are not
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
  return {text, HashBytes(text) & key_hash_mask, nullptr};
}

// The mark that new records get (table/table.h); changed by Cut alone, under the Gate.
extern uint64_t record_mark;

struct RecordPolicy {
  using Entry = Record;
  static uint64_t Mark() { return record_mark; }
  static uint64_t Hash(const Record* record) { return TableHashOf(HashBytes(record->key())); }
  [[gnu::always_inline]] static inline bool Equals(const Record* record, std::string_view key) {
    return record->HasKey(key);
  }
};

}  // namespace kiln
