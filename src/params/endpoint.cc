#include "params/endpoint.h"

#include "base/number.h"

namespace kiln {

std::optional<Endpoint> ParseEndpoint(std::string_view word) {
  size_t colon = word.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view address = word.substr(0, colon);
  bool has_brackets = address.size() > 2 && address.front() == '[' && address.back() == ']';
  if (has_brackets) {
    address = address.substr(1, address.size() - 2);
  } else if (address.find_first_of(":[]") != std::string_view::npos) {
    return std::nullopt;
  }
  std::optional<uint64_t> port = ParseUint64(word.substr(colon + 1));
  if (address.empty() || !port || *port == 0 || *port > UINT16_MAX) return std::nullopt;
  return Endpoint{std::string(address), static_cast<uint16_t>(*port)};
}

}  // namespace kiln
