// Request parser: finds complete RESP requests (multibulk or inline) in received bytes, without
// copying them.
//
// Arguments are views into the caller's bytes. A request that is not all there yet leaves its
// progress behind as offsets, so a large one is never scanned twice, and the caller may move the
// bytes meanwhile. Declared sizes allocate nothing. Source: the Redis protocol specification; error
// texts as redis-server 7.2 gives them.
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
  [[gnu::always_inline]] inline Status Parse(std::string_view bytes, const RequestLimits& limits,
                                             ArgumentList* arguments, size_t* consumed) {
    // Nearly every request is a short multibulk that is all there.
    if (remaining_ == 0 && limits.authenticated && ParseShort(bytes, arguments, consumed))
      return Status::kComplete;
    return ParseAny(bytes, limits, arguments, consumed);
  }

  // Without the leading "-", such as "ERR Protocol error: invalid bulk length".
  const std::string& error() const { return error_; }
  // How much of the request is known to be missing; a hint for how much to read.
  size_t missing_bytes() const { return missing_bytes_; }
  // How much of an incomplete request is understood and need not be looked at again.
  size_t parsed_bytes() const { return remaining_ > 0 ? offset_ : 0; }
  bool in_request() const { return remaining_ > 0; }
  // Bytes held for a request that is not complete.
  size_t memory_bytes() const { return done_.capacity() * sizeof(Span); }

 private:
  struct Span {
    size_t offset;
    size_t length;
  };
  struct Cursor;

  // Understands complete requests of up to 9 arguments of up to 999 bytes, the first of up to 9;
  // false leaves everything to ParseAny. Reads headers eight bytes at a time, so the last few bytes
  // of a buffer are ParseAny's too.
  [[gnu::always_inline]] static inline bool ParseShort(std::string_view bytes,
                                                       ArgumentList* arguments, size_t* consumed) {
    static_assert(std::endian::native == std::endian::little);
    const char* at = bytes.data();
    const char* end = at + bytes.size();
    if (bytes.size() < 14) return false;
    uint64_t word = Load(at);
    uint64_t count = ((word >> 8) & 0xff) - '0';
    uint64_t name_length = ((word >> 40) & 0xff) - '0';
    constexpr uint64_t kHead = 0x0a0d0024'0a0d002a;  // "*d\r\n$d\r\n", the digits left out
    if ((word & 0xffff00ff'ffff00ff) != kHead || count - 1 > 8 || name_length > 9 ||
        bytes.size() < name_length + 10) {
      return false;
    }
    std::string_view* argument = arguments->Room(count);
    *argument = {at + 8, name_length};
    at += 8 + name_length + 2;
    for (std::string_view* last = argument + count; ++argument != last;) {
      if (end - at < 8) return false;
      word = Load(at);
      uint64_t length = ((word >> 8) & 0xff) - '0';
      if ((word & 0xffff00ff) == 0x0a0d0024) {  // "$d\r\n"
        if (length > 9) return false;
        at += 4;
      } else if ((word & 0xffff0000ff) == 0x0a0d000024) {  // "$dd\r\n"
        uint64_t second = ((word >> 16) & 0xff) - '0';
        if (length - 1 > 8 || second > 9) return false;
        length = length * 10 + second;
        at += 5;
      } else {
        length = ReadThreeDigits(word);
        if (length == 0) return false;
        at += 6;
      }
      if (static_cast<uint64_t>(end - at) < length + 2) return false;
      *argument = {at, length};
      at += length + 2;
    }
    arguments->Extend(count);
    *consumed = static_cast<size_t>(at - bytes.data());
    return true;
  }
  static uint64_t Load(const char* at) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    return word;
  }
  // "$ddd\r\n"; 0 for anything else.
  static uint64_t ReadThreeDigits(uint64_t word) {
    if ((word & 0xffff000000ff) != 0x0a0d00000024) return 0;
    uint64_t a = ((word >> 8) & 0xff) - '0';
    uint64_t b = ((word >> 16) & 0xff) - '0';
    uint64_t c = ((word >> 24) & 0xff) - '0';
    return a - 1 > 8 || b > 9 || c > 9 ? 0 : a * 100 + b * 10 + c;
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
  int64_t remaining_ = 0;    // arguments still to come
  int64_t bulk_bytes_ = -1;  // length of the one under way, or -1 before its header
  size_t offset_ = 0;        // where to go on
  std::vector<Span> done_;   // arguments of earlier calls
  size_t missing_bytes_ = 0;
  std::vector<std::string> inline_arguments_;  // unquoted text needs a place of its own
  std::string error_;
};

}  // namespace kiln
