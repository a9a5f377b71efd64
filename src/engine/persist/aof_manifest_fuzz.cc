// Any bytes as a manifest: refused with a reason, or read and written as the same.

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "engine/persist/aof_manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using kiln::AofManifest;
  AofManifest manifest("appendonly.aof");
  int line = 0;
  if (!manifest.Parse({reinterpret_cast<const char*>(data), size}, &line).empty()) return 0;
  AofManifest again("appendonly.aof");
  std::string text = manifest.Format();
  if (text.empty()) return 0;
  // A quoted name may be longer than a line may be.
  if (again.Parse(text, &line).empty()) KILN_CHECK(again.Format() == text);
  return 0;
}
