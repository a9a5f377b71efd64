// The verb "config" of ElastiCache's memcached: what clients ask to find the nodes of the cluster.
//
// The parser has checked a line of "config set" and left the data block in place of the word that
// gave its length. "config set" and "config delete" are found by clients of the admin socket alone
// (see CommandTable::Restrict); to the others they are an ERROR, as any unknown verb. Source: as
// discovery.h.

#include <fmt/format.h>

#include "engine/commands/call.h"
#include "engine/commands/discovery.h"
#include "engine/commands/groups.h"
#include "engine/commands/memcache_counters.h"
#include "engine/commands/services.h"
#include "protocol/memcache/number.h"

namespace kiln {
namespace {

// config get key
void ConfigGet(Call& call) {
  std::string_view key = call.args.Text();
  ++call.services.memcache->config_gets;
  const Discovery::Entry* entry = call.services.discovery->Find(key);
  if (entry != nullptr) {
    call.reply.Raw(fmt::format("CONFIG {} {} {}\r\n", key, entry->flags, entry->text.size()));
    call.reply.Raw(entry->text);
    call.reply.Raw("\r\n");
  }
  call.reply.Raw("END\r\n");
}

std::string_view SetText(Call& call, std::string_view key, uint32_t flags, std::string_view block) {
  if (block.empty()) return "SERVER_ERROR object too large for cache\r\n";
  if (!block.ends_with("\r\n")) return "CLIENT_ERROR bad data chunk\r\n";
  ++call.services.memcache->config_sets;
  block.remove_suffix(2);
  return call.services.discovery->Set(key, flags, block) ? "STORED\r\n"
                                                         : "SERVER_ERROR too many configs\r\n";
}

// config set key flags bytes [noreply]
void ConfigSet(Call& call) {
  Arguments words = call.args.Rest();
  uint32_t flags = 0;
  memcache::ReadUint32(words[1], &flags);
  std::string_view line = SetText(call, words[0], flags, words[2]);
  if (words.back() != "noreply") call.reply.Raw(line);
}

// config delete key
void ConfigDelete(Call& call) {
  bool found = call.services.discovery->Delete(call.args.Text());
  call.reply.Raw(found ? "DELETED\r\n" : "NOT_FOUND\r\n");
}

// clang-format off
constexpr Command kMemcacheConfigCommands[] = {
  // name           arity  keys          flags           acl         handler       since    usage                           summary
  {"config",        -2,    Keys::None(), kContainer,     Acl::kNone, nullptr,      "1.4.5", "",                             "A container for commands about the cluster."},
  {"config|delete", 3,     Keys::None(), kGate,          Acl::kNone, ConfigDelete, "1.4.5", "key",                          "Forgets a text."},
  {"config|get",    3,     Keys::None(), kFast,          Acl::kNone, ConfigGet,    "1.4.5", "key",                          "Returns a text, such as the nodes of the cluster."},
  {"config|set",    -5,    Keys::None(), kGate,          Acl::kNone, ConfigSet,    "1.4.5", "key flags bytes [noreply]",    "Sets a text."},
};
// clang-format on
static_assert(WellFormed(kMemcacheConfigCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> MemcacheConfigCommands() {
  return kMemcacheConfigCommands;
}

}  // namespace kiln
