// What tests of encrypted files start from: keys, and files in memory.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/random.h"
#include "engine/persist/cipher_file.h"
#include "engine/persist/cipher_log.h"

namespace kiln {

inline AtRestKey KeyOf(char letter) {
  AtRestKey key;
  (void)ParseAtRestKey(std::string(Secret::kBytes, letter), &key);
  return key;
}

inline AtRestKeys KeysOf(char letter) {
  return {.current = KeyOf(letter), .old = {}};
}

inline std::string RandomText(Random& random, size_t bytes) {
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random.Next());
  return text;
}

class TextSink final : public ByteSink {
 public:
  std::string Write(std::string_view bytes) override {
    text += bytes;
    return {};
  }
  std::string text;
};

// Gives at most `step` bytes at a time.
class TextSource final : public ByteSource {
 public:
  explicit TextSource(std::string_view text, size_t step = SIZE_MAX)
      : rest_(text), step_(step), total_bytes_(text.size()) {}
  std::string Read(char* to, size_t bytes, size_t* got) override {
    *got = rest_.copy(to, std::min(bytes, step_));
    rest_.remove_prefix(*got);
    return {};
  }
  uint64_t total_bytes() const override { return total_bytes_; }

 private:
  std::string_view rest_;
  size_t step_;
  uint64_t total_bytes_;
};

inline std::string SealSnapshot(std::string_view text, const AtRestKey& key) {
  TextSink file;
  CipherSink sink(file, key);
  (void)sink.Write(text);
  (void)sink.Finish();
  return file.text;
}

// What can be read of a file, and how that ended.
struct Unsealed {
  std::string text;
  std::string error;
  uint64_t total_bytes = 0;
  uint64_t whole_bytes = 0;
  uint64_t cut_bytes = 0;
};

inline Unsealed Unseal(std::string_view file, const AtRestKeys* keys, size_t step = SIZE_MAX,
                       size_t piece = 100'000) {
  TextSource bytes(file, step);
  CipherSource source(bytes, keys);
  Unsealed result;
  result.error = source.Open();
  std::string buffer(piece, '\0');
  size_t got = 1;
  while (result.error.empty() && got > 0) {
    result.error = source.Read(buffer.data(), buffer.size(), &got);
    result.text.append(buffer, 0, got);
  }
  result.total_bytes = source.total_bytes();
  result.whole_bytes = source.whole_bytes();
  result.cut_bytes = source.cut_bytes();
  return result;
}

}  // namespace kiln
