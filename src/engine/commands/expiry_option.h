// EX, PX, EXAT and PXAT: the ways SET and GETEX say when a key expires.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/commands/call.h"

namespace kiln {

struct ExpiryOption {
  std::string_view word;    // empty when none was given
  std::string_view amount;  // as given, not looked at yet
  bool in_seconds = false;
  bool is_absolute = false;

  bool is_given() const { return !word.empty(); }
};

// Takes such an option with its amount if it comes next. Saying it twice is fine, two different
// ones are a syntax error.
bool TakeExpiry(ArgumentCursor& args, ExpiryOption* option);

// The moment in Unix ms. Nothing when the amount makes no sense; then the client has been told.
std::optional<uint64_t> ExpiryMs(Call& call, const ExpiryOption& option);

}  // namespace kiln
