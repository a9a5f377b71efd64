#include "engine/store/types/hyperloglog.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/number.h"

namespace kiln::hyperloglog {
namespace {

constexpr size_t kEncodingAt = 4;
constexpr size_t kCountAt = 8;
constexpr uint64_t kOutOfDate = uint64_t{1} << 63;
constexpr unsigned kIndexBits = 14;
constexpr unsigned kMaxHeight = 64 - kIndexBits + 1;
constexpr unsigned kHeights = 64;  // what six bits can say
constexpr unsigned kMaxSparseHeight = 32;
constexpr size_t kMaxRaisedRun = 4;
constexpr size_t kMaxShortZeros = 64;

uint64_t Load64(const char* from) {
  static_assert(std::endian::native == std::endian::little);
  uint64_t word;
  std::memcpy(&word, from, 8);
  return word;
}

// MurmurHash64A by Austin Appleby, with the seed that Redis gives it.
uint64_t Hash(std::string_view bytes) {
  constexpr uint64_t kMultiplier = 0xc6a4a7935bd1e995;
  constexpr uint64_t kSeed = 0xadc83b19;
  uint64_t hash = kSeed ^ bytes.size() * kMultiplier;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    uint64_t word = Load64(bytes.data()) * kMultiplier;
    hash = (hash ^ (word ^ word >> 47) * kMultiplier) * kMultiplier;
  }
  if (!bytes.empty()) {
    uint64_t rest = 0;
    std::memcpy(&rest, bytes.data(), bytes.size());
    hash = (hash ^ rest) * kMultiplier;
  }
  hash = (hash ^ hash >> 47) * kMultiplier;
  return hash ^ hash >> 47;
}

// ---- Dense registers: four in three bytes ----

uint32_t LoadFour(const char* registers, size_t four) {
  const auto* at = reinterpret_cast<const uint8_t*>(registers) + 3 * four;
  return at[0] | at[1] << 8 | at[2] << 16;
}

void StoreFour(char* registers, size_t four, uint32_t word) {
  char* at = registers + 3 * four;
  at[0] = static_cast<char>(word);
  at[1] = static_cast<char>(word >> 8);
  at[2] = static_cast<char>(word >> 16);
}

// ---- Sparse runs ----

struct Run {
  size_t bytes = 0;  // 0: there is none
  size_t length = 0;
  unsigned height = 0;
};

Run ReadRun(std::string_view text, size_t at) {
  if (at >= text.size()) return {};
  auto byte = static_cast<uint8_t>(text[at]);
  if (byte & 0x80) return {1, (byte & 3u) + 1, (byte >> 2 & 0x1fu) + 1};
  if (!(byte & 0x40)) return {1, (byte & 0x3fu) + 1, 0};
  if (at + 1 >= text.size()) return {};
  return {2, ((byte & 0x3fu) << 8 | static_cast<uint8_t>(text[at + 1])) + 1, 0};
}

char RaisedRun(unsigned height, size_t length) {
  return static_cast<char>(0x80 | (height - 1) << 2 | (length - 1));
}

char* WriteZeros(char* out, size_t length) {
  if (length > kMaxShortZeros) {
    *out++ = static_cast<char>(0x40 | (length - 1) >> 8);
    *out++ = static_cast<char>(length - 1);
  } else if (length > 0) {
    *out++ = static_cast<char>(length - 1);
  }
  return out;
}

char* WriteRun(char* out, unsigned height, size_t length) {
  if (height == 0) return WriteZeros(out, length);
  if (length > 0) *out++ = RaisedRun(height, length);
  return out;
}

// Calls f(first register, run) for all runs, which never reach beyond the last register. False when
// they are not those of all registers; then f has seen some of them.
template <class F>
bool ForEachRun(std::string_view text, F&& f) {
  size_t first = 0;
  size_t at = kHeaderBytes;
  while (at < text.size()) {
    Run run = ReadRun(text, at);
    if (run.bytes == 0 || run.length > kRegisters - first) return false;
    f(first, run);
    first += run.length;
    at += run.bytes;
  }
  return first == kRegisters;
}

// The run that a register is in, and the one before (or the same, if it is the first).
struct Place {
  Run run;
  size_t at = kHeaderBytes;
  size_t previous_at = kHeaderBytes;
  size_t first = 0;
};

// A place without a run when the text ends before the register.
Place FindRun(std::string_view text, size_t index) {
  Place place;
  for (;;) {
    place.run = ReadRun(text, place.at);
    if (place.run.bytes == 0 || index < place.first + place.run.length) return place;
    place.previous_at = place.at;
    place.at += place.run.bytes;
    place.first += place.run.length;
  }
}

// Joins neighbours of the same height, among a few runs from `at` on: as many as a change may have
// brought together.
void JoinRuns(std::string* text, size_t at) {
  for (int left = 5; left > 0 && at < text->size(); --left) {
    Run run = ReadRun(*text, at);
    if (run.bytes == 0) return;
    Run next = ReadRun(*text, at + run.bytes);
    if (run.height > 0 && next.height == run.height && run.length + next.length <= kMaxRaisedRun) {
      text->erase(at, 1);
      (*text)[at] = RaisedRun(run.height, run.length + next.length);
    } else {
      at += run.bytes;
    }
  }
}

Change RaiseAsDense(std::string* text, Mark mark) {
  if (!MakeDense(text)) return Change::kCorrupt;
  return RaiseDense(text->data(), mark) ? Change::kRaised : Change::kNone;
}

Change RaiseSparse(std::string* text, Mark mark, size_t max_bytes) {
  if (mark.height > kMaxSparseHeight) return RaiseAsDense(text, mark);
  Place place = FindRun(*text, mark.index);
  const Run& run = place.run;
  if (run.bytes == 0) return Change::kCorrupt;
  if (run.height >= mark.height) return Change::kNone;

  // The run is split in up to three.
  char runs[5];
  char* end = WriteRun(runs, run.height, mark.index - place.first);
  *end++ = RaisedRun(mark.height, 1);
  end = WriteRun(end, run.height, place.first + run.length - mark.index - 1);
  auto bytes = static_cast<size_t>(end - runs);
  if (bytes > run.bytes && text->size() + bytes - run.bytes > max_bytes) {
    return RaiseAsDense(text, mark);
  }
  text->replace(place.at, run.bytes, runs, bytes);
  JoinRuns(text, place.previous_at);
  DropCachedCount(text->data());
  return Change::kRaised;
}

// ---- The estimate ----

using Histogram = std::array<uint32_t, kHeights>;

double Sigma(double x) {
  if (x == 1) return INFINITY;
  double sum = x;
  for (double weight = 1, before = -1; sum != before; weight += weight) {
    x *= x;
    before = sum;
    sum += x * weight;
  }
  return sum;
}

double Tau(double x) {
  if (x == 0 || x == 1) return 0;
  double sum = 1 - x;
  for (double weight = 0.5, before = -1; sum != before; weight *= 0.5) {
    x = std::sqrt(x);
    before = sum;
    sum -= (1 - x) * (1 - x) * weight;
  }
  return sum / 3;
}

uint64_t Estimate(const Histogram& histogram) {
  constexpr double kCount = kRegisters;
  constexpr double kAlpha = 0.721347520444481703680;  // 1 / (2 ln 2)
  double sum = kCount * Tau((kCount - histogram[kMaxHeight]) / kCount);
  for (unsigned height = kMaxHeight - 1; height >= 1; --height) {
    sum = (sum + histogram[height]) * 0.5;
  }
  sum += kCount * Sigma(histogram[0] / kCount);
  double count = kAlpha * kCount * kCount / sum;
  // No set is larger: these are registers that somebody made up.
  constexpr double kMost = 9.2e18;
  return count < kMost ? static_cast<uint64_t>(std::llround(count)) : kOutOfDate;
}

Histogram DenseHistogram(const char* registers) {
  // One for each of four registers, so that counting need not wait for the count before.
  std::array<Histogram, 4> parts{};
  for (size_t four = 0; four < kRegisters / 4; ++four) {
    uint32_t word = LoadFour(registers, four);
    ++parts[0][word & 63];
    ++parts[1][word >> 6 & 63];
    ++parts[2][word >> 12 & 63];
    ++parts[3][word >> 18];
  }
  for (size_t i = 0; i < kHeights; ++i) {
    parts[0][i] += parts[1][i] + parts[2][i] + parts[3][i];
  }
  return parts[0];
}

}  // namespace

Mark MarkOf(std::string_view element) {
  uint64_t hash = Hash(element);
  // A 1 above the last bit ends the search.
  uint64_t rest = hash >> kIndexBits | uint64_t{1} << (kMaxHeight - 1);
  return {static_cast<uint16_t>(hash % kRegisters),
          static_cast<uint8_t>(std::countr_zero(rest) + 1)};
}

std::optional<Encoding> EncodingOf(std::string_view text) {
  if (text.size() < kHeaderBytes || !text.starts_with("HYLL")) return std::nullopt;
  auto encoding = static_cast<uint8_t>(text[kEncodingAt]);
  if (encoding == static_cast<uint8_t>(Encoding::kSparse)) return Encoding::kSparse;
  if (encoding != static_cast<uint8_t>(Encoding::kDense)) return std::nullopt;
  return text.size() == kDenseBytes ? std::optional(Encoding::kDense) : std::nullopt;
}

std::string Empty() {
  std::string text(kHeaderBytes + 2, '\0');
  text.replace(0, 4, "HYLL");
  text[kEncodingAt] = static_cast<char>(Encoding::kSparse);
  WriteZeros(text.data() + kHeaderBytes, kRegisters);
  return text;
}

bool RaiseDense(char* text, Mark mark) {
  char* registers = text + kHeaderBytes;
  size_t four = mark.index / 4;
  unsigned shift = mark.index % 4 * 6;
  uint32_t word = LoadFour(registers, four);
  if ((word >> shift & 63) >= mark.height) return false;
  word &= ~(63u << shift);
  StoreFour(registers, four, word | static_cast<uint32_t>(mark.height) << shift);
  DropCachedCount(text);
  return true;
}

Change Raise(std::string* text, Mark mark, size_t max_sparse_bytes) {
  if (EncodingOf(*text) == Encoding::kSparse) return RaiseSparse(text, mark, max_sparse_bytes);
  return RaiseDense(text->data(), mark) ? Change::kRaised : Change::kNone;
}

void SetRegisters(std::string* text, const Registers& registers) {
  text->resize(kDenseBytes);
  (*text)[kEncodingAt] = static_cast<char>(Encoding::kDense);
  for (size_t four = 0; four < kRegisters / 4; ++four) {
    const uint8_t* from = registers.data() + 4 * four;
    uint32_t word = from[0] | from[1] << 6 | from[2] << 12 | from[3] << 18;
    StoreFour(text->data() + kHeaderBytes, four, word);
  }
}

bool MakeDense(std::string* text) {
  if (EncodingOf(*text) == Encoding::kDense) return true;
  Registers registers{};
  if (!Merge(*text, &registers)) return false;
  SetRegisters(text, registers);
  return true;
}

std::optional<uint64_t> CachedCount(std::string_view text) {
  uint64_t count = Load64(text.data() + kCountAt);
  return count & kOutOfDate ? std::nullopt : std::optional(count);
}

void CacheCount(char* text, uint64_t count) {
  std::memcpy(text + kCountAt, &count, 8);
}

void DropCachedCount(char* text) {
  text[kCountAt + 7] |= static_cast<char>(0x80);
}

std::optional<uint64_t> Count(std::string_view text) {
  if (EncodingOf(text) == Encoding::kDense) {
    return Estimate(DenseHistogram(text.data() + kHeaderBytes));
  }
  Histogram histogram{};
  bool is_whole = ForEachRun(text, [&](size_t, const Run& run) {
    histogram[run.height] += static_cast<uint32_t>(run.length);
  });
  return is_whole ? std::optional(Estimate(histogram)) : std::nullopt;
}

uint64_t Count(const Registers& registers) {
  Histogram histogram{};
  for (uint8_t height : registers) ++histogram[height];
  return Estimate(histogram);
}

bool Merge(std::string_view text, Registers* registers) {
  uint8_t* to = registers->data();
  if (EncodingOf(text) == Encoding::kSparse) {
    return ForEachRun(text, [&](size_t first, const Run& run) {
      auto height = static_cast<uint8_t>(run.height);
      if (height == 0) return;
      for (size_t i = first; i < first + run.length; ++i) to[i] = std::max(to[i], height);
    });
  }
  for (size_t four = 0; four < kRegisters / 4; ++four) {
    uint32_t word = LoadFour(text.data() + kHeaderBytes, four);
    for (size_t i = 0; i < 4; ++i, ++to, word >>= 6) {
      *to = std::max(*to, static_cast<uint8_t>(word & 63));
    }
  }
  return true;
}

std::optional<std::string> Decode(std::string_view text) {
  std::string decoded;
  size_t at = kHeaderBytes;
  while (at < text.size()) {
    Run run = ReadRun(text, at);
    if (run.bytes == 0) return std::nullopt;
    at += run.bytes;
    if (!decoded.empty()) decoded += ' ';
    if (run.height > 0) {
      decoded += "v:" + std::to_string(run.height) + "," + std::to_string(run.length);
    } else {
      decoded += (run.bytes == 2 ? "Z:" : "z:") + std::to_string(run.length);
    }
  }
  return decoded;
}

}  // namespace kiln::hyperloglog
