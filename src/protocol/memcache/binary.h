// What packets of memcached's binary protocol look like: their header, the opcodes with what each
// may carry, and the status of a reply.
//
// A packet is a header of 24 bytes and a body: extras, key and value in this order. Numbers are in
// network order. Pure functions and tables; any thread. Source: memcached's
// doc/protocol-binary.xml and memcached 1.6.18, which has what is here; the opcodes of config are
// those of ElastiCache's clients.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace kiln::memcache {

constexpr uint8_t kBinaryRequestMagic = 0x80;
constexpr uint8_t kBinaryReplyMagic = 0x81;
constexpr size_t kBinaryHeaderBytes = 24;

enum class BinaryStatus : uint16_t {
  kOk = 0x00,
  kNotFound = 0x01,
  kExists = 0x02,
  kTooLarge = 0x03,
  kBadArguments = 0x04,
  kNotStored = 0x05,
  kNotNumber = 0x06,
  kAuthError = 0x20,
  kAuthContinue = 0x21,
  kUnknownCommand = 0x81,
  kOutOfMemory = 0x82,
};
// What a reply with this status says in its body.
std::string_view TextOf(BinaryStatus status);

enum class BinaryPart : uint8_t { kNone, kMay, kMust };

// One opcode. Those that differ only in being quiet or in giving the key back share a command.
struct BinaryOpcode {
  uint8_t code;
  std::string_view command;  // the name of the command's row: no word of the text protocol
  uint8_t extra_bytes;
  BinaryPart extras;
  BinaryPart key;
  BinaryPart value;
  bool is_quiet = false;     // what usually happens is not said
  bool returns_key = false;  // the reply to a get
  bool is_login = false;     // known only where clients have to log in
};
// Null for one that there is not.
const BinaryOpcode* FindBinaryOpcode(uint8_t code);

inline uint16_t ReadBig16(const char* at) {
  uint16_t number;
  std::memcpy(&number, at, sizeof(number));
  return __builtin_bswap16(number);
}
inline uint32_t ReadBig32(const char* at) {
  uint32_t number;
  std::memcpy(&number, at, sizeof(number));
  return __builtin_bswap32(number);
}
inline uint64_t ReadBig64(const char* at) {
  uint64_t number;
  std::memcpy(&number, at, sizeof(number));
  return __builtin_bswap64(number);
}
inline char* PutBig16(char* at, uint16_t number) {
  number = __builtin_bswap16(number);
  std::memcpy(at, &number, sizeof(number));
  return at + sizeof(number);
}
inline char* PutBig32(char* at, uint32_t number) {
  number = __builtin_bswap32(number);
  std::memcpy(at, &number, sizeof(number));
  return at + sizeof(number);
}
inline char* PutBig64(char* at, uint64_t number) {
  number = __builtin_bswap64(number);
  std::memcpy(at, &number, sizeof(number));
  return at + sizeof(number);
}

// The header of a request.
struct BinaryHeader {
  uint8_t magic = 0;
  uint8_t opcode = 0;
  uint16_t key_bytes = 0;
  uint8_t extra_bytes = 0;
  uint32_t body_bytes = 0;
  uint32_t opaque = 0;
  uint64_t cas = 0;

  static BinaryHeader Read(const char* at) {
    return {static_cast<uint8_t>(at[0]), static_cast<uint8_t>(at[1]), ReadBig16(at + 2),
            static_cast<uint8_t>(at[4]), ReadBig32(at + 8),           ReadBig32(at + 12),
            ReadBig64(at + 16)};
  }
};

// The header of a reply; `body_bytes` holds extras and key too.
struct BinaryReply {
  uint8_t opcode = 0;
  BinaryStatus status = BinaryStatus::kOk;
  uint16_t key_bytes = 0;
  uint8_t extra_bytes = 0;
  uint32_t body_bytes = 0;
  uint32_t opaque = 0;
  uint64_t cas = 0;

  // Returns the end, kBinaryHeaderBytes on.
  char* Write(char* at) const {
    *at++ = static_cast<char>(kBinaryReplyMagic);
    *at++ = static_cast<char>(opcode);
    at = PutBig16(at, key_bytes);
    *at++ = static_cast<char>(extra_bytes);
    *at++ = 0;  // the only type of data there is
    at = PutBig16(at, static_cast<uint16_t>(status));
    at = PutBig32(at, body_bytes);
    at = PutBig32(at, opaque);
    return PutBig64(at, cas);
  }
};

}  // namespace kiln::memcache
