// The numbers of the RDB format, version 11 (Redis 7.2), as far as values need them.
//
// Source: the Redis RDB file format, rdb.h of Redis 7.2.
#pragma once

#include <cstdint>

namespace kiln {

constexpr uint16_t kRdbVersion = 11;

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
};

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
