#include "params/command_line.h"

#include <optional>
#include <vector>

#include "base/split_args.h"
#include "params/value.h"

namespace kiln {
namespace {

bool IsOption(std::string_view arg) {
  return arg.starts_with("--");
}

// True for "--port", false for "--port 7000" in one argument.
bool IsNameOnly(std::string_view arg) {
  std::optional<std::vector<std::string>> words = SplitArgs(arg);
  return words && words->size() == 1;
}

}  // namespace

CommandLine ReadCommandLine(std::span<const std::string_view> args) {
  CommandLine line;
  size_t first = 0;
  if (!args.empty() && !args[0].starts_with('-')) {
    line.file = args[0];
    first = 1;
  }
  // An option may follow only when the one before has its value: so "--requirepass" "--x" takes
  // "--x" as the value.
  bool has_value = true;
  for (size_t i = first; i < args.size(); ++i) {
    std::string_view arg = args[i];
    bool is_last = i + 1 == args.size();
    if (arg == "-" && (i == 0 || is_last)) {
      line.has_stdin = true;
    } else if (has_value && IsOption(arg)) {
      if (!line.options.empty()) line.options += '\n';
      line.options.append(arg.substr(2)).append(" ");
      has_value = !IsNameOnly(arg);
      // A list of save points that happened to be empty.
      if (IsSameWord(arg, "--save") && (is_last || IsOption(args[i + 1]))) {
        line.options += "\"\"";
        has_value = true;
      }
    } else {
      AppendQuoted(arg, &line.options);
      line.options += ' ';
      has_value = true;
    }
  }
  return line;
}

}  // namespace kiln
