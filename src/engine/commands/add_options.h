// The words before what ZADD and GEOADD add.
#pragma once

#include "engine/commands/argument_cursor.h"

namespace kiln {

struct AddOptions {
  bool only_new = false;        // NX
  bool only_present = false;    // XX
  bool only_greater = false;    // GT
  bool only_less = false;       // LT
  bool increments = false;      // INCR
  bool counts_changed = false;  // CH

  bool AreConditional() const {
    return only_new || only_present || only_greater || only_less || increments;
  }
};

enum class AddWords : uint8_t {
  kAll,
  kOfPlaces,  // GEOADD's: NX, XX and CH
};

// Takes the words up to the first that is none of them. Whether they agree is the caller's concern.
AddOptions TakeAddOptions(ArgumentCursor& args, AddWords words);

}  // namespace kiln
