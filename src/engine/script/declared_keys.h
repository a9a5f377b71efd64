// Tells from a script's text that it keeps to the keys it declares, and soon ends.
//
// Such a script needs no more than the locks of its keys; every other runs alone in the process. It
// cannot be found out in mid-run instead: a script that has written and wants a further key can
// neither wait for it (two such could wait for each other) nor begin anew (there is no way back).
// So what is not proven here before the first run does not count, and the proof is simple on
// purpose:
//
//   - `redis` appears as redis.call(...), redis.pcall(...) or another field that is only read or
//     called; the command is a plain string and has its keys at fixed places.
//   - What stands at those places is KEYS[...], or a local variable that is only ever bound to
//     KEYS[...], or by a loop over KEYS.
//   - Neither ARGV nor `redis` is assigned, nor a field of `redis`.
//   - KEYS appears as KEYS[...] that is not assigned to, #KEYS, unpack(KEYS) or ipairs(KEYS) of a
//     loop, so it holds what the request gave.
//   - There are no functions and no loops but those over KEYS or ARGV, or with a small literal
//     bound, one within none other. So the run is as short as the text and the arguments are long.
//   - Nothing that compiles text or reaches the globals by another way is named.
//
// The same proof lets such a script have KEYS, ARGV and `redis` as plain globals, without the
// guards that others need (sandbox.h).
//
// The dispatcher checks each key all the same; a hole here would be an error reply, not a race.
//
// Thread safety: pure.
#pragma once

#include <string_view>

#include "engine/commands/command_table.h"

namespace kiln {

bool KeepsToDeclaredKeys(std::string_view code, const CommandTable& commands);

}  // namespace kiln
