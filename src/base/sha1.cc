#include "base/sha1.h"

#include <openssl/sha.h>

namespace kiln {

Sha1Digest Sha1(std::string_view bytes) {
  Sha1Digest digest;
  ::SHA1(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return digest;
}

Sha1Text HexOf(const Sha1Digest& digest) {
  constexpr char kDigits[] = "0123456789abcdef";
  Sha1Text text;
  for (size_t i = 0; i < digest.size(); ++i) {
    text[2 * i] = kDigits[digest[i] >> 4];
    text[2 * i + 1] = kDigits[digest[i] & 15];
  }
  return text;
}

}  // namespace kiln
