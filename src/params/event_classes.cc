#include "params/event_classes.h"

namespace kiln {
namespace {

struct Letter {
  char letter;
  uint32_t classes;
};

// In the order of printing.
constexpr Letter kLetters[] = {
    {'A', kEventAll},      {'g', kEventGeneric},  {'$', kEventString},    {'l', kEventList},
    {'s', kEventSet},      {'h', kEventHash},     {'z', kEventSortedSet}, {'x', kEventExpired},
    {'e', kEventEvicted},  {'t', kEventStream},   {'d', kEventModule},    {'n', kEventNew},
    {'K', kEventKeyspace}, {'E', kEventKeyevent}, {'m', kEventKeyMiss},
};

}  // namespace

std::optional<uint32_t> ParseEventClasses(std::string_view letters) {
  uint32_t classes = 0;
  for (char c : letters) {
    uint32_t found = 0;
    for (const Letter& row : kLetters) {
      if (row.letter == c) found = row.classes;
    }
    if (found == 0) return std::nullopt;
    classes |= found;
  }
  return classes;
}

std::string FormatEventClasses(uint32_t classes) {
  std::string letters;
  for (const Letter& row : kLetters) {
    if ((classes & row.classes) != row.classes) continue;
    letters += row.letter;
    classes &= ~row.classes;  // The letters of A are not repeated.
  }
  return letters;
}

}  // namespace kiln
