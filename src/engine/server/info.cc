#include "engine/server/server.h"

namespace kiln {

std::string Server::Info(std::span<const std::string_view>) {
  return "# Server\r\nredis_version:7.2.4\r\n";
}

}  // namespace kiln
