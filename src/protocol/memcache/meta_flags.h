// The flags of memcached's meta commands, and keys in base64.
//
// A flag is a letter, some with a token right behind it. They are read once, before anything is
// done; what the reply gives back for them follows the order in which they stood. Source:
// memcached's doc/protocol.txt; which errors there are, and which of several is told, as
// memcached 1.6.18. E and x are of newer versions.
//
// Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace kiln::memcache {

// The words of a meta command that may be flags, key and all; more are refused.
constexpr size_t kMaxMetaWords = 19;
constexpr size_t kMaxOpaqueBytes = 32;  // the letter O included

// Flags as a set, a bit for each letter.
constexpr uint64_t LetterBit(char letter) {
  return uint64_t{1} << (letter - '@');
}
constexpr uint64_t LetterBits(std::string_view letters) {
  uint64_t bits = 0;
  for (char letter : letters) bits |= LetterBit(letter);
  return bits;
}

struct MetaFlags {
  bool HasAny(uint64_t bits) const { return (letters & bits) != 0; }
  bool has_value() const { return HasAny(LetterBit('v')); }
  bool is_quiet() const { return HasAny(LetterBit('q')); }
  bool is_base64() const { return HasAny(LetterBit('b')); }
  bool keeps_use() const { return HasAny(LetterBit('u')); }
  bool vivifies() const { return HasAny(LetterBit('N')); }
  bool has_expiry() const { return HasAny(LetterBit('T')); }
  bool has_cas() const { return HasAny(LetterBit('C')); }
  bool has_new_cas() const { return HasAny(LetterBit('E')); }
  bool invalidates() const { return HasAny(LetterBit('I')); }
  bool removes_value() const { return HasAny(LetterBit('x')); }

  uint64_t letters = 0;  // those that were given
  bool is_opaque_too_long = false;
  char mode = 0;                // M
  int32_t vivify_exptime = 0;   // seconds, as memcached takes them
  int32_t exptime = 0;          // the same
  int32_t recache_exptime = 0;  // the same
  uint32_t client_flags = 0;    // F
  uint64_t cas = 0;
  uint64_t new_cas = 0;
  uint64_t initial = 0;  // J
  uint64_t delta = 1;    // D
};

// Reads the words behind the key, or behind ms's length. An error line without its end, or empty.
std::string_view ReadMetaFlags(std::span<const std::string_view> words, MetaFlags* flags);

// The bytes that text in base64 stands for, written to `out`, which needs as many as the text has;
// their number, or 0 when it is none. What is no letter of base64 is passed over, as in memcached.
size_t DecodeBase64(std::string_view text, char* out);
// Appends at `out` and returns the end; 4 bytes for every 3 that were begun.
char* EncodeBase64(std::string_view bytes, char* out);

}  // namespace kiln::memcache
