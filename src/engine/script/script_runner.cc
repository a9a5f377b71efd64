#include "engine/script/script_runner.h"

namespace kiln {

std::unique_ptr<ScriptRunner> MakeScriptRunner(const Services&) { return nullptr; }

}  // namespace kiln
