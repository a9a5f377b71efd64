#include "engine/commands/debug_protocol.h"

#include "engine/commands/argument_cursor.h"

namespace kiln {
namespace {

void ReplyNumbers(Reply& reply) {
  for (int64_t i = 0; i < 3; ++i) reply.Integer(i);
}

void ReplyMap(Reply& reply) {
  reply.Map(3);
  for (int64_t i = 0; i < 3; ++i) {
    reply.Integer(i);
    reply.Boolean(i == 1);
  }
}

// An attribute is no reply by itself: one follows it.
void ReplyAttribute(Reply& reply) {
  if (reply.version() >= 3) {
    reply.Attribute(1);
    reply.Bulk("key-popularity");
    reply.Array(2);
    reply.Bulk("key:123");
    reply.Integer(90);
  }
  reply.Bulk("Some real reply following the attribute");
}

void ReplyPush(Reply& reply) {
  if (reply.version() < 3) return reply.Error("ERR RESP2 is not supported by this command");
  reply.Push(2);
  reply.Bulk("server-cpu-usage");
  reply.Integer(42);
  reply.Bulk("Some real reply following the push reply");
}

struct Sample {
  std::string_view type;
  void (*reply)(Reply& reply);
};

// clang-format off
constexpr Sample kSamples[] = {
  {"ARRAY",    [](Reply& reply) { reply.Array(3); ReplyNumbers(reply); }},
  {"ATTRIB",   ReplyAttribute},
  {"BIGNUM",   [](Reply& reply) { reply.BigNumber("1234567999999999999999999999999999999"); }},
  {"DOUBLE",   [](Reply& reply) { reply.Double(3.141); }},
  {"FALSE",    [](Reply& reply) { reply.Boolean(false); }},
  {"INTEGER",  [](Reply& reply) { reply.Integer(12345); }},
  {"MAP",      ReplyMap},
  {"NULL",     [](Reply& reply) { reply.Null(); }},
  {"PUSH",     ReplyPush},
  {"SET",      [](Reply& reply) { reply.Set(3); ReplyNumbers(reply); }},
  {"STRING",   [](Reply& reply) { reply.Bulk("Hello World"); }},
  {"TRUE",     [](Reply& reply) { reply.Boolean(true); }},
  {"VERBATIM", [](Reply& reply) { reply.Verbatim("txt", "This is a verbatim\nstring"); }},
};
// clang-format on

}  // namespace

bool ReplySampleOf(std::string_view type, Reply& reply) {
  for (const Sample& sample : kSamples) {
    if (!EqualsWord(type, sample.type)) continue;
    sample.reply(reply);
    return true;
  }
  return false;
}

}  // namespace kiln
