// Fuzz target: the parser understands the same whether its bytes come at once or in pieces, reads
// nothing beyond them, and uses up no more than there is.

#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "protocol/resp/request_parser.h"

namespace kiln {
namespace {

std::string Understood(std::string_view bytes, size_t piece, const RequestLimits& limits) {
  RequestParser parser;
  std::string understood;
  std::string input;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    input += bytes.substr(at, piece);
    while (!input.empty()) {
      std::vector<char> exact(input.begin(), input.end());
      ArgumentList arguments;
      size_t consumed = 0;
      auto status = parser.Parse({exact.data(), exact.size()}, limits, &arguments, &consumed);
      if (status == RequestParser::Status::kBroken) return understood + parser.error();
      if (status == RequestParser::Status::kIncomplete) break;
      KILN_CHECK(consumed > 0 && consumed <= input.size());
      for (size_t i = 0; i < arguments.size(); ++i) understood.append(arguments[i]).append(1, '|');
      input.erase(0, consumed);
    }
  }
  return understood;
}

}  // namespace
}  // namespace kiln

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kLongInput = 60000;  // beyond, limits on lines may be noticed sooner in pieces
  if (size < 1 || size > kLongInput) return 0;
  kiln::RequestLimits limits;
  limits.authenticated = data[0] & 0x80;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  size_t piece = data[0] % 32 + 1u;
  KILN_CHECK(kiln::Understood(bytes, piece, limits) ==
             kiln::Understood(bytes, bytes.size() + 1, limits));
  return 0;
}
