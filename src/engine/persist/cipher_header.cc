#include "engine/persist/cipher_header.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "base/check.h"

namespace kiln {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "KILNSEC1";

struct Slot {
  char magic[8];
  CipherKind kind;
  uint8_t zero[3];
  CipherFileId file_id;
  KeyId key_id;
  uint8_t nonce[12];  // what stands before it is authenticated
  uint8_t wrapped[Secret::kBytes];
  uint8_t tag[16];
};
static_assert(sizeof(Slot) == 104 && alignof(Slot) == 1);

constexpr int kClearBytes = offsetof(Slot, nonce);

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* cipher) const { EVP_CIPHER_CTX_free(cipher); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

const uint8_t* Clear(const Slot& slot) {
  return reinterpret_cast<const uint8_t*>(&slot);
}

Slot Wrap(const CipherHeader& header, const AtRestKey& key) {
  Slot slot{};
  std::copy(kMagic.begin(), kMagic.end(), slot.magic);
  slot.kind = header.kind;
  slot.file_id = header.file_id;
  slot.key_id = key.id;
  KILN_CHECK(RAND_bytes(slot.nonce, sizeof(slot.nonce)) == 1);
  Cipher cipher(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX* ctx = cipher.get();
  int size = 0;
  bool done =
      EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), nullptr, key.secret.data(), slot.nonce) == 1 &&
      EVP_EncryptUpdate(ctx, nullptr, &size, Clear(slot), kClearBytes) == 1 &&
      EVP_EncryptUpdate(ctx, slot.wrapped, &size, header.data_key.data(), Secret::kBytes) == 1 &&
      EVP_EncryptFinal_ex(ctx, slot.wrapped + size, &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, sizeof(slot.tag), slot.tag) == 1;
  KILN_CHECK(done);
  return slot;
}

bool Unwrap(Slot slot, const AtRestKey& key, CipherHeader* header) {
  Cipher cipher(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX* ctx = cipher.get();
  int size = 0;
  Secret data_key;
  bool done =
      EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), nullptr, key.secret.data(), slot.nonce) == 1 &&
      EVP_DecryptUpdate(ctx, nullptr, &size, Clear(slot), kClearBytes) == 1 &&
      EVP_DecryptUpdate(ctx, data_key.data(), &size, slot.wrapped, sizeof(slot.wrapped)) == 1 &&
      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, sizeof(slot.tag), slot.tag) == 1 &&
      EVP_DecryptFinal_ex(ctx, data_key.data() + size, &size) == 1;
  bool is_known = slot.kind == CipherKind::kSnapshot || slot.kind == CipherKind::kLog;
  if (!done || !is_known) return false;
  *header = {slot.kind, slot.file_id, slot.key_id, data_key};
  return true;
}

// The slot at 0 or 1, if it looks like one.
std::optional<Slot> SlotAt(std::string_view bytes, size_t index) {
  if (bytes.size() < index * kCipherSlotBytes + sizeof(Slot)) return std::nullopt;
  Slot slot;
  std::memcpy(&slot, bytes.data() + index * kCipherSlotBytes, sizeof(slot));
  if (std::string_view(slot.magic, sizeof(slot.magic)) != kMagic) return std::nullopt;
  return slot;
}

std::string Padded(const Slot& slot) {
  std::string bytes(reinterpret_cast<const char*>(&slot), sizeof(slot));
  bytes.resize(kCipherSlotBytes);
  return bytes;
}

class OpenFile {
 public:
  OpenFile(const std::string& path, int flags) : fd_(open(path.c_str(), flags | O_CLOEXEC)) {}
  ~OpenFile() {
    if (fd_ >= 0) close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  bool is_open() const { return fd_ >= 0; }
  std::string Read(size_t bytes) const {
    std::string text(bytes, '\0');
    ssize_t got = pread(fd_, text.data(), bytes, 0);
    text.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return text;
  }
  bool Replace(std::string_view bytes, size_t at) const {
    ssize_t put = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (put >= 0 && static_cast<size_t>(put) != bytes.size()) errno = ENOSPC;
    return put == static_cast<ssize_t>(bytes.size()) && fsync(fd_) == 0;
  }

 private:
  int fd_;
};

}  // namespace

CipherHeader NewCipherHeader(CipherKind kind) {
  CipherHeader header;
  header.kind = kind;
  KILN_CHECK(RAND_bytes(header.file_id.data(), static_cast<int>(header.file_id.size())) == 1);
  header.data_key.Draw();
  return header;
}

std::string WrapCipherHeader(const CipherHeader& header, const AtRestKey& key) {
  return Padded(Wrap(header, key)) + Padded(Wrap(header, key));
}

std::string UnwrapCipherHeader(std::string_view bytes, const AtRestKeys* keys,
                               CipherHeader* header) {
  std::string unknown;
  bool is_cipher_file = false;
  for (size_t index = 0; index < 2; ++index) {
    std::optional<Slot> slot = SlotAt(bytes, index);
    if (!slot) continue;
    is_cipher_file = true;
    const AtRestKey* key = keys == nullptr ? nullptr : keys->Find(slot->key_id);
    if (key != nullptr && Unwrap(*slot, *key, header)) return {};
    if (key == nullptr && unknown.empty()) unknown = KeyIdText(slot->key_id);
  }
  if (!is_cipher_file) return "The header of an encrypted file is not there";
  if (unknown.empty()) return "The header of the encrypted file is damaged";
  if (keys == nullptr || keys->IsEmpty()) {
    return fmt::format(
        "The file is encrypted with the key {}, and no key was given (parameters at-rest-key-file "
        "and at-rest-key-command)",
        unknown);
  }
  const AtRestKey& given = keys->current ? *keys->current : *keys->old;
  return fmt::format("Wrong key: the file is encrypted with the key {}, and the one given is {}",
                     unknown, KeyIdText(given.id));
}

bool IsCipherFile(const std::string& path) {
  OpenFile file(path, O_RDONLY);
  if (!file.is_open()) return false;
  std::string bytes = file.Read(kCipherHeaderBytes);
  return std::string_view(bytes).starts_with(kMagic) || SlotAt(bytes, 1).has_value();
}

std::string RewrapCipherFile(const std::string& path, const AtRestKey& old_key,
                             const AtRestKey& new_key) {
  OpenFile file(path, O_RDWR);
  if (!file.is_open()) return fmt::format("Can't open {}: {}", path, std::strerror(errno));
  std::string bytes = file.Read(kCipherHeaderBytes);
  AtRestKeys keys{.current = new_key, .old = old_key};
  CipherHeader header;
  if (std::string error = UnwrapCipherHeader(bytes, &keys, &header); !error.empty()) return error;
  // What must stay readable until the other copy is there comes last.
  enum State { kDamaged, kOld, kNew } states[2];
  for (size_t index = 0; index < 2; ++index) {
    std::optional<Slot> slot = SlotAt(bytes, index);
    CipherHeader copy;
    const AtRestKey* key = slot ? keys.Find(slot->key_id) : nullptr;
    bool is_whole = key != nullptr && Unwrap(*slot, *key, &copy) && copy.file_id == header.file_id;
    states[index] = !is_whole ? kDamaged : copy.key_id == new_key.id ? kNew : kOld;
  }
  size_t first = states[0] == kDamaged ? 0 : 1;
  for (size_t index : {first, 1 - first}) {
    if (states[index] == kNew) continue;
    if (!file.Replace(Padded(Wrap(header, new_key)), index * kCipherSlotBytes))
      return fmt::format("Can't write the header of {}: {}", path, std::strerror(errno));
  }
  return {};
}

}  // namespace kiln
