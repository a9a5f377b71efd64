// The chunks of an encrypted file: up to 64 KiB each, sealed with AES-256-GCM.
//
//   size and flags (4 bytes)  check (4)  ciphertext (size)  tag (16)
//
// What a tag vouches for beside the text: the file's id, the chunk's number, its size and flags.
// So a chunk that was changed, moved, doubled, left out or taken from another file is found out;
// the flag kFinal tells a whole snapshot from one that was cut off. The check is a hash of size,
// number and file: it tells damage of the size from the end of a log that was cut off.
//
// A nonce is the chunk's number, a key is the session's: each time a file is opened for writing it
// goes on with a session record, a chunk that holds 32 random bytes in the clear. The chunks after
// it are sealed with HMAC-SHA256(data key, these bytes). A number that a session before used for
// something that was not kept is so never used with the same key again.
//
// Not found out: that a whole file, or the end of a log behind a chunk, was put back to what it was
// earlier.
//
// Sources: NIST SP 800-38D (GCM); RFC 2104 (HMAC). Thread safety: none.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/persist/cipher_header.h"

namespace kiln {

inline constexpr size_t kCipherChunkBytes = 64 << 10;  // of text, at most
inline constexpr size_t kChunkHeadBytes = 8;
inline constexpr size_t kChunkTagBytes = 16;
inline constexpr size_t kChunkExtraBytes = kChunkHeadBytes + kChunkTagBytes;
inline constexpr size_t kSessionBytes = kChunkExtraBytes + 32;  // a session record

struct ChunkHead {
  static constexpr uint32_t kFinal = uint32_t{1} << 31;
  static constexpr uint32_t kSession = uint32_t{1} << 30;

  bool IsFinal() const { return (word & kFinal) != 0; }
  bool IsSession() const { return (word & kSession) != 0; }
  size_t size() const { return word & ~(kFinal | kSession); }

  uint32_t word = 0;
  uint32_t check = 0;
};

// Seals, or opens, chunk after chunk.
class ChunkCipher {
 public:
  explicit ChunkCipher(const CipherHeader& header);
  ~ChunkCipher();
  ChunkCipher(const ChunkCipher&) = delete;
  ChunkCipher& operator=(const ChunkCipher&) = delete;

  uint64_t number() const { return number_; }  // of the next chunk
  bool has_session() const { return has_session_; }

  // ---- Sealing: appends to *out ----
  void Begin(std::string* out);  // a session
  void Seal(std::string_view text, bool is_final, std::string* out);
  // The next chunk has this number, and a new session comes before it.
  void GoOnAt(uint64_t number);

  // ---- Opening ----
  // False: the head is damaged.
  bool ReadHead(const char* bytes, ChunkHead* head) const;
  // Decrypts in place what follows the head: size() bytes and the tag. False: it is damaged.
  bool Open(const ChunkHead& head, char* bytes);

 private:
  struct Clear {  // what is authenticated beside the text
    ChunkHead head;
    uint64_t number;
    CipherFileId file_id;
  };

  Clear ClearFor(const ChunkHead& head) const { return {head, number_, file_id_}; }
  uint32_t Check(const ChunkHead& head) const;
  void SetKey(std::string_view salt);
  void SetNonce(bool seals);

  CipherFileId file_id_;
  Secret data_key_;
  EVP_CIPHER_CTX* cipher_;
  uint64_t number_ = 0;
  bool has_session_ = false;
};

}  // namespace kiln
