// RESTORE's payload: made-up bytes must be refused, or become a value whose parts
// agree with each other.
#include "engine/persist/rdb_value.h"

namespace {

// A hash finds each of its fields, with its time, and those that are due when time has run out.
void CheckHash(const kiln::Hash& hash) {
  if (hash.empty()) __builtin_trap();
  size_t timed = 0;
  hash.ForEachWithExpiry([&](std::string_view field, std::string_view value, uint64_t when_ms) {
    if (when_ms != hash.FieldExpiryMs(field) || when_ms < hash.SoonestExpiryMs()) __builtin_trap();
    kiln::ElementScratch scratch;
    if (hash.Get(field, scratch) != value) __builtin_trap();
    timed += when_ms != kiln::Hash::kNoFieldExpiry;
  });
  kiln::Hash copy = hash.Clone();
  if (copy.RemoveDue(kiln::Hash::kNoFieldExpiry - 1, SIZE_MAX) != timed) __builtin_trap();
  if (copy.size() + timed != hash.size()) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kiln::Settings settings;
  if (size == 0) return 0;
  // The first byte says which format's bytes these are.
  constexpr uint16_t kVersions[] = {kiln::kRdbVersion, kiln::kRdbVersionFieldTimes,
                                    kiln::kRdbVersionValkey};
  std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  kiln::RdbInput in(bytes, kVersions[data[0] % std::size(kVersions)]);
  kiln::RdbValue value = kiln::ReadRdbValue(in, settings);
  if (in.is_broken() || in.is_empty()) return 0;
  if (auto* list = std::get_if<std::unique_ptr<kiln::List>>(&value)) {
    if ((*list)->size() == 0) __builtin_trap();
  }
  if (auto* hash = std::get_if<std::unique_ptr<kiln::Hash>>(&value)) CheckHash(**hash);
  return 0;
}
