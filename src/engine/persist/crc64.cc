#include "engine/persist/crc64.h"

#include <array>
#include <cstring>

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

}  // namespace

uint64_t Crc64(uint64_t crc, std::string_view bytes) {
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

}  // namespace kiln
