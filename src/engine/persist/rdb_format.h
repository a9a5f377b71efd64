// The numbers of the RDB format, version 11 (Redis 7.2); version 12 adds hashes whose fields have
// times to live.
//
// Source: the Redis RDB file format, rdb.h of Redis 7.2; what Redis 7.4 and Valkey 9 say of theirs.
#pragma once

#include <cstdint>
#include <string_view>

namespace kiln {

// What values are written as that Redis 7.2 can read, and those that it cannot.
constexpr uint16_t kRdbVersion = 11;
constexpr uint16_t kRdbVersionOld = 10;         // Redis 7.0; no listpacks as sets, simpler streams
constexpr uint16_t kRdbVersionFieldTimes = 12;  // Redis 7.4
constexpr uint16_t kRdbVersionValkey = 80;      // Valkey 9, which has a number range of its own

// What follows a value's type byte.
enum class RdbType : uint8_t {
  kString = 0,
  kList = 1,
  kSet = 2,
  kZset = 3,  // Scores as text.
  kHash = 4,
  kZset2 = 5,  // Scores as 8 bytes.
  kModulePreGa = 6,
  kModule2 = 7,
  kHashZipmap = 9,
  kListZiplist = 10,
  kSetIntset = 11,
  kZsetZiplist = 12,
  kHashZiplist = 13,
  kListQuicklist = 14,
  kStreamListpacks = 15,
  kHashListpack = 16,
  kZsetListpack = 17,
  kListQuicklist2 = 18,
  kStreamListpacks2 = 19,
  kSetListpack = 20,
  kStreamListpacks3 = 21,
  // Fields with times. Redis's release candidates had 22 and 23; Valkey took 22 for its own.
  kHashTimes22 = 22,
  kHashListpackTimes23 = 23,
  kHashTimes = 24,
  kHashListpackTimes = 25,
};

// What stands in a file where a value's type might. The bytes that are neither are wrong.
enum class RdbOpcode : uint8_t {
  kSlotInfo = 244,  // Valkey's: a cluster slot's number, its keys, its keys with times; 3 lengths.
  kFunction = 245,  // A library's code.
  kFunctionPreGa = 246,
  kModuleAux = 247,
  kIdle = 248,           // Of the next entry: seconds since its last use, a length.
  kFrequency = 249,      // Of the next entry: its LFU counter, a byte.
  kAux = 250,            // A name and a text; a reader ignores names that it does not know.
  kResizeDb = 251,       // How many keys the database has, and how many with times; 2 lengths.
  kExpirySeconds = 253,  // Of the next entry, 4 bytes; kExpiryMs took its place.
  kExpiryMs = 252,       // Of the next entry, 8 bytes.
  kSelectDb = 254,       // The database of the entries that follow, a length.
  kEnd = 255,            // From version 5 on followed by the checksum of all before it, 8 bytes.
};
constexpr bool IsRdbOpcode(uint8_t byte) {
  return byte >= static_cast<uint8_t>(RdbOpcode::kSlotInfo);
}

// A file begins with "REDIS" and four digits, or with "VALKEY" and three.
constexpr size_t kRdbMagicBytes = 9;
constexpr uint16_t kFirstChecksumVersion = 5;
// The aux field, before an entry, in which Kiln keeps what memcached's items have more: "flags
// cas".
constexpr std::string_view kRdbItemAux = "kiln-item";

// How a length begins: the two top bits of its first byte.
constexpr uint8_t kRdbLength6 = 0;      // The rest of the byte is the length.
constexpr uint8_t kRdbLength14 = 1;     // And the next byte.
constexpr uint8_t kRdbLength32 = 0x80;  // The whole byte: 4 bytes follow, big-endian.
constexpr uint8_t kRdbLength64 = 0x81;  // The whole byte: 8 bytes follow, big-endian.
constexpr uint8_t kRdbEncoded = 3;      // No length: the rest says which encoding of a string.

enum class RdbStringEncoding : uint8_t { kInt8 = 0, kInt16 = 1, kInt32 = 2, kLzf = 3 };

// A node of kListQuicklist2.
constexpr uint64_t kRdbNodePlain = 1;
constexpr uint64_t kRdbNodePacked = 2;

}  // namespace kiln
