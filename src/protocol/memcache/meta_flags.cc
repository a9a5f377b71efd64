#include "protocol/memcache/meta_flags.h"

#include <array>

#include "protocol/memcache/number.h"

namespace kiln::memcache {
namespace {

constexpr std::string_view kTwice = "CLIENT_ERROR duplicate flag";
constexpr std::string_view kUnknown = "CLIENT_ERROR invalid flag";
constexpr std::string_view kBadToken = "CLIENT_ERROR bad token in command line format";

constexpr std::string_view kLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kNoLetter = 0xff;

constexpr auto kValues = [] {
  std::array<uint8_t, 256> values{};
  values.fill(kNoLetter);
  for (size_t i = 0; i < kLetters.size(); ++i) {
    values[static_cast<uint8_t>(kLetters[i])] = static_cast<uint8_t>(i);
  }
  values['='] = 0;
  return values;
}();

// Letters that stand for themselves, whatever follows.
constexpr uint64_t kPlainLetters = LetterBits("vqbuIxkstcflhPL");

// Reads one of the other flags; false when there is none of this letter. What is wrong with its
// token goes to *error, and the next flag is looked at all the same.
class FlagReader {
 public:
  FlagReader(MetaFlags* flags, std::string_view* error) : flags_(*flags), error_(*error) {}

  bool Read(std::string_view word) {
    switch (word[0]) {
      case 'O':
        flags_.is_opaque_too_long = word.size() > kMaxOpaqueBytes;
        return true;
      case 'M':
        if (word.size() == 2) flags_.mode = word[1];
        return Check(word.size() == 2, "CLIENT_ERROR incorrect length for M token");
      default:
        return ReadToken(word[0], word.substr(1));
    }
  }

 private:
  bool ReadToken(char letter, std::string_view token) {
    switch (letter) {
      case 'T':
        return Check(ReadInt32(token, &flags_.exptime), kBadToken);
      case 'F':
        return Check(ReadUint32(token, &flags_.client_flags), kBadFormat);
      case 'N':
        return Check(ReadInt32(token, &flags_.vivify_exptime), kBadToken);
      case 'R':
        return Check(ReadInt32(token, &flags_.recache_exptime), kBadToken);
      case 'C':
        return Check(ReadUint64(token, &flags_.cas), kBadToken);
      case 'E':
        return Check(ReadUint64(token, &flags_.new_cas), kBadToken);
      case 'J':
        return Check(ReadUint64(token, &flags_.initial),
                     "CLIENT_ERROR invalid numeric initial value");
      case 'D':
        return Check(ReadUint64(token, &flags_.delta), "CLIENT_ERROR invalid numeric delta value");
      default:
        return false;
    }
  }

  // Of several errors the last is told, but a plain bad format never hides another.
  bool Check(bool is_good, std::string_view error) {
    if (!is_good && (error != kBadFormat || error_.empty())) error_ = error;
    return true;
  }

  static constexpr std::string_view kBadFormat = "CLIENT_ERROR bad command line format";

  MetaFlags& flags_;
  std::string_view& error_;
};

}  // namespace

std::string_view ReadMetaFlags(std::span<const std::string_view> words, MetaFlags* flags) {
  constexpr unsigned kLetterCount = 127;
  uint64_t seen = 0;
  std::string_view error;
  FlagReader reader(flags, &error);
  for (std::string_view word : words) {
    auto letter = static_cast<uint8_t>(word[0]);
    if (letter >= kLetterCount) return kTwice;
    if (letter < '@') return kUnknown;
    uint64_t bit = LetterBit(word[0]);
    if ((seen & bit) != 0) return kTwice;
    seen |= bit;
    if ((kPlainLetters & bit) == 0 && !reader.Read(word)) return kUnknown;
  }
  flags->letters = seen;
  return error;
}

size_t DecodeBase64(std::string_view text, char* out) {
  size_t letters = 0;
  for (char c : text) letters += kValues[static_cast<uint8_t>(c)] != kNoLetter ? 1 : 0;
  if (letters == 0 || letters % 4 != 0) return 0;
  char* begin = out;
  uint32_t group = 0;
  size_t in_group = 0;
  size_t padding = 0;
  for (char c : text) {
    uint8_t value = kValues[static_cast<uint8_t>(c)];
    if (value == kNoLetter) continue;
    if (c == '=') ++padding;
    group = group << 6 | value;
    if (++in_group < 4) continue;
    *out++ = static_cast<char>(group >> 16);
    *out++ = static_cast<char>(group >> 8);
    *out++ = static_cast<char>(group);
    in_group = group = 0;
    if (padding > 2) return 0;
    if (padding > 0) break;
  }
  return static_cast<size_t>(out - begin) - padding;
}

char* EncodeBase64(std::string_view bytes, char* out) {
  for (size_t at = 0; at < bytes.size(); at += 3) {
    size_t count = bytes.size() - at < 3 ? bytes.size() - at : 3;
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i) {
      group = group << 8 | (i < count ? static_cast<uint8_t>(bytes[at + i]) : 0u);
    }
    for (size_t i = 0; i < 4; ++i) {
      *out++ = i <= count ? kLetters[group >> (18 - 6 * i) & 63] : '=';
    }
  }
  return out;
}

}  // namespace kiln::memcache
