#include "control/agent/exit_diagnosis.h"

#include <fmt/format.h>
#include <signal.h>
#include <string.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "control/agent/node_command.h"

namespace kiln {
namespace {

// What a log says when a node cannot run for a reason of its machine.
struct LogClue {
  std::string_view needle;
  NodeProblem problem;
  std::string_view text;  // {0}: what it listens on. {1}: its folder.
};

// clang-format off
constexpr LogClue kLogClues[] = {
  {"Address already in use",          NodeProblem::kAddressTaken, "Another program listens on {0}: end it, or choose another port."},
  {"Cannot assign requested address", NodeProblem::kAddressTaken, "This machine has no address for {0}: add it to a network interface, or let kilnd hand out others."},
  {"No space left on device",         NodeProblem::kDiskFull,     "The disk that holds {1} is full: make some room."},
};
// clang-format on

std::string ErrnoText(int error) {
  return std::generic_category().message(error);
}

// A line of the log is "12345:M 22 Nov 2026 12:00:00.000 # text". Without the number and the time,
// the same end has the same text, however often it comes.
std::string_view WithoutLogHead(std::string_view line) {
  constexpr int kHeadWords = 6;
  size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
  if (digits == 0 || !line.substr(digits).starts_with(':')) return line;
  std::string_view rest = line;
  for (int i = 0; i < kHeadWords; ++i) {
    size_t blank = rest.find(' ');
    if (blank == std::string_view::npos) return line;
    rest.remove_prefix(blank + 1);
  }
  return rest;
}

std::string_view LastLine(std::string_view text) {
  constexpr size_t kMaxBytes = 200;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  size_t start = text.rfind('\n');
  if (start != std::string_view::npos) text.remove_prefix(start + 1);
  return WithoutLogHead(text).substr(0, kMaxBytes);
}

std::string HowItEnded(const ExitStatus& status) {
  if (status.signal == SIGKILL) {
    return "was killed, perhaps by the system for want of memory";
  }
  if (status.signal) {
    const char* name = ::sigabbrev_np(*status.signal);
    return fmt::format("was ended by signal {}{}", *status.signal,
                       name == nullptr ? "" : fmt::format(" (SIG{})", name));
  }
  if (status.code) return fmt::format("ended with exit code {}", *status.code);
  return "ended";
}

}  // namespace

Diagnosis DiagnoseExit(const ExitStatus& status, std::string_view log_tail, const NodeSpec& spec,
                       const NodeFolder& folder) {
  for (const LogClue& clue : kLogClues) {
    if (log_tail.find(clue.needle) == std::string_view::npos) continue;
    return {clue.problem,
            fmt::format(fmt::runtime(clue.text), EndpointsText({spec.listen}, ' '), folder.path())};
  }
  std::string text =
      fmt::format("Its process {}: see the logs in {}", HowItEnded(status), folder.path());
  // A signal leaves no last words.
  std::string_view last = status.signal ? "" : LastLine(log_tail);
  text += last.empty() ? "." : fmt::format(", which end with \"{}\".", last);
  return {NodeProblem::kExited, std::move(text)};
}

Diagnosis DiagnoseSpawn(int error, const std::string& program) {
  bool is_programs = error == ENOENT || error == EACCES || error == ENOEXEC || error == ENOTDIR;
  return {is_programs ? NodeProblem::kNoProgram : NodeProblem::kExited,
          fmt::format("{} cannot be run ({}): {}.", program, ErrnoText(error),
                      is_programs ? "install it there, or tell kilnd where it is"
                                  : "see what the machine is short of")};
}

Diagnosis DiagnoseFiles(int error, const NodeFolder& folder) {
  bool is_full = error == ENOSPC || error == EDQUOT;
  return {
      is_full ? NodeProblem::kDiskFull : NodeProblem::kExited,
      fmt::format("The files in {} cannot be written ({}): {}.", folder.path(), ErrnoText(error),
                  is_full ? "make some room" : "see to the rights of the folder")};
}

}  // namespace kiln
