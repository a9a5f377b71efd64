// Keys of files at rest.
//
// What a file holds is encrypted with a data key of its own, drawn when the file is made; the data
// key stands in the file's header, wrapped by a key-encryption key that comes from outside: a file
// of 32 bytes or 64 hexadecimal digits that others may not read, or the output of a command. Keys
// know each other by an id: the first half of a SHA-256 over the key, which tells nothing of it.
//
// Memory that held a key is wiped. Thread safety: none; constant once read. Errors: a text, or
// empty; it never contains a key.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "params/settings.h"

namespace kiln {

// 256 bits that nobody is to see, wiped at the end.
class Secret {
 public:
  static constexpr size_t kBytes = 32;

  Secret() = default;
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret();

  void Draw();  // from the system's generator
  uint8_t* data() { return bytes_.data(); }
  const uint8_t* data() const { return bytes_.data(); }

 private:
  std::array<uint8_t, kBytes> bytes_{};
};

using KeyId = std::array<uint8_t, 16>;
std::string KeyIdText(const KeyId& id);  // its first digits

struct AtRestKey {
  Secret secret;
  KeyId id{};
};

// From 32 bytes, or 64 digits with blanks around them.
[[nodiscard]] std::string ParseAtRestKey(std::string_view text, AtRestKey* key);
[[nodiscard]] std::string ReadAtRestKey(const std::string& path, AtRestKey* key);
// Runs the words of the command, without a shell, and reads the key from what it prints. It has
// half a minute.
[[nodiscard]] std::string RunAtRestKeyCommand(const std::string& command, AtRestKey* key);

struct AtRestKeys {
  std::optional<AtRestKey> current;  // wraps what is written; none: files are written plain
  std::optional<AtRestKey> old;      // of files from before a rotation

  const AtRestKey* Find(const KeyId& id) const;
  bool IsEmpty() const { return !current && !old; }
};

// As the parameters at-rest-key-file, at-rest-key-command and at-rest-old-key-file say.
[[nodiscard]] std::string LoadAtRestKeys(const Settings& settings, AtRestKeys* keys);

}  // namespace kiln
