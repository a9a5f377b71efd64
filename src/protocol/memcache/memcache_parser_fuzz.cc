// Fuzz target: the parser understands the same whether its bytes come at once or in pieces, reads
// nothing beyond them, and uses up no more than there is.

#include <cstdint>
#include <string>

#include "base/check.h"
#include "protocol/feed_in_pieces.h"
#include "protocol/memcache/request_parser.h"

namespace kiln::memcache {
namespace {

std::string Understood(std::string_view bytes, size_t piece) {
  using Status = RequestParser::Status;
  RequestLimits limits;
  limits.max_item_bytes = 2048;
  RequestParser parser;
  std::string understood;
  FeedInPieces(parser, bytes, piece, limits, [&](Status status, const ArgumentList& arguments) {
    if (status == Status::kBroken) return;
    for (size_t i = 0; i < arguments.size(); ++i) understood.append(arguments[i]).append(1, '|');
    if (status == Status::kRefused) understood += parser.error();
  });
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
