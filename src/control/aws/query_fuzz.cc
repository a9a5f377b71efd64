// Fuzz target: decoding a form reads nothing beyond it, and what comes out is UTF-8 and within the
// limit.

#include <cstdint>

#include "base/check.h"
#include "control/aws/query.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  kiln::Arguments::Fields fields;
  if (kiln::DecodeForm(text, &fields)) return 0;
  KILN_CHECK(fields.size() <= kiln::kMaxFormFields);
  for (const auto& [name, value] : fields) {
    KILN_CHECK(!name.empty() && kiln::IsUtf8(name) && kiln::IsUtf8(value));
  }
  kiln::Arguments args(std::move(fields));
  for (kiln::Arguments& item : args.Structures("Tags", "Tag")) item.Required("Key");
  args.List("Ids", "Id");
  args.Time("StartTime");
  return 0;
}
