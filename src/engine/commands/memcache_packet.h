// Requests and replies of memcached's binary protocol, as its commands see them.
//
// The parser (protocol/memcache/binary_parser.h) has checked what the request carries. Pure; any
// thread. Source: memcached 1.6.18.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/commands/call.h"
#include "protocol/memcache/binary.h"

namespace kiln {

struct Packet {
  explicit Packet(const Call& call);

  memcache::BinaryHeader header;
  const memcache::BinaryOpcode* opcode;
  std::string_view extras;
  std::string_view value;  // a null view: it was too large, and has been skipped

  bool is_quiet() const { return opcode->is_quiet; }
  bool is_too_large() const { return value.data() == nullptr; }
};

struct PacketBody {
  std::string_view extras;
  std::string_view key;
  std::string_view value;
  SharedBlock* block = nullptr;  // that the value lies in, if any
};

void Answer(Call& call, const Packet& request, memcache::BinaryStatus status, uint64_t cas,
            const PacketBody& body);
// It went as usual, of which a quiet request wants to hear nothing.
void AnswerDone(Call& call, const Packet& request, uint64_t cas, const PacketBody& body = {});
// It did not, of which quiet requests hear too. The status says why, or `text`.
void AnswerError(Call& call, const Packet& request, memcache::BinaryStatus status,
                 std::string_view text = {});

}  // namespace kiln
