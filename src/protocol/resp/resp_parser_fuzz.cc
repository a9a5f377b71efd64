// Fuzz target: the parser understands the same whether its bytes come at once or in pieces, reads
// nothing beyond them, and uses up no more than there is.

#include <cstdint>
#include <string>

#include "base/check.h"
#include "protocol/feed_in_pieces.h"
#include "protocol/resp/request_parser.h"

namespace kiln {
namespace {

std::string Understood(std::string_view bytes, size_t piece, const RequestLimits& limits) {
  using Status = RequestParser::Status;
  RequestParser parser;
  std::string understood;
  FeedInPieces(parser, bytes, piece, limits, [&](Status status, const ArgumentList& arguments) {
    for (size_t i = 0; i < arguments.size(); ++i) understood.append(arguments[i]).append(1, '|');
    if (status == Status::kBroken) understood += parser.error();
  });
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
