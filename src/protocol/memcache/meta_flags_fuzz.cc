// Fuzz target: reading flags of meta commands reads nothing beyond their words, and base64 comes
// back as it was.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "protocol/memcache/meta_flags.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using kiln::memcache::DecodeBase64;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> owned;
  size_t at = 0;
  while (at < bytes.size()) {
    size_t end = std::min(bytes.find(' ', at), bytes.size());
    if (end > at) owned.push_back(bytes.substr(at, end - at));
    at = end + 1;
  }
  std::vector<std::string_view> words(owned.begin(), owned.end());
  kiln::memcache::MetaFlags flags;
  kiln::memcache::ReadMetaFlags(words, &flags);

  std::string decoded(size, '\0');
  KILN_CHECK(DecodeBase64(bytes, decoded.data()) <= size);
  std::string text(size / 3 * 4 + 4, '\0');
  text.resize(static_cast<size_t>(kiln::memcache::EncodeBase64(bytes, text.data()) - text.data()));
  std::string again(text.size(), '\0');
  again.resize(DecodeBase64(text, again.data()));
  KILN_CHECK(again == bytes);
  return 0;
}
