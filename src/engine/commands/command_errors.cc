#include "engine/commands/command_errors.h"

namespace kiln {
namespace {

std::string About(std::string_view problem, const Command& command) {
  std::string text(problem);
  text += " '";
  for (char c : command.name) text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text + "' command";
}

}  // namespace

std::string ArityErrorText(const Command& command) {
  return About("ERR wrong number of arguments for", command);
}

std::string ExpireTimeErrorText(const Command& command) {
  return About("ERR invalid expire time in", command);
}

}  // namespace kiln
