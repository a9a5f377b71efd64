#include "engine/store/types/stream_id.h"

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "base/number.h"

namespace kiln {
namespace {

// Longer texts are no ids, whatever they say.
constexpr size_t kMaxTextBytes = 127;

// A number that is not just digits: spaces and signs in front, or a negative one within spaces.
std::optional<uint64_t> ParseLenient(const char* text) {
  if (std::optional<int64_t> number = ParseInt64(text)) {
    return *number < 0 ? std::nullopt : std::optional<uint64_t>(*number);
  }
  char* end = nullptr;
  errno = 0;
  unsigned long long number = std::strtoull(text, &end, 10);
  if (errno != 0 || *text == '\0' || *end != '\0') return std::nullopt;
  return number;
}

std::optional<StreamId> ParseSlowly(std::string_view text, uint64_t missing_seq) {
  char buffer[kMaxTextBytes + 1];
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  char* dash = std::strchr(buffer, '-');
  if (dash != nullptr) *dash = '\0';
  std::optional<uint64_t> ms = ParseLenient(buffer);
  std::optional<uint64_t> seq = dash != nullptr ? ParseLenient(dash + 1) : missing_seq;
  if (!ms || !seq) return std::nullopt;
  return StreamId{*ms, *seq};
}

}  // namespace

size_t FormatStreamId(const StreamId& id, char* out) {
  char* end = std::to_chars(out, out + kMaxStreamIdChars, id.ms).ptr;
  *end++ = '-';
  end = std::to_chars(end, out + kMaxStreamIdChars, id.seq).ptr;
  return static_cast<size_t>(end - out);
}

std::optional<StreamId> ParseStreamId(std::string_view text, uint64_t missing_seq) {
  if (text.empty() || text.size() > kMaxTextBytes) return std::nullopt;
  size_t dash = text.find('-');
  std::optional<uint64_t> ms = ParseUint64(text.substr(0, dash));
  std::optional<uint64_t> seq = missing_seq;
  if (dash != std::string_view::npos) seq = ParseUint64(text.substr(dash + 1));
  if (ms && seq) [[likely]]
    return StreamId{*ms, *seq};
  return ParseSlowly(text, missing_seq);
}

}  // namespace kiln
