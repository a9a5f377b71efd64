// Makes the runner of EVAL and its relatives.
//
// Scripts are kept by SHA1 for the process; each worker has its own interpreter and compiles a
// script there at its first use. SCRIPT FLUSH starts a new generation: every worker then makes a
// fresh interpreter.
#pragma once

#include <memory>

#include "engine/commands/services.h"

namespace kiln {

// `services` must outlive the runner.
std::unique_ptr<ScriptRunner> MakeScriptRunner(const Services& services);

}  // namespace kiln
