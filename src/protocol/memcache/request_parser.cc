#include "protocol/memcache/request_parser.h"

#include <algorithm>
#include <climits>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "protocol/memcache/number.h"

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

// Where spaces, line ends and control characters are among the 16 bytes at `at`, as a bit mask.
unsigned BlanksAndControls(const char* at) {
#ifdef __SSE2__
  __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  return static_cast<unsigned>(
      _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(' ')), bytes)));
#else
  unsigned mask = 0;
  for (unsigned i = 0; i < 16; ++i) mask |= unsigned{static_cast<unsigned char>(at[i]) <= ' '} << i;
  return mask;
#endif
}

// The first such byte from `at` on, or null. At least 16 bytes must lie before `end`.
[[gnu::always_inline]] inline const char* PassWord(const char* at, const char* end) {
  constexpr ptrdiff_t kBlock = 16;
  for (; end - at >= kBlock; at += kBlock) {
    unsigned mask = BlanksAndControls(at);
    if (mask != 0) return at + __builtin_ctz(mask);
  }
  unsigned mask = BlanksAndControls(end - kBlock) >> (kBlock - (end - at));
  return mask == 0 ? nullptr : at + __builtin_ctz(mask);
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

// A web request sent here by mistake, or by somebody's trick: its headers must not be taken for
// commands.
bool IsHttp(std::string_view verb, std::string_view last_word) {
  return verb[0] >= 'A' && verb[0] <= 'Z' && last_word.starts_with("HTTP/");
}

}  // namespace

// "get key\r\n"
bool RequestParser::ParsePlainGet(std::string_view bytes, ArgumentList* arguments,
                                  size_t* consumed) {
  const char* begin = bytes.data();
  const char* key = begin + 4;
  const char* end = begin + bytes.size();
  const char* stop = PassWord(key, end);
  if (stop == nullptr || stop == key || end - stop < 2 || stop[0] != '\r' || stop[1] != '\n')
    return false;
  std::string_view* words = arguments->Room(2);
  words[0] = {begin, 3};
  words[1] = {key, static_cast<size_t>(stop - key)};
  arguments->Extend(2);
  *consumed = static_cast<size_t>(stop + 2 - begin);
  return true;
}

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
  return TakeBlock(bytes, {first, line.length + 2, is_too_large}, arguments, consumed);
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
  return TakeBlock(bytes, {first, line.length + 2, line.length > kMaxConfigBytes}, arguments,
                   consumed);
}

RequestParser::Status RequestParser::TakeBlock(std::string_view bytes, const Block& block,
                                               ArgumentList* arguments, size_t* consumed) {
  size_t word = block.first + 4;
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
