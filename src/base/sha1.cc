#include "base/sha1.h"

#include <bit>
#include <cstring>

namespace kiln {
namespace {

constexpr size_t kBlockBytes = 64;

uint32_t LoadBigEndian(const uint8_t* from) {
  uint32_t word;
  std::memcpy(&word, from, sizeof(word));
  return __builtin_bswap32(word);
}

void AddBlock(const uint8_t* block, uint32_t (&state)[5]) {
  uint32_t w[80];
  for (int i = 0; i < 16; ++i) w[i] = LoadBigEndian(block + 4 * i);
  for (int i = 16; i < 80; ++i) w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  auto [a, b, c, d, e] = state;
  for (int i = 0; i < 80; ++i) {
    uint32_t f, k;
    if (i < 20) {
      f = (b & c) | (~b & d), k = 0x5a827999;
    } else if (i < 40) {
      f = b ^ c ^ d, k = 0x6ed9eba1;
    } else if (i < 60) {
      f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
    } else {
      f = b ^ c ^ d, k = 0xca62c1d6;
    }
    uint32_t next = std::rotl(a, 5) + f + e + k + w[i];
    e = d, d = c, c = std::rotl(b, 30), b = a, a = next;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

}  // namespace

Sha1Digest Sha1(std::string_view bytes) {
  uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  const auto* at = reinterpret_cast<const uint8_t*>(bytes.data());
  size_t left = bytes.size();
  for (; left >= kBlockBytes; left -= kBlockBytes, at += kBlockBytes) AddBlock(at, state);

  // What is left, a one bit, zeros, and the length in bits fill one more block or two.
  uint8_t tail[2 * kBlockBytes] = {};
  if (left > 0) std::memcpy(tail, at, left);
  tail[left] = 0x80;
  size_t tail_bytes = left + 9 <= kBlockBytes ? kBlockBytes : 2 * kBlockBytes;
  uint64_t bits = __builtin_bswap64(uint64_t{bytes.size()} * 8);
  std::memcpy(tail + tail_bytes - 8, &bits, 8);
  for (size_t i = 0; i < tail_bytes; i += kBlockBytes) AddBlock(tail + i, state);

  Sha1Digest digest;
  for (size_t i = 0; i < 5; ++i) {
    uint32_t word = __builtin_bswap32(state[i]);
    std::memcpy(&digest[4 * i], &word, 4);
  }
  return digest;
}

std::string HexOf(const Sha1Digest& digest) {
  std::string text;
  for (uint8_t byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

}  // namespace kiln
