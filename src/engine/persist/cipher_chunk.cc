#include "engine/persist/cipher_chunk.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <cstring>

#include "base/check.h"
#include "base/hash.h"

namespace kiln {
namespace {

constexpr size_t kSaltBytes = kSessionBytes - kChunkExtraBytes;

const uint8_t* Bytes(const void* from) {
  return static_cast<const uint8_t*>(from);
}

uint8_t* Bytes(void* from) {
  return static_cast<uint8_t*>(from);
}

}  // namespace

ChunkCipher::ChunkCipher(const CipherHeader& header)
    : file_id_(header.file_id), data_key_(header.data_key), cipher_(EVP_CIPHER_CTX_new()) {
  KILN_CHECK(cipher_ != nullptr);
}

ChunkCipher::~ChunkCipher() {
  EVP_CIPHER_CTX_free(cipher_);  // wipes the key too
}

uint32_t ChunkCipher::Check(const ChunkHead& head) const {
  Clear clear = ClearFor({head.word, 0});
  return static_cast<uint32_t>(XXH3_64bits(&clear, sizeof(clear)));
}

void ChunkCipher::SetKey(std::string_view salt) {
  Secret key;
  unsigned size = 0;
  KILN_CHECK(HMAC(EVP_sha256(), data_key_.data(), Secret::kBytes, Bytes(salt.data()), salt.size(),
                  key.data(), &size) != nullptr &&
             size == Secret::kBytes);
  KILN_CHECK(EVP_CipherInit_ex(cipher_, EVP_aes_256_gcm(), nullptr, key.data(), nullptr, 1) == 1);
  has_session_ = true;
}

void ChunkCipher::SetNonce(bool seals) {
  uint8_t nonce[12] = {};
  std::memcpy(nonce, &number_, sizeof(number_));
  KILN_CHECK(EVP_CipherInit_ex(cipher_, nullptr, nullptr, nullptr, nonce, seals ? 1 : 0) == 1);
}

void ChunkCipher::Begin(std::string* out) {
  char salt[kSaltBytes];
  KILN_CHECK(RAND_bytes(Bytes(salt), sizeof(salt)) == 1);
  SetKey({salt, sizeof(salt)});
  ChunkHead head{static_cast<uint32_t>(kSaltBytes) | ChunkHead::kSession, 0};
  head.check = Check(head);
  Clear clear = ClearFor(head);
  SetNonce(true);
  uint8_t tag[kChunkTagBytes];
  int size = 0;
  bool done = EVP_EncryptUpdate(cipher_, nullptr, &size, Bytes(&clear), sizeof(clear)) == 1 &&
              EVP_EncryptFinal_ex(cipher_, tag, &size) == 1 &&
              EVP_CIPHER_CTX_ctrl(cipher_, EVP_CTRL_GCM_GET_TAG, sizeof(tag), tag) == 1;
  KILN_CHECK(done);
  out->append(reinterpret_cast<const char*>(&head), sizeof(head));
  out->append(salt, sizeof(salt));
  out->append(reinterpret_cast<const char*>(tag), sizeof(tag));
  ++number_;
}

void ChunkCipher::Seal(std::string_view text, bool is_final, std::string* out) {
  KILN_CHECK(has_session_ && text.size() <= kCipherChunkBytes);
  ChunkHead head{static_cast<uint32_t>(text.size()) | (is_final ? ChunkHead::kFinal : 0), 0};
  head.check = Check(head);
  Clear clear = ClearFor(head);
  out->append(reinterpret_cast<const char*>(&head), sizeof(head));
  size_t start = out->size();
  out->resize(start + text.size() + kChunkTagBytes);
  uint8_t* body = Bytes(out->data() + start);
  SetNonce(true);
  int size = 0;
  bool done =
      EVP_EncryptUpdate(cipher_, nullptr, &size, Bytes(&clear), sizeof(clear)) == 1 &&
      (text.empty() || EVP_EncryptUpdate(cipher_, body, &size, Bytes(text.data()),
                                         static_cast<int>(text.size())) == 1) &&
      EVP_EncryptFinal_ex(cipher_, body + text.size(), &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher_, EVP_CTRL_GCM_GET_TAG, kChunkTagBytes, body + text.size()) == 1;
  KILN_CHECK(done);
  ++number_;
}

void ChunkCipher::GoOnAt(uint64_t number) {
  number_ = number;
  has_session_ = false;
}

bool ChunkCipher::ReadHead(const char* bytes, ChunkHead* head) const {
  std::memcpy(head, bytes, sizeof(*head));
  if (head->check != Check(*head) || head->size() > kCipherChunkBytes) return false;
  return head->IsSession() ? head->size() == kSaltBytes && !head->IsFinal() : true;
}

bool ChunkCipher::Open(const ChunkHead& head, char* bytes) {
  if (head.IsSession()) {
    SetKey({bytes, kSaltBytes});
  } else if (!has_session_) {
    return false;
  }
  Clear clear = ClearFor(head);
  SetNonce(false);
  int size = 0;
  uint8_t* body = Bytes(bytes);
  bool has_text = head.size() > 0 && !head.IsSession();
  uint8_t* tag = body + head.size();
  uint8_t none[16];
  bool is_right = EVP_DecryptUpdate(cipher_, nullptr, &size, Bytes(&clear), sizeof(clear)) == 1 &&
                  (!has_text || EVP_DecryptUpdate(cipher_, body, &size, body,
                                                  static_cast<int>(head.size())) == 1) &&
                  EVP_CIPHER_CTX_ctrl(cipher_, EVP_CTRL_GCM_SET_TAG, kChunkTagBytes, tag) == 1 &&
                  EVP_DecryptFinal_ex(cipher_, none, &size) == 1;
  if (is_right) ++number_;
  return is_right;
}

}  // namespace kiln
