// Request parser: finds complete RESP requests (multibulk or inline) in received bytes, without copying them.
//
// Arguments are views into the caller's bytes. A request that is not all there yet leaves its progress behind as offsets,
// so a large one is never scanned twice, and the caller may move the bytes meanwhile. Declared sizes allocate nothing.
// Source: the Redis protocol specification; error texts as redis-server 7.2 gives them.
//
// Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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
  Status Parse(std::string_view bytes, const RequestLimits& limits, std::vector<std::string_view>* arguments,
               size_t* consumed);

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

  Status ParseInline(std::string_view bytes, std::vector<std::string_view>* arguments, size_t* consumed);
  Status ParseMultibulk(std::string_view bytes, const RequestLimits& limits,
                        std::vector<std::string_view>* arguments, size_t* consumed);
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
