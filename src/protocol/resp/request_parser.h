// Request parser: finds complete RESP requests (multibulk or inline) in received bytes, without copying them.
//
// Arguments are views into the caller's bytes. A request that is not all there yet leaves its progress behind as offsets,
// so a large one is never scanned twice, and the caller may move the bytes meanwhile. Declared sizes allocate nothing.
// Source: the Redis protocol specification; error texts as redis-server 7.2 gives them.
//
// Thread safety: none.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/argument_list.h"

namespace kiln {

struct RequestLimits {
  int64_t max_bulk_bytes = int64_t{512} << 20;
  bool authenticated = true;  // before, 10 arguments of 16 KiB are all a client may send
};

class RequestParser {
 public:
  enum class Status {
    kComplete,    // arguments appended; *consumed bytes used (an empty request appends none)
    kIncomplete,  // more bytes needed; nothing consumed
    kBroken,      // error() says why; the connection must close
  };

  static constexpr int64_t kMaxArguments = int64_t{1} << 31;
  static constexpr size_t kMaxInlineBytes = size_t{64} << 10;

  // `bytes` starts where the request starts, at every call for it.
  Status Parse(std::string_view bytes, const RequestLimits& limits, ArgumentList* arguments,
               size_t* consumed) {
    // Nearly every request is a short multibulk that is all there.
    if (remaining_ == 0 && limits.authenticated && ParseShort(bytes, arguments, consumed)) return Status::kComplete;
    return ParseAny(bytes, limits, arguments, consumed);
  }

  // Without the leading "-", such as "ERR Protocol error: invalid bulk length".
  const std::string& error() const { return error_; }
  // How much of the request is known to be missing; a hint for how much to read.
  size_t missing_bytes() const { return missing_bytes_; }
  bool in_request() const { return remaining_ > 0; }
  // Bytes held for a request that is not complete.
  size_t memory_bytes() const { return done_.capacity() * sizeof(Span); }

 private:
  struct Span {
    size_t offset;
    size_t length;
  };
  struct Cursor;

  // Understands complete requests of up to 9 arguments of up to 999 bytes; false leaves everything to ParseAny.
  [[gnu::always_inline]] static inline bool ParseShort(std::string_view bytes, ArgumentList* arguments, size_t* consumed) {
    const char* at = bytes.data();
    const char* end = at + bytes.size();
    unsigned count = 0;
    if (bytes.size() < 4 || !ReadDigitLine('*', at, &count) || count - 1u > 8u) return false;
    at += 4;
    std::string_view* argument = arguments->Room(count);
    for (std::string_view* last = argument + count; argument != last; ++argument) {
      unsigned length = 0;
      if (end - at < 6) return false;
      if (ReadDigitLine('$', at, &length)) {
        at += 4;
      } else {
        at = ReadLongerHeader(at, &length);
        if (at == nullptr) return false;
      }
      if (end - at < static_cast<ptrdiff_t>(length) + 2) return false;
      *argument = {at, length};
      at += length + 2;
    }
    arguments->Extend(count);
    *consumed = static_cast<size_t>(at - bytes.data());
    return true;
  }
  // The sigil, one digit and a line end, in one comparison.
  static bool ReadDigitLine(char sigil, const char* at, unsigned* digit) {
    static_assert(std::endian::native == std::endian::little);
    uint32_t word;
    std::memcpy(&word, at, 4);
    *digit = ((word >> 8) & 0xff) - '0';
    return (word & 0xffff00ff) == (0x0a0d0000u | static_cast<unsigned char>(sigil)) && *digit <= 9;
  }
  // "$dd\r\n" or "$ddd\r\n" without leading zero; null for anything else. 6 bytes may be read.
  static const char* ReadLongerHeader(const char* at, unsigned* length) {
    unsigned first = static_cast<unsigned char>(at[1]) - '0';
    unsigned second = static_cast<unsigned char>(at[2]) - '0';
    if (at[0] != '$' || first - 1u > 8u || second > 9) return nullptr;
    *length = first * 10 + second;
    if (at[3] == '\r') return at + 5;
    unsigned third = static_cast<unsigned char>(at[3]) - '0';
    if (third > 9 || at[4] != '\r') return nullptr;
    *length = *length * 10 + third;
    return at + 6;
  }

  Status ParseAny(std::string_view bytes, const RequestLimits& limits, ArgumentList* arguments,
                  size_t* consumed);
  Status ParseInline(std::string_view bytes, ArgumentList* arguments, size_t* consumed);
  Status ParseMultibulk(std::string_view bytes, const RequestLimits& limits,
                        ArgumentList* arguments, size_t* consumed);
  Status ParseCount(std::string_view bytes, const RequestLimits& limits, size_t* consumed);
  Status ParseBulkLength(std::string_view bytes, const RequestLimits& limits);
  Status Break(std::string_view why);

  // Progress within the current multibulk request.
  int64_t remaining_ = 0;     // arguments still to come
  int64_t bulk_bytes_ = -1;   // length of the one under way, or -1 before its header
  size_t offset_ = 0;         // where to go on
  std::vector<Span> done_;    // arguments of earlier calls
  size_t missing_bytes_ = 0;
  std::vector<std::string> inline_arguments_;  // unquoted text needs a place of its own
  std::string error_;
};

}  // namespace kiln
