// Fuzzes strings taken as HyperLogLogs: whatever was SET, reading and raising must stay inside the
// string, and what is corrupt must be told from what is not.
#include "base/check.h"
#include "engine/store/types/hyperloglog.h"

namespace {

namespace hyperloglog = kiln::hyperloglog;
using hyperloglog::Change;
using hyperloglog::Mark;

// The whole input, or a well-formed header with the input behind it.
std::string Text(std::string_view input) {
  if (hyperloglog::EncodingOf(input)) return std::string(input);
  std::string text = hyperloglog::Empty().substr(0, hyperloglog::kHeaderBytes) + std::string(input);
  if (!input.empty() && input[0] == 'D') {
    text[4] = 0;
    text.resize(hyperloglog::kDenseBytes, input.back());
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text = Text({reinterpret_cast<const char*>(data), size});
  hyperloglog::CachedCount(text);
  hyperloglog::Decode(text);
  std::optional<uint64_t> count = hyperloglog::Count(text);
  hyperloglog::Registers registers{};
  bool is_whole = hyperloglog::Merge(text, &registers);
  KILN_CHECK(is_whole == count.has_value());
  if (is_whole) KILN_CHECK(hyperloglog::Count(registers) == *count);
  std::string dense = text;
  KILN_CHECK(hyperloglog::MakeDense(&dense) == is_whole);
  if (is_whole) KILN_CHECK(hyperloglog::Count(dense) == count);

  size_t max_sparse_bytes = size > 0 ? data[0] * size_t{16} : 0;
  for (size_t i = 0; i + 2 < size && i < 60; i += 3) {
    Mark mark{static_cast<uint16_t>((data[i] << 8 | data[i + 1]) % hyperloglog::kRegisters),
              static_cast<uint8_t>(data[i + 2] % 51 + 1)};
    Change change = hyperloglog::Raise(&text, mark, max_sparse_bytes);
    KILN_CHECK(hyperloglog::EncodingOf(text).has_value());
    if (!is_whole) continue;
    KILN_CHECK(change != Change::kCorrupt);
    KILN_CHECK((change == Change::kRaised) == hyperloglog::RaiseDense(dense.data(), mark));
    KILN_CHECK(hyperloglog::Raise(&text, mark, max_sparse_bytes) == Change::kNone);
  }
  if (is_whole) KILN_CHECK(hyperloglog::Count(text) == hyperloglog::Count(dense));
  return 0;
}
