// Fuzzes the one place where listpack bytes come from outside: what passes Validate must be safe to
// read and change.
#include "base/check.h"
#include "engine/store/types/listpack.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using kiln::Listpack;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::optional<Listpack> listpack = Listpack::FromBytes(bytes);
  KILN_CHECK(listpack.has_value() == Listpack::Validate(bytes));
  if (!listpack) return 0;
  size_t count = 0;
  size_t text_bytes = 0;
  kiln::ElementScratch scratch;
  for (uint32_t pos = listpack->First(); pos != Listpack::kNone; pos = listpack->Next(pos)) {
    text_bytes += listpack->Get(pos).ToString(scratch).size();
    ++count;
  }
  KILN_CHECK(count == listpack->size() && text_bytes <= 21 * size);
  for (uint32_t pos = listpack->Last(); pos != Listpack::kNone; pos = listpack->Prev(pos)) --count;
  KILN_CHECK(count == 0);
  listpack->PushFront("front");
  listpack->PushBack("-70000");
  KILN_CHECK(listpack->Find("-70000") != Listpack::kNone);
  while (!listpack->empty()) listpack->Erase(listpack->Seek(-1));
  return 0;
}
