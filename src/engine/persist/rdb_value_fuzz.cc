// RESTORE's payload: made-up bytes must be refused, or become a value that can be written again.
#include "engine/persist/rdb_value.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kiln::Settings settings;
  kiln::RdbInput in(std::string_view(reinterpret_cast<const char*>(data), size));
  kiln::RdbValue value = kiln::ReadRdbValue(in, settings);
  if (auto* list = std::get_if<std::unique_ptr<kiln::List>>(&value);
      list != nullptr && *list != nullptr && !in.is_broken()) {
    if ((*list)->size() == 0) __builtin_trap();
  }
  return 0;
}
