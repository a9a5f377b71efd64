#include "engine/persist/payload.h"

#include <endian.h>

#include <cstring>

#include "engine/persist/crc64.h"

namespace kiln {
namespace {

constexpr size_t kVersionBytes = 2;
constexpr size_t kCrcBytes = 8;

}  // namespace

void SealPayload(std::string* bytes, uint16_t version) {
  version = htole16(version);
  bytes->append(reinterpret_cast<const char*>(&version), kVersionBytes);
  uint64_t crc = htole64(Crc64(0, *bytes));
  bytes->append(reinterpret_cast<const char*>(&crc), kCrcBytes);
}

std::optional<OpenedPayload> OpenPayload(std::string_view payload, bool skips_checksum) {
  if (payload.size() < kVersionBytes + kCrcBytes) return std::nullopt;
  std::string_view sealed = payload.substr(0, payload.size() - kCrcBytes);
  std::string_view bytes = sealed.substr(0, sealed.size() - kVersionBytes);
  uint16_t version;
  uint64_t crc;
  std::memcpy(&version, sealed.data() + bytes.size(), kVersionBytes);
  std::memcpy(&crc, payload.data() + sealed.size(), kCrcBytes);
  version = le16toh(version);
  bool is_known = version <= kRdbVersionFieldTimes || version == kRdbVersionValkey;
  bool is_intact = skips_checksum || le64toh(crc) == Crc64(0, sealed);
  if (!is_known || !is_intact) return std::nullopt;
  return OpenedPayload{bytes, version};
}

}  // namespace kiln
