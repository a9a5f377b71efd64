// Fuzz target: the parser understands the same whether its bytes come at once or in pieces, reads
// nothing beyond them, and uses up no more than there is.

#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "protocol/memcache/request_parser.h"

namespace kiln::memcache {
namespace {

std::string Understood(std::string_view bytes, size_t piece) {
  RequestLimits limits;
  limits.max_item_bytes = 2048;
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
      if (status == RequestParser::Status::kBroken) return understood;
      KILN_CHECK(consumed <= input.size());
      KILN_CHECK((status == RequestParser::Status::kIncomplete) == (consumed == 0));
      if (consumed == 0) break;
      for (size_t i = 0; i < arguments.size(); ++i) understood.append(arguments[i]).append(1, '|');
      if (status == RequestParser::Status::kRefused) understood += parser.error();
      input.erase(0, consumed);
    }
  }
  return understood;
}

}  // namespace
}  // namespace kiln::memcache

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  size_t piece = data[0] % 32 + 1u;
  std::string pieces = kiln::memcache::Understood(bytes, piece);
  // A line that grew too long may be noticed sooner in pieces; all that was understood before must
  // agree.
  std::string whole = kiln::memcache::Understood(bytes, bytes.size() + 1);
  KILN_CHECK(whole.starts_with(pieces));
  return 0;
}
