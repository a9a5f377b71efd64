// Why a node does not run, and what to do about it, from what its process left behind.
//
// Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "control/agent/node_folder.h"
#include "control/model/node_spec.h"

namespace kiln {

// How a process ended. The default: not known, for the process was somebody else's child.
struct ExitStatus {
  std::optional<int> code;
  std::optional<int> signal;
};

struct Diagnosis {
  NodeProblem problem = NodeProblem::kExited;
  std::string text;  // One sentence.
};

// `log_tail`: what the process logged last.
Diagnosis DiagnoseExit(const ExitStatus& status, std::string_view log_tail, const NodeSpec& spec,
                       const NodeFolder& folder);

// The program could not be started. `error` is an errno.
Diagnosis DiagnoseSpawn(int error, const std::string& program);

// The files of the folder could not be written. `error` is an errno.
Diagnosis DiagnoseFiles(int error, const NodeFolder& folder);

}  // namespace kiln
