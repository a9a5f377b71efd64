#include "engine/commands/help.h"

#include <string>

namespace kiln {

void ReplyHelp(Call& call, std::span<const std::string_view> lines) {
  std::string container(call.command.name.substr(0, call.command.name.find('|')));
  call.reply.Array(lines.size() + 3);
  call.reply.Simple(container + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (std::string_view line : lines) call.reply.Simple(line);
  call.reply.Simple("HELP");
  call.reply.Simple("    Print this help.");
}

}  // namespace kiln
