// Ends what runs: the one handler of SCRIPT KILL and FUNCTION KILL.
//
// Which of the two may be said while something runs is decided where busy servers answer.
#pragma once

#include "engine/commands/call.h"

namespace kiln {

void KillScript(Call& call);

}  // namespace kiln
