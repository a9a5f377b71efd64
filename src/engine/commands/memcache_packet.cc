#include "engine/commands/memcache_packet.h"

#include "protocol/memcache/binary_parser.h"

namespace kiln {
namespace {

using memcache::BinaryParser;
using memcache::BinaryStatus;
using memcache::kBinaryHeaderBytes;

char* Put(char* at, std::string_view text) {
  if (text.empty()) return at;  // memcpy takes no null pointer, not even for no bytes
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

}  // namespace

Packet::Packet(const Call& call) {
  Arguments all = call.args.all();
  std::string_view frame = all[BinaryParser::kFrame];
  header = memcache::BinaryHeader::Read(frame.data());
  opcode = memcache::FindBinaryOpcode(header.opcode);
  extras = frame.substr(kBinaryHeaderBytes);
  value = all[BinaryParser::kValue];
}

void Answer(Call& call, const Packet& request, BinaryStatus status, uint64_t cas,
            const PacketBody& body) {
  size_t body_bytes = body.extras.size() + body.key.size() + body.value.size();
  memcache::BinaryReply reply;
  reply.opcode = request.header.opcode;
  reply.status = status;
  reply.key_bytes = static_cast<uint16_t>(body.key.size());
  reply.extra_bytes = static_cast<uint8_t>(body.extras.size());
  reply.body_bytes = static_cast<uint32_t>(body_bytes);
  reply.opaque = request.header.opaque;
  reply.cas = cas;
  ByteBuffer& out = call.reply.out();
  char* at = reply.Write(out.Reserve(kBinaryHeaderBytes + body_bytes - body.value.size()));
  at = Put(at, body.extras);
  out.CommitTo(Put(at, body.key));
  out.AppendShared(body.value, body.block);
}

void AnswerDone(Call& call, const Packet& request, uint64_t cas, const PacketBody& body) {
  if (!request.is_quiet()) Answer(call, request, BinaryStatus::kOk, cas, body);
}

void AnswerError(Call& call, const Packet& request, BinaryStatus status, std::string_view text) {
  Answer(call, request, status, 0, {{}, {}, text.empty() ? memcache::TextOf(status) : text});
}

}  // namespace kiln
