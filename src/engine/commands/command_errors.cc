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

std::string SubcommandErrorText(std::string_view subcommand, std::string_view container) {
  return "ERR unknown subcommand or wrong number of arguments for '" + EchoOf(subcommand) +
         "'. Try " + std::string(container) + " HELP.";
}

std::string UntilZero(std::string_view argument) {
  return std::string(argument.substr(0, argument.find('\0')));
}

std::string EchoOf(std::string_view argument) {
  return UntilZero(argument.substr(0, kMaxEchoBytes));
}

}  // namespace kiln
