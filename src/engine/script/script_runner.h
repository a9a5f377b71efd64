// Makes the runner of EVAL and its relatives.
#pragma once

#include <memory>

#include "engine/commands/services.h"

namespace kiln {

// `services` must outlive the runner.
std::unique_ptr<ScriptRunner> MakeScriptRunner(const Services& services);

}  // namespace kiln
