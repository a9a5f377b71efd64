// The header of an encrypted file: two equal copies of whose file it is, and of its data key,
// wrapped.
//
// A copy fills a slot of 4096 bytes; numbers are little endian, the rest of the slot is zero:
//
//   "KILNSEC1"  kind (1 byte)  zero (3)  file id (16)  key id (16)     told in the clear,
//   nonce (12)  data key, wrapped with AES-256-GCM (32)  tag (16)      and authenticated
//
// Rotation changes the slots one after the other, each synced before the next: whenever it stops,
// one copy is whole and opens with the new key or the old one. As long as one copy is whole the
// file can be read.
//
// Thread safety: none. Errors: a text, or empty.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/persist/cipher_key.h"

namespace kiln {

inline constexpr size_t kCipherSlotBytes = 4096;
inline constexpr size_t kCipherHeaderBytes = 2 * kCipherSlotBytes;

enum class CipherKind : uint8_t {
  kSnapshot = 1,  // has an end, without which it is no whole file
  kLog = 2,       // may end behind any chunk
};

using CipherFileId = std::array<uint8_t, 16>;

struct CipherHeader {
  CipherKind kind = CipherKind::kSnapshot;
  CipherFileId file_id{};
  KeyId key_id{};  // of the key that the data key is wrapped with
  Secret data_key;
};

// With a new id and a new data key.
CipherHeader NewCipherHeader(CipherKind kind);
// Both slots.
std::string WrapCipherHeader(const CipherHeader& header, const AtRestKey& key);
// From both slots. `keys` may be null: there are none.
[[nodiscard]] std::string UnwrapCipherHeader(std::string_view bytes, const AtRestKeys* keys,
                                             CipherHeader* header);

// False also when the file can't be read.
bool IsCipherFile(const std::string& path);

// Changes the key that the file's data key is wrapped with; nothing else is written. Fine when that
// has been done before, by half or entirely.
[[nodiscard]] std::string RewrapCipherFile(const std::string& path, const AtRestKey& old_key,
                                           const AtRestKey& new_key);

}  // namespace kiln
