#include "protocol/memcache/binary_parser.h"

#include <algorithm>

namespace kiln::memcache {
namespace {

bool Fits(BinaryPart part, size_t bytes) {
  return part == BinaryPart::kMay || (part == BinaryPart::kMust) == (bytes > 0);
}

bool Fits(const BinaryOpcode& opcode, const BinaryHeader& header) {
  bool has_extras = header.extra_bytes > 0;
  size_t value_bytes = header.body_bytes - header.key_bytes - header.extra_bytes;
  return Fits(opcode.extras, header.extra_bytes) &&
         (!has_extras || header.extra_bytes == opcode.extra_bytes) &&
         Fits(opcode.key, header.key_bytes) && Fits(opcode.value, value_bytes);
}

bool MayComeFirst(uint8_t code) {
  constexpr uint8_t kVersion = 0x0b;
  const BinaryOpcode* opcode = FindBinaryOpcode(code);
  return code == kVersion || (opcode != nullptr && opcode->is_login);
}

// The client flags of what stores an item; they count towards its size.
uint32_t FlagsOf(const BinaryOpcode& opcode, std::string_view frame) {
  return opcode.extra_bytes == 0 ? 0 : ReadBig32(frame.data() + kBinaryHeaderBytes);
}

}  // namespace

BinaryParser::Status BinaryParser::Parse(std::string_view bytes, const BinaryLimits& limits,
                                         ArgumentList* arguments, size_t* consumed) {
  missing_bytes_ = 0;
  if (skip_bytes_ > 0) [[unlikely]] {
    *consumed = std::min(skip_bytes_, bytes.size());
    skip_bytes_ -= *consumed;
    return Status::kComplete;
  }
  if (static_cast<uint8_t>(bytes[0]) != kBinaryRequestMagic) return Break(BinaryStatus::kOk);
  if (bytes.size() < kBinaryHeaderBytes) return Wait(0);
  header_ = BinaryHeader::Read(bytes.data());
  const BinaryHeader& header = header_;
  if (uint32_t{header.key_bytes} + header.extra_bytes > header.body_bytes)
    return Break(BinaryStatus::kUnknownCommand);
  if (!limits.authenticated && !MayComeFirst(header.opcode)) return Break(BinaryStatus::kAuthError);
  if (header.key_bytes > kMaxKeyBytes) return Break(BinaryStatus::kBadArguments);
  const BinaryOpcode* opcode = FindBinaryOpcode(header.opcode);
  if (opcode == nullptr) return Refuse(BinaryStatus::kUnknownCommand, header.body_bytes, consumed);
  if (!Fits(*opcode, header)) return Break(BinaryStatus::kBadArguments);
  if (opcode->is_login) {
    if (!limits.has_login)
      return Refuse(BinaryStatus::kUnknownCommand, header.body_bytes, consumed);
    if (header.key_bytes > kMaxMechanismBytes)
      return Refuse(BinaryStatus::kBadArguments, header.body_bytes, consumed);
    if (header.body_bytes > kMaxLoginBytes)
      return Refuse(BinaryStatus::kOutOfMemory, header.body_bytes, consumed);
  }
  return Take(bytes, *opcode, limits, arguments, consumed);
}

BinaryParser::Status BinaryParser::Take(std::string_view bytes, const BinaryOpcode& opcode,
                                        const BinaryLimits& limits, ArgumentList* arguments,
                                        size_t* consumed) {
  size_t frame_bytes = kBinaryHeaderBytes + header_.extra_bytes;
  size_t head_bytes = frame_bytes + header_.key_bytes;
  size_t all_bytes = kBinaryHeaderBytes + header_.body_bytes;
  if (bytes.size() < head_bytes) return Wait(all_bytes - bytes.size());
  std::string_view frame = bytes.substr(0, frame_bytes);
  size_t value_bytes = all_bytes - head_bytes;
  bool is_too_large =
      value_bytes > 0 && ItemBytes(header_.key_bytes, FlagsOf(opcode, frame), value_bytes,
                                   limits.items.has_cas) > limits.items.max_item_bytes;
  if (!is_too_large && bytes.size() < all_bytes) return Wait(all_bytes - bytes.size());
  std::string_view* words = arguments->Room(kArguments);
  words[kName] = opcode.command;
  words[kKey] = bytes.substr(frame_bytes, header_.key_bytes);
  words[kFrame] = frame;
  words[kValue] = is_too_large ? std::string_view() : bytes.substr(head_bytes, value_bytes);
  arguments->Extend(kArguments);
  skip_bytes_ = is_too_large ? value_bytes : 0;
  *consumed = is_too_large ? head_bytes : all_bytes;
  return Status::kComplete;
}

BinaryParser::Status BinaryParser::Wait(size_t missing_bytes) {
  missing_bytes_ = missing_bytes;
  return Status::kIncomplete;
}

BinaryParser::Status BinaryParser::Break(BinaryStatus status) {
  error_ = status;
  return Status::kBroken;
}

BinaryParser::Status BinaryParser::Refuse(BinaryStatus status, size_t skip_bytes,
                                          size_t* consumed) {
  error_ = status;
  skip_bytes_ = skip_bytes;
  *consumed = kBinaryHeaderBytes;
  return Status::kRefused;
}

std::string BinaryParser::error() const {
  if (error_ == BinaryStatus::kOk) return {};
  std::string_view text = TextOf(error_);
  BinaryReply reply;
  reply.opcode = header_.opcode;
  reply.status = error_;
  reply.body_bytes = static_cast<uint32_t>(text.size());
  reply.opaque = header_.opaque;
  char head[kBinaryHeaderBytes];
  reply.Write(head);
  return std::string(head, sizeof(head)).append(text);
}

}  // namespace kiln::memcache
