// The clock of the machine since it was started: nobody sets it, it goes on while the machine
// sleeps, and all processes of the machine read the same. What holds for a while holds by it, also
// where one process grants and another one keeps.
//
// Milliseconds. Any thread; cannot fail.
#pragma once

#include <cstdint>

namespace kiln {

int64_t BootMs();

}  // namespace kiln
