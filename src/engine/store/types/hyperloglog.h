// HyperLogLog: estimates how many different elements were added, with a standard error of 0.81 %,
// in at most 12 KiB. The value is an ordinary string in Redis's format, so that GET, SET and dumps
// exchange it.
//
//   bytes 0-3   "HYLL"
//   byte 4      encoding: 0 dense, 1 sparse; bytes 5-7 unused
//   bytes 8-15  the count as last computed, little-endian; its top bit set: out of date
//   then        16,384 registers
//
// An element's hash (MurmurHash64A) gives a register by its lowest 14 bits; the register keeps the
// largest position of the first 1 among the other 50 that any element of it had.
// Dense registers have 6 bits each, the first in the lowest bits of the first byte. Sparse ones are
// runs: 00nnnnnn is n+1 zeros, 01nnnnnn nnnnnnnn the same with 14 bits, 1vvvvvnn is n+1 times v+1.
// A sparse value becomes dense when it would grow beyond a limit, or needs a register above 32.
//
// Source of the format: Redis's hyperloglog.c; of the estimate: O. Ertl, "New cardinality
// estimation algorithms for HyperLogLog sketches" (2017), algorithm 6.
//
// Anybody can SET any string: functions that take a text expect that EncodingOf has accepted it,
// and say so when they find it broken further on. Pure functions; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kiln::hyperloglog {

constexpr size_t kRegisters = 16384;
constexpr size_t kHeaderBytes = 16;
constexpr size_t kDenseBytes = kHeaderBytes + kRegisters * 6 / 8;

enum class Encoding : uint8_t { kDense, kSparse };
enum class Change : uint8_t { kNone, kRaised, kCorrupt };
using Registers = std::array<uint8_t, kRegisters>;

// What an element asks for: that a register be at least so high.
struct Mark {
  uint16_t index;
  uint8_t height;
};
Mark MarkOf(std::string_view element);

// Nothing when the text is no HyperLogLog. The runs of a sparse one are not looked at.
std::optional<Encoding> EncodingOf(std::string_view text);
// One to which nothing was added; sparse.
std::string Empty();

// Raises a register of a dense value in place.
bool RaiseDense(char* text, Mark mark);
// Raises a register of either; a sparse value of more than `max_sparse_bytes` becomes dense.
Change Raise(std::string* text, Mark mark, size_t max_sparse_bytes);
// Makes a value dense, with these registers. The count that it carries stays.
void SetRegisters(std::string* text, const Registers& registers);
// Makes a value dense. False, and nothing changed, when the text is corrupt.
bool MakeDense(std::string* text);

// The count that the text carries, unless it is out of date.
std::optional<uint64_t> CachedCount(std::string_view text);
void CacheCount(char* text, uint64_t count);
void DropCachedCount(char* text);

// Computes the count; nothing when the text is corrupt.
std::optional<uint64_t> Count(std::string_view text);
uint64_t Count(const Registers& registers);
// Raises each register to the text's; false when the text is corrupt.
bool Merge(std::string_view text, Registers* registers);
// The runs of a sparse value as PFDEBUG prints them: "Z:1000 v:2,1 z:19". Nothing when a run is cut
// off.
std::optional<std::string> Decode(std::string_view text);

}  // namespace kiln::hyperloglog
