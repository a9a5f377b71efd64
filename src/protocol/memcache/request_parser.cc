#include "protocol/memcache/request_parser.h"

#include <algorithm>
#include <climits>
#include <cstring>
#include <span>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "protocol/memcache/meta_flags.h"
#include "protocol/memcache/number.h"
#include "protocol/memcache/word_scan.h"

namespace kiln::memcache {
namespace {

const char* FindLineEnd(const char* at, const char* end) {
  const void* found = std::memchr(at, '\n', static_cast<size_t>(end - at));
  return found == nullptr ? end : static_cast<const char*>(found);
}

// Where words end in the 16 bytes at `at`, as a bit mask.
unsigned WordEnds(const char* at) {
#ifdef __SSE2__
  __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  __m128i found = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(' ')),
                                            _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n'))),
                               _mm_cmpeq_epi8(bytes, _mm_setzero_si128()));
  return static_cast<unsigned>(_mm_movemask_epi8(found));
#else
  unsigned mask = 0;
  for (unsigned i = 0; i < 16; ++i)
    mask |= unsigned{at[i] == ' ' || at[i] == '\n' || at[i] == '\0'} << i;
  return mask;
#endif
}

// Appends the words of the line and returns where its '\n' stands, or `end` when that has not come
// yet. As a C program would, memcached sees nothing of a line behind a zero byte.
const char* SplitLine(const char* begin, const char* end, ArgumentList* words) {
  constexpr size_t kRoom = 8;
  constexpr ptrdiff_t kBlock = 16;
  std::string_view* room = words->Room(kRoom);
  std::string_view* next = room;
  const char* word = begin;
  char tail[kBlock] = {};
  for (const char* block = begin; block < end; block += kBlock) {
    unsigned mask = 0;
    if (end - block >= kBlock) [[likely]] {
      mask = WordEnds(block);
    } else {
      std::memcpy(tail, block, static_cast<size_t>(end - block));
      mask = WordEnds(tail) & ((1u << (end - block)) - 1);
    }
    for (; mask != 0; mask &= mask - 1) {
      const char* stop = block + __builtin_ctz(mask);
      const char* word_end = stop;
      if (*stop == '\n' && stop - begin > 1 && stop[-1] == '\r')
        word_end = std::max(word, stop - 1);
      if (word_end != word) *next++ = {word, static_cast<size_t>(word_end - word)};
      if (*stop != ' ') {
        words->Extend(static_cast<size_t>(next - room));
        return *stop == '\n' ? stop : FindLineEnd(stop, end);
      }
      word = stop + 1;
      if (next - room == kRoom) [[unlikely]] {
        words->Extend(kRoom);
        next = room = words->Room(kRoom);
      }
    }
  }
  return end;
}

// Reads a word of one to nine digits and the byte behind it, of 11 that must be there; null for
// anything else.
[[gnu::always_inline]] inline const char* PassDigits(const char* at, char behind,
                                                     std::string_view* word, uint32_t* number) {
  const char* begin = at;
  uint32_t value = static_cast<uint32_t>(*at - '0');
  if (value <= 9 && at[1] == behind) [[likely]] {
    *number = value;
    *word = {at, 1};
    return at + 2;
  }
  if (value > 9) return nullptr;
  ++at;
  for (unsigned digit = 0; (digit = static_cast<unsigned>(*at - '0')) <= 9 && at - begin < 10; ++at)
    value = value * 10 + digit;
  *number = value;
  *word = {begin, static_cast<size_t>(at - begin)};
  return at - begin > 9 || *at != behind ? nullptr : at + 1;
}

// Reads one to nine digits; where they end, or null. At least 11 bytes must be there.
[[gnu::always_inline]] inline const char* PassLength(const char* at, uint32_t* number) {
  const char* begin = at;
  uint32_t value = 0;
  for (unsigned digit = 0; (digit = static_cast<unsigned>(*at - '0')) <= 9 && at - begin < 10; ++at)
    value = value * 10 + digit;
  *number = value;
  return at == begin || at - begin > 9 ? nullptr : at;
}

// Where the flag at `at` ends, or null when there is none or its end has not come. Most are one
// letter.
[[gnu::always_inline]] inline const char* PassFlag(const char* at, const char* end) {
  if (end - at < 2 || static_cast<unsigned char>(*at) <= ' ') return nullptr;
  return at[1] == ' ' || at[1] == '\r' ? at + 1 : PassWord(at, end);
}

bool HasBlock(std::string_view verb) {
  switch (verb.size()) {
    case 3:
      return verb == "set" || verb == "add" || verb == "cas";
    case 6:
      return verb == "append";
    case 7:
      return verb == "replace" || verb == "prepend";
    default:
      return false;
  }
}

struct BlockLine {
  uint32_t flags = 0;
  size_t length = 0;
};

// verb key flags expiry length [cas]
bool ReadBlockLine(const std::string_view* words, bool has_cas, BlockLine* line) {
  int32_t expiry = 0;
  int32_t length = 0;
  uint64_t cas = 0;
  if (words[1].size() > kMaxKeyBytes || !ReadUint32(words[2], &line->flags) ||
      !ReadInt32(words[3], &expiry) || !ReadInt32(words[4], &length) ||
      (has_cas && !ReadUint64(words[5], &cas))) {
    return false;
  }
  line->length = static_cast<size_t>(length);
  return length >= 0 && length <= INT_MAX - 2;
}

// config set key flags length
bool ReadConfigLine(const std::string_view* words, BlockLine* line) {
  int32_t length = 0;
  if (words[2].size() > kMaxKeyBytes || !ReadUint32(words[3], &line->flags) ||
      !ReadInt32(words[4], &length)) {
    return false;
  }
  line->length = static_cast<size_t>(length);
  return length >= 0 && length <= INT_MAX - 2;
}

// In any case, for a verb that memcached does not have and its clients write as they like.
bool IsConfig(std::string_view verb) {
  constexpr std::string_view kLower = "config";
  return verb.size() == kLower.size() &&
         std::equal(verb.begin(), verb.end(), kLower.begin(),
                    [](char c, char lower) { return (c | 0x20) == lower; });
}

bool IsMeta(std::string_view verb) {
  return verb.size() == 2 && verb[0] == 'm' && std::memchr("gsdae", verb[1], 5) != nullptr;
}

// The words of a meta command that are flags.
std::span<const std::string_view> FlagsOf(const ArgumentList& arguments, size_t first,
                                          bool has_length) {
  size_t start = std::min(first + (has_length ? 3 : 2), arguments.size());
  return {arguments.data() + start, arguments.size() - start};
}

bool HasFlag(std::span<const std::string_view> flags, char letter) {
  return std::any_of(flags.begin(), flags.end(),
                     [letter](std::string_view word) { return word[0] == letter; });
}

// The client flags that ms is to store; they count towards the item's size.
uint32_t ClientFlagsIn(std::span<const std::string_view> flags) {
  uint32_t number = 0;
  for (std::string_view word : flags) {
    if (word[0] == 'F' && !ReadUint32(word.substr(1), &number)) number = 0;
  }
  return number;
}

void DecodeKey(size_t word, ArgumentList* arguments) {
  std::string_view text = (*arguments)[word];
  if (text.size() > kMaxKeyBytes) return;
  char bytes[kMaxKeyBytes];
  size_t count = DecodeBase64(text, bytes);
  arguments->Replace(word, count == 0 ? std::string_view() : arguments->Keep({bytes, count}));
}

// A web request sent here by mistake, or by somebody's trick: its headers must not be taken for
// commands.
bool IsHttp(std::string_view verb, std::string_view last_word) {
  return verb[0] >= 'A' && verb[0] <= 'Z' && last_word.starts_with("HTTP/");
}

}  // namespace

// "set key flags exptime bytes\r\n<block>" with short numbers, all of it there and not
// too large.
bool RequestParser::ParsePlainSet(std::string_view bytes, const RequestLimits& limits,
                                  ArgumentList* arguments, size_t* consumed) {
  const char* begin = bytes.data();
  const char* end = begin + bytes.size();
  const char* key = begin + 4;
  const char* at = PassWord(key, end);
  if (at == nullptr || *at != ' ' || at == key || at - key > ptrdiff_t{kMaxKeyBytes} ||
      end - at < 40)
    return false;
  std::string_view* words = arguments->Room(5);
  words[0] = {begin, 3};
  words[1] = {key, static_cast<size_t>(at - key)};
  uint32_t flags = 0;
  uint32_t expiry = 0;
  uint32_t length = 0;
  if ((at = PassDigits(at + 1, ' ', words + 2, &flags)) == nullptr) return false;
  if ((at = PassDigits(at, ' ', words + 3, &expiry)) == nullptr) return false;
  if ((at = PassDigits(at, '\r', words + 4, &length)) == nullptr || *at++ != '\n') return false;
  size_t block_bytes = size_t{length} + 2;
  if (static_cast<size_t>(end - at) < block_bytes) return false;
  if (ItemBytes(words[1].size(), flags, length, limits.has_cas) > limits.max_item_bytes)
    return false;
  words[4] = {at, block_bytes};
  arguments->Extend(5);
  *consumed = static_cast<size_t>(at - begin) + block_bytes;
  return true;
}

// "mg key [flag ...]\r\n" and "ms key length [flag ...]\r\n<block>", with one space between words
// and without base64.
bool RequestParser::ParsePlainMeta(std::string_view bytes, const RequestLimits& limits,
                                   ArgumentList* arguments, size_t* consumed) {
  const char* begin = bytes.data();
  const char* end = begin + bytes.size();
  const char* key = begin + 3;
  const char* at = PassWord(key, end);
  if (at == nullptr || at == key || at - key > ptrdiff_t{kMaxKeyBytes}) return false;
  std::string_view* words = arguments->Room(kMaxMetaWords);
  words[0] = {begin, 2};
  words[1] = {key, static_cast<size_t>(at - key)};
  size_t count = 2;
  bool has_block = begin[1] == 's';
  uint32_t length = 0;
  uint32_t flags = 0;
  if (has_block) {
    if (*at != ' ' || end - at < 16 || (at = PassLength(at + 1, &length)) == nullptr) return false;
    count = 3;
  }
  for (; *at == ' '; ++count) {
    const char* word = at + 1;
    if (count == kMaxMetaWords || (at = PassFlag(word, end)) == nullptr) return false;
    words[count] = {word, static_cast<size_t>(at - word)};
    if (*word == 'b' || (*word == 'F' && !ReadShort(words[count].substr(1), &flags))) return false;
  }
  if (end - at < 2 || at[0] != '\r' || at[1] != '\n') return false;
  at += 2;
  if (has_block) {
    size_t block_bytes = size_t{length} + 2;
    if (static_cast<size_t>(end - at) < block_bytes) return false;
    if (ItemBytes(words[1].size(), flags, length, limits.has_cas) > limits.max_item_bytes)
      return false;
    words[2] = {at, block_bytes};
    at += block_bytes;
  }
  arguments->Extend(count);
  *consumed = static_cast<size_t>(at - begin);
  return true;
}

RequestParser::Status RequestParser::ParseAny(std::string_view bytes, const RequestLimits& limits,
                                              ArgumentList* arguments, size_t* consumed) {
  missing_bytes_ = 0;
  if (skip_bytes_ > 0) [[unlikely]] {
    *consumed = std::min(skip_bytes_, bytes.size());
    skip_bytes_ -= *consumed;
    return Status::kComplete;
  }
  const char* begin = bytes.data();
  const char* end = begin + bytes.size();
  if (scanned_bytes_ > 0 && FindLineEnd(begin + scanned_bytes_, end) == end) return Wait(bytes);
  size_t first = arguments->size();
  const char* newline = SplitLine(begin, end, arguments);
  if (newline == end) {
    arguments->Truncate(first);
    return Wait(bytes);
  }
  scanned_bytes_ = 0;
  *consumed = static_cast<size_t>(newline - begin) + 1;
  if (arguments->size() == first) return Refuse("ERROR\r\n", false);
  std::string_view verb = (*arguments)[first];
  if (IsMeta(verb)) return ParseMeta(bytes, limits, first, arguments, consumed);
  if (HasBlock(verb)) return ParseBlock(bytes, limits, first, arguments, consumed);
  if (IsConfig(verb)) return ParseConfig(bytes, first, arguments, consumed);
  if (IsHttp(verb, (*arguments)[arguments->size() - 1])) [[unlikely]] {
    arguments->Truncate(first);
    return Status::kBroken;
  }
  return Status::kComplete;
}

RequestParser::Status RequestParser::Wait(std::string_view bytes) {
  scanned_bytes_ = bytes.size();
  if (bytes.size() <= kMaxLineBytes) return Status::kIncomplete;
  constexpr size_t kMaxLeadingSpaces = 100;
  size_t spaces = std::min(bytes.find_first_not_of(' '), bytes.size());
  bytes.remove_prefix(spaces);
  bool is_get = bytes.starts_with("get ") || bytes.starts_with("gets ");
  if (spaces > kMaxLeadingSpaces || !is_get || bytes.size() > kMaxGetLineBytes)
    return Status::kBroken;
  return Status::kIncomplete;
}

RequestParser::Status RequestParser::Refuse(std::string_view error, bool is_quiet) {
  error_ = is_quiet ? std::string_view() : error;
  return Status::kRefused;
}

RequestParser::Status RequestParser::ParseBlock(std::string_view bytes, const RequestLimits& limits,
                                                size_t first, ArgumentList* arguments,
                                                size_t* consumed) {
  size_t count = arguments->size() - first;
  const std::string_view* words = arguments->data() + first;
  size_t expected = words[0] == "cas" ? 6 : 5;
  if (count != expected && count != expected + 1) {
    arguments->Truncate(first);
    return Refuse("ERROR\r\n", false);
  }
  BlockLine line;
  if (!ReadBlockLine(words, expected == 6, &line)) {
    bool is_quiet = (*arguments)[arguments->size() - 1] == "noreply";
    arguments->Truncate(first);
    return Refuse("CLIENT_ERROR bad command line format\r\n", is_quiet);
  }
  bool is_too_large =
      ItemBytes(words[1].size(), line.flags, line.length, limits.has_cas) > limits.max_item_bytes;
  return TakeBlock(bytes, {first, 4, line.length + 2, is_too_large}, arguments, consumed);
}

RequestParser::Status RequestParser::ParseConfig(std::string_view bytes, size_t first,
                                                 ArgumentList* arguments, size_t* consumed) {
  arguments->Replace(first, "config");
  size_t count = arguments->size() - first;
  const std::string_view* words = arguments->data() + first;
  if (count < 2 || words[1] != "set") return Status::kComplete;
  BlockLine line;
  if ((count != 5 && count != 6) || !ReadConfigLine(words, &line)) {
    arguments->Truncate(first);
    return Refuse("ERROR\r\n", false);
  }
  return TakeBlock(bytes, {first, 4, line.length + 2, line.length > kMaxConfigBytes}, arguments,
                   consumed);
}

// Everything that is wrong with the flags is the command's to say.
RequestParser::Status RequestParser::ParseMeta(std::string_view bytes, const RequestLimits& limits,
                                               size_t first, ArgumentList* arguments,
                                               size_t* consumed) {
  size_t count = arguments->size() - first;
  char verb = (*arguments)[first][1];
  if (verb == 's') return ParseMetaSet(bytes, limits, first, arguments, consumed);
  if (count < 2) {
    arguments->Truncate(first);
    return Refuse(verb == 'e' ? "CLIENT_ERROR bad command line format\r\n" : "ERROR\r\n", false);
  }
  if (count > 2 && HasFlag(FlagsOf(*arguments, first, false), 'b')) DecodeKey(first + 1, arguments);
  return Status::kComplete;
}

// ms key length [flag ...]
RequestParser::Status RequestParser::ParseMetaSet(std::string_view bytes,
                                                  const RequestLimits& limits, size_t first,
                                                  ArgumentList* arguments, size_t* consumed) {
  size_t count = arguments->size() - first;
  const std::string_view* words = arguments->data() + first;
  std::string_view error;
  int32_t length = 0;
  if (count < 2) {
    error = "ERROR\r\n";
  } else if (count > kMaxMetaWords && words[1].size() <= kMaxKeyBytes) {
    error = "CLIENT_ERROR options flags too long\r\n";
  } else if (words[1].size() > kMaxKeyBytes || count == 2 || !ReadInt32(words[2], &length) ||
             length < 0 || length > INT_MAX - 2) {
    error = "CLIENT_ERROR bad command line format\r\n";
  }
  if (!error.empty()) {
    arguments->Truncate(first);
    return Refuse(error, false);
  }
  std::span<const std::string_view> flags = FlagsOf(*arguments, first, true);
  auto value_bytes = static_cast<size_t>(length);
  bool is_too_large = ItemBytes(words[1].size(), ClientFlagsIn(flags), value_bytes,
                                limits.has_cas) > limits.max_item_bytes;
  Status status = TakeBlock(bytes, {first, 2, value_bytes + 2, is_too_large}, arguments, consumed);
  bool is_base64 = status == Status::kComplete && count > 3 && HasFlag(flags, 'b');
  if (is_base64) DecodeKey(first + 1, arguments);
  return status;
}

RequestParser::Status RequestParser::TakeBlock(std::string_view bytes, const Block& block,
                                               ArgumentList* arguments, size_t* consumed) {
  size_t word = block.first + block.word;
  size_t block_bytes = block.bytes;
  if (block.is_too_large) {
    arguments->Replace(word, {});
    skip_bytes_ = block_bytes;
    return Status::kComplete;
  }
  if (bytes.size() - *consumed < block_bytes) {
    missing_bytes_ = block_bytes - (bytes.size() - *consumed);
    *consumed = 0;
    arguments->Truncate(block.first);
    return Status::kIncomplete;
  }
  arguments->Replace(word, bytes.substr(*consumed, block_bytes));
  *consumed += block_bytes;
  return Status::kComplete;
}

}  // namespace kiln::memcache
