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

// Splits one line into words.
class LineSplitter {
 public:
  LineSplitter(const char* begin, const char* end, ArgumentList* words)
      : begin_(begin), end_(end), word_(begin), words_(words), room_(words->Room(kRoom)) {}

  // Returns where the line's '\n' stands, or the end of the bytes when it has not come yet. As a C program would,
  // memcached sees nothing of a line behind a zero byte.
  const char* Split() {
    const char* stop = FindLastStop();
    if (stop != end_) {
      const char* word_end = stop;
      if (*stop == '\n' && stop - begin_ > 1 && stop[-1] == '\r') word_end = std::max(word_, stop - 1);
      if (word_end != word_) Append(word_end);
    }
    words_->Extend(count_);
    return stop == end_ || *stop == '\n' ? stop : FindLineEnd(stop, end_);
  }

 private:
  static constexpr size_t kRoom = 8;

  // Takes the words up to the last, and returns where that one ends.
  const char* FindLastStop() {
    const char* at = begin_;
#ifdef __SSE2__
    const __m128i space = _mm_set1_epi8(' ');
    const __m128i newline = _mm_set1_epi8('\n');
    for (; end_ - at >= 16; at += 16) {
      __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
      __m128i found = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, space), _mm_cmpeq_epi8(bytes, newline)),
                                   _mm_cmpeq_epi8(bytes, _mm_setzero_si128()));
      for (auto mask = static_cast<unsigned>(_mm_movemask_epi8(found)); mask != 0; mask &= mask - 1) {
        const char* stop = at + __builtin_ctz(mask);
        if (*stop != ' ') return stop;
        PassSpace(stop);
      }
    }
#endif
    for (; at != end_; ++at) {
      if (*at == '\n' || *at == '\0') return at;
      if (*at == ' ') PassSpace(at);
    }
    return end_;
  }

  void PassSpace(const char* space) {
    if (space != word_) Append(space);
    word_ = space + 1;
  }

  void Append(const char* word_end) {
    if (count_ == kRoom) [[unlikely]] {
      words_->Extend(count_);
      room_ = words_->Room(kRoom);
      count_ = 0;
    }
    room_[count_++] = {word_, static_cast<size_t>(word_end - word_)};
  }

  const char* begin_;
  const char* end_;
  const char* word_;
  ArgumentList* words_;
  std::string_view* room_;
  size_t count_ = 0;
};

bool HasBlock(std::string_view verb) {
  switch (verb.size()) {
    case 3: return verb == "set" || verb == "add" || verb == "cas";
    case 6: return verb == "append";
    case 7: return verb == "replace" || verb == "prepend";
    default: return false;
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
  if (words[1].size() > kMaxKeyBytes || !ReadUint32(words[2], &line->flags) || !ReadInt32(words[3], &expiry) ||
      !ReadInt32(words[4], &length) || (has_cas && !ReadUint64(words[5], &cas))) {
    return false;
  }
  line->length = static_cast<size_t>(length);
  return length >= 0 && length <= INT_MAX - 2;
}

// A web request sent here by mistake, or by somebody's trick: its headers must not be taken for commands.
bool IsHttp(std::string_view verb, std::string_view last_word) {
  return verb[0] >= 'A' && verb[0] <= 'Z' && last_word.starts_with("HTTP/");
}

}  // namespace

RequestParser::Status RequestParser::Parse(std::string_view bytes, const RequestLimits& limits,
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
  const char* newline = LineSplitter(begin, end, arguments).Split();
  if (newline == end) {
    arguments->Truncate(first);
    return Wait(bytes);
  }
  scanned_bytes_ = 0;
  *consumed = static_cast<size_t>(newline - begin) + 1;
  if (arguments->size() == first) return Refuse("ERROR\r\n", false);
  std::string_view verb = (*arguments)[first];
  if (HasBlock(verb)) return ParseBlock(bytes, limits, first, arguments, consumed);
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
  if (spaces > kMaxLeadingSpaces || !is_get || bytes.size() > kMaxGetLineBytes) return Status::kBroken;
  return Status::kIncomplete;
}

RequestParser::Status RequestParser::Refuse(std::string_view error, bool is_quiet) {
  error_ = is_quiet ? std::string_view() : error;
  return Status::kRefused;
}

RequestParser::Status RequestParser::ParseBlock(std::string_view bytes, const RequestLimits& limits, size_t first,
                                                ArgumentList* arguments, size_t* consumed) {
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
  size_t block_bytes = line.length + 2;
  if (ItemBytes(words[1].size(), line.flags, line.length, limits.has_cas) > limits.max_item_bytes) {
    arguments->Replace(first + 4, {});
    skip_bytes_ = block_bytes;
    return Status::kComplete;
  }
  if (bytes.size() - *consumed < block_bytes) {
    missing_bytes_ = block_bytes - (bytes.size() - *consumed);
    *consumed = 0;
    arguments->Truncate(first);
    return Status::kIncomplete;
  }
  arguments->Replace(first + 4, bytes.substr(*consumed, block_bytes));
  *consumed += block_bytes;
  return Status::kComplete;
}

}  // namespace kiln::memcache
