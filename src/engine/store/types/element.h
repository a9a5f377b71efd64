// Element: what one entry of a compact value is, an integer or a text. A view: valid until its
// owner changes.
//
// Small values keep texts that are canonical integers as integers; a reader that wants text asks
// for it and lends room. Thread safety: a plain value.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/number.h"

namespace kiln {

// Room for the text of any integer.
struct ElementScratch {
  char chars[kMaxInt64Chars];
};

struct Element {
  std::string_view text = {};  // empty when is_int
  int64_t integer = 0;
  bool is_int = false;

  // The result may lie in `scratch`.
  std::string_view ToString(ElementScratch& scratch) const {
    if (!is_int) return text;
    return {scratch.chars, FormatInt64(integer, scratch.chars)};
  }
};

}  // namespace kiln
