// What the replies of memcached's text protocols share.
//
// Pure text; any thread. Source: memcached 1.6.18.
#pragma once

#include <cstring>
#include <string_view>

#include "base/number.h"
#include "engine/commands/call.h"

namespace kiln {

inline constexpr std::string_view kError = "ERROR\r\n";
inline constexpr std::string_view kBadFormat = "CLIENT_ERROR bad command line format\r\n";
inline constexpr std::string_view kBadExpiry = "CLIENT_ERROR invalid exptime argument\r\n";
inline constexpr std::string_view kBadChunk = "CLIENT_ERROR bad data chunk\r\n";
inline constexpr std::string_view kTooLarge = "SERVER_ERROR object too large for cache\r\n";
inline constexpr std::string_view kOutOfMemory = "SERVER_ERROR out of memory storing object\r\n";
inline constexpr std::string_view kNotFound = "NOT_FOUND\r\n";
inline constexpr std::string_view kNotStored = "NOT_STORED\r\n";
inline constexpr std::string_view kEnd = "END\r\n";
inline constexpr std::string_view kStored = "STORED\r\n";
inline constexpr std::string_view kOk = "OK\r\n";

// The last word is "noreply": the client wants no answer, not even an error.
inline bool IsQuiet(Call& call) {
  return call.args.all().back() == "noreply";
}

[[gnu::always_inline]] inline void Say(Call& call, bool is_quiet, std::string_view line) {
  if (!is_quiet) call.reply.Raw(line);
}

// Whether a data block ends as it must.
inline bool EndsLine(std::string_view block) {
  return block.size() >= 2 && std::memcmp(block.data() + block.size() - 2, "\r\n", 2) == 0;
}

// Most numbers in replies have one or two digits.
inline char* PutDigits(char* at, uint64_t number) {
  if (number < 100) [[likely]]
    return FormatShort(at, number);
  return at + FormatInt64(static_cast<int64_t>(number), at);
}

inline char* PutText(char* at, std::string_view text) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

}  // namespace kiln
