// Fuzz target: the parsers of the binary protocol and of logins understand the same whether their
// bytes come at once or in pieces, read nothing beyond them, and use up no more than there is.

#include <cstdint>
#include <string>

#include "base/check.h"
#include "protocol/feed_in_pieces.h"
#include "protocol/memcache/binary_parser.h"
#include "protocol/memcache/login_parser.h"

namespace kiln::memcache {
namespace {

template <class Parser>
std::string Understood(std::string_view bytes, size_t piece, const BinaryLimits& limits) {
  using Status = typename Parser::Status;
  Parser parser;
  std::string understood;
  FeedInPieces(parser, bytes, piece, limits, [&](Status status, const ArgumentList& arguments) {
    for (size_t i = 0; i < arguments.size(); ++i) understood.append(arguments[i]).append(1, '|');
    if (status == Status::kRefused || status == Status::kBroken) understood += parser.error();
  });
  return understood;
}

template <class Parser>
void Check(std::string_view bytes, size_t piece, const BinaryLimits& limits) {
  KILN_CHECK(Understood<Parser>(bytes, piece, limits) ==
             Understood<Parser>(bytes, bytes.size() + 1, limits));
}

}  // namespace
}  // namespace kiln::memcache

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kiln::memcache;
  if (size < 1) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  size_t piece = data[0] % 32 + 1u;
  BinaryLimits limits;
  limits.items.max_item_bytes = 2048;
  limits.has_login = (data[0] & 0x20) != 0;
  limits.authenticated = (data[0] & 0x40) == 0;
  Check<BinaryParser>(bytes, piece, limits);
  Check<LoginParser>(bytes, piece, limits);
  return 0;
}
