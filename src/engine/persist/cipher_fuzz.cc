// Encrypted files from outside: whatever bytes stand where a header or chunks should, nothing is
// read that was not written, and all is read that comes before the damage.
#include "base/check.h"
#include "engine/persist/cipher_fixture.h"

namespace {

using kiln::Unsealed;

const kiln::AtRestKeys& Keys() {
  static const kiln::AtRestKeys keys = kiln::KeysOf('k');
  return keys;
}

// A log with chunks of several sessions; the input is text, and afterwards what damages it.
void Damage(std::string_view input) {
  std::string file;
  auto log = kiln::CipherLog::Create(*Keys().current, &file);
  std::string text(input.substr(0, input.size() / 2));
  for (size_t at = 0; at < text.size(); at += 5) {
    if (at % 3 == 1) {
      std::string lost;
      log->Append("lost", &lost);
      log->Undo();
    }
    log->Append(std::string_view(text).substr(at, 5), &file);
  }
  std::string damaged = file;
  std::string_view damage = input.substr(input.size() / 2);
  for (; damage.size() >= 3; damage.remove_prefix(3)) {
    size_t at = static_cast<uint8_t>(damage[0]) * size_t{256} + static_cast<uint8_t>(damage[1]);
    damaged[at % damaged.size()] ^= damage[2];
  }
  if (damage.size() == 1) damaged.resize(damaged.size() - static_cast<uint8_t>(damage[0]));
  Unsealed read = kiln::Unseal(damaged, &Keys(), 100, 50);
  KILN_CHECK(text.starts_with(read.text));
  if (damaged == file) KILN_CHECK(read.error.empty() && read.text == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)kiln::Unseal(input, &Keys(), 1000);
  static const std::string sealed = kiln::SealSnapshot("", *Keys().current);
  // Made-up chunks behind a header that is right.
  std::string file = sealed.substr(0, kiln::kCipherHeaderBytes) + std::string(input);
  Unsealed read = kiln::Unseal(file, &Keys());
  KILN_CHECK(read.text.empty());
  if (size >= 4) Damage(input);
  return 0;
}
