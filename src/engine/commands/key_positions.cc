#include "base/number.h"
#include "engine/commands/command.h"

namespace kiln {

bool KeyPositions(const Command& command, Arguments arguments, std::vector<uint32_t>* positions) {
  const Keys& keys = command.keys;
  if (keys.find != nullptr) return keys.find(arguments, positions);
  if (keys.first == 0) return true;
  auto count = static_cast<int>(arguments.size());
  int last = keys.last < 0 ? count + keys.last : keys.last;
  if (last >= count) return false;
  for (int i = keys.first; i <= last; i += keys.step)
    positions->push_back(static_cast<uint32_t>(i));
  return true;
}

template <int kCountAt>
bool FindCountedKeys(Arguments arguments, std::vector<uint32_t>* positions) {
  if (arguments.size() <= kCountAt) return false;
  auto count = ParseInt64(arguments[kCountAt]);
  if (!count || *count < 0 || static_cast<uint64_t>(*count) > arguments.size() - kCountAt - 1) {
    return false;
  }
  for (int64_t i = 0; i < *count; ++i) {
    positions->push_back(static_cast<uint32_t>(kCountAt + 1 + i));
  }
  return true;
}

template bool FindCountedKeys<1>(Arguments, std::vector<uint32_t>*);
template bool FindCountedKeys<2>(Arguments, std::vector<uint32_t>*);
template bool FindCountedKeys<3>(Arguments, std::vector<uint32_t>*);

}  // namespace kiln
