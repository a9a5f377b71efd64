#include "engine/persist/crc64.h"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace kiln {
namespace {

constexpr uint64_t kPolynomial = 0x95ac9329ac4bc9b5;  // 0xad93d23594c935a9, bits reversed.

// tables[k][b]: what byte b does to the CRC when k more bytes follow it.
constexpr std::array<std::array<uint64_t, 256>, 8> MakeTables() {
  std::array<std::array<uint64_t, 256>, 8> tables{};
  for (uint64_t byte = 0; byte < 256; ++byte) {
    uint64_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ kPolynomial : crc >> 1;
    tables[0][byte] = crc;
  }
  for (size_t more = 1; more < 8; ++more) {
    for (size_t byte = 0; byte < 256; ++byte) {
      uint64_t crc = tables[more - 1][byte];
      tables[more][byte] = tables[0][crc & 255] ^ crc >> 8;
    }
  }
  return tables;
}

constexpr auto kTables = MakeTables();

#if defined(__x86_64__)

// x^n modulo the polynomial, bits reversed: the top bit is x^0.
constexpr uint64_t PowerOfX(unsigned n) {
  uint64_t power = uint64_t{1} << 63;
  for (unsigned i = 0; i < n; ++i) power = power & 1 ? power >> 1 ^ kPolynomial : power >> 1;
  return power;
}

// 16 bytes stand for a polynomial whose first 8 bytes have the higher powers. To move them on by n
// bits, the halves are multiplied by x^(n + 64) and x^n; a product of reversed numbers is one bit
// short, hence the ones less.
constexpr uint64_t HighFactor(unsigned bits) {
  return PowerOfX(bits + 63);
}
constexpr uint64_t LowFactor(unsigned bits) {
  return PowerOfX(bits - 1);
}

constexpr size_t kLane = sizeof(__m128i);
constexpr size_t kStride = 4 * kLane;

[[gnu::target("pclmul,sse4.1")]] inline __m128i Load(const char* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

[[gnu::target("pclmul,sse4.1")]] inline __m128i Fold(__m128i lane, __m128i factors, __m128i next) {
  __m128i high = _mm_clmulepi64_si128(lane, factors, 0x00);
  __m128i low = _mm_clmulepi64_si128(lane, factors, 0x11);
  return _mm_xor_si128(_mm_xor_si128(high, low), next);
}

[[gnu::target("pclmul,sse4.1")]] inline __m128i Factors(uint64_t high, uint64_t low) {
  return _mm_set_epi64x(static_cast<int64_t>(low), static_cast<int64_t>(high));
}

// For at least kStride bytes. Four lanes run beside each other, then become one.
[[gnu::target("pclmul,sse4.1")]] uint64_t FoldAll(uint64_t crc, std::string_view bytes) {
  const __m128i far = Factors(HighFactor(512), LowFactor(512));
  const __m128i near = Factors(HighFactor(128), LowFactor(128));
  const char* at = bytes.data();
  const char* end = at + bytes.size();
  __m128i lanes[4];
  for (size_t i = 0; i < 4; ++i) lanes[i] = Load(at + i * kLane);
  lanes[0] = _mm_xor_si128(lanes[0], _mm_set_epi64x(0, static_cast<int64_t>(crc)));
  for (at += kStride; end - at >= static_cast<std::ptrdiff_t>(kStride); at += kStride) {
    for (size_t i = 0; i < 4; ++i) lanes[i] = Fold(lanes[i], far, Load(at + i * kLane));
  }
  __m128i one = lanes[0];
  for (size_t i = 1; i < 4; ++i) one = Fold(one, near, lanes[i]);
  for (; end - at >= static_cast<std::ptrdiff_t>(kLane); at += kLane)
    one = Fold(one, near, Load(at));
  char rest[kLane];
  std::memcpy(rest, &one, kLane);
  crc = Crc64ByTables(0, {rest, kLane});
  return Crc64ByTables(crc, {at, static_cast<size_t>(end - at)});
}

const bool kHasMultiplication =
    __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");

#endif

}  // namespace

uint64_t Crc64ByTables(uint64_t crc, std::string_view bytes) {
  while (bytes.size() >= 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), 8);
    crc ^= word;
    uint64_t next = 0;
    for (size_t i = 0; i < 8; ++i) next ^= kTables[7 - i][crc >> 8 * i & 255];
    crc = next;
    bytes.remove_prefix(8);
  }
  for (char c : bytes) crc = kTables[0][(crc ^ static_cast<uint8_t>(c)) & 255] ^ crc >> 8;
  return crc;
}

uint64_t Crc64(uint64_t crc, std::string_view bytes) {
#if defined(__x86_64__)
  if (bytes.size() >= kStride && kHasMultiplication) return FoldAll(crc, bytes);
#endif
  return Crc64ByTables(crc, bytes);
}

}  // namespace kiln
