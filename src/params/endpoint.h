// Endpoint: an address and port as one word, "10.0.0.1:6379", "[::1]:6379" or "name:6379".
//
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kiln {

struct Endpoint {
  std::string address;  // without brackets
  uint16_t port = 0;    // never 0
};

// Nothing when the word is none. A colon within the address must stand in brackets.
std::optional<Endpoint> ParseEndpoint(std::string_view word);

}  // namespace kiln
