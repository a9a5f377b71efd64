// Publish and subscribe. The registry (pubsub_registry.h) knows who listens; a client knows its own
// channels.

#include "engine/commands/call.h"
#include "engine/commands/command_errors.h"
#include "engine/commands/groups.h"
#include "engine/commands/help.h"
#include "engine/commands/pubsub_registry.h"
#include "engine/commands/replication.h"
#include "engine/commands/services.h"
#include "engine/commands/subscriptions.h"

namespace kiln {
namespace {

using Kind = PubSub::Kind;
using NameSet = std::set<std::string, std::less<>>;

NameSet& NamesOf(Client& client, Kind kind) {
  switch (kind) {
    case Kind::kPattern:
      return client.subscriptions.patterns;
    case Kind::kShard:
      return client.subscriptions.shard_channels;
    case Kind::kChannel:
      break;
  }
  return client.subscriptions.channels;
}

// Shard channels are counted apart.
size_t CountOf(const Client& client, Kind kind) {
  return kind == Kind::kShard ? client.subscriptions.shard_channels.size()
                              : client.subscriptions.count();
}

void Confirm(Call& call, Kind kind, std::string_view word, const std::string_view* name) {
  call.reply.Push(3);
  call.reply.Bulk(word);
  name != nullptr ? call.reply.Bulk(*name) : call.reply.Null();
  call.reply.Integer(static_cast<int64_t>(CountOf(call.client, kind)));
}

void SubscribeTo(Call& call, Kind kind, std::string_view word) {
  for (std::string_view name : call.args.Rest()) {
    if (NamesOf(call.client, kind).emplace(name).second)
      call.services.pubsub->Subscribe(kind, name, call.client);
    Confirm(call, kind, word, &name);
  }
}

void UnsubscribeFrom(Call& call, Kind kind, std::string_view word) {
  NameSet& names = NamesOf(call.client, kind);
  Arguments given = call.args.Rest();
  std::vector<std::string> all;
  std::vector<std::string_view> leaving(given.begin(), given.end());
  if (given.empty()) {
    all.assign(names.begin(), names.end());
    leaving.assign(all.begin(), all.end());
  }
  for (std::string_view name : leaving) {
    auto found = names.find(name);
    if (found != names.end()) {
      names.erase(found);
      call.services.pubsub->Unsubscribe(kind, name, call.client);
    }
    Confirm(call, kind, word, &name);
  }
  if (leaving.empty()) Confirm(call, kind, word, nullptr);
}

// SUBSCRIBE channel [channel ...]
void Subscribe(Call& call) {
  SubscribeTo(call, Kind::kChannel, "subscribe");
}
// PSUBSCRIBE pattern [pattern ...]
void PSubscribe(Call& call) {
  SubscribeTo(call, Kind::kPattern, "psubscribe");
}
// SSUBSCRIBE shardchannel [shardchannel ...]
void SSubscribe(Call& call) {
  SubscribeTo(call, Kind::kShard, "ssubscribe");
}
// UNSUBSCRIBE [channel [channel ...]]
void Unsubscribe(Call& call) {
  UnsubscribeFrom(call, Kind::kChannel, "unsubscribe");
}
// PUNSUBSCRIBE [pattern [pattern ...]]
void PUnsubscribe(Call& call) {
  UnsubscribeFrom(call, Kind::kPattern, "punsubscribe");
}
// SUNSUBSCRIBE [shardchannel [shardchannel ...]]
void SUnsubscribe(Call& call) {
  UnsubscribeFrom(call, Kind::kShard, "sunsubscribe");
}

// A publisher that listens itself gets its message right behind the reply. Inside EXEC or a script
// the reply is not complete yet: there the message comes through the mailbox like everyone's.
// Those who listen to a replica hear it too.
[[gnu::noinline]] void Replicate(Call& call, bool to_shard, std::string_view channel,
                                 std::string_view message) {
  if (call.services.replication->HasReplicas())
    call.ReplayAs({to_shard ? "SPUBLISH" : "PUBLISH", channel, message});
}

void PublishTo(Call& call, bool to_shard) {
  std::string_view channel = call.args.Text();
  std::string_view message = call.args.Text();
  bool listens =
      call.client.subscriptions.any() && !call.covered && call.client.reply_mode == ReplyMode::kOn;
  PubSub::Own own{call.client.handle.id, {}};
  size_t receivers =
      to_shard ? call.services.pubsub->PublishShard(channel, message, listens ? &own : nullptr)
               : call.services.pubsub->Publish(channel, message, listens ? &own : nullptr);
  call.reply.Integer(static_cast<int64_t>(receivers));
  call.reply.Raw(own.messages);
  if (call.is_journaled()) [[unlikely]]
    Replicate(call, to_shard, channel, message);
}

// PUBLISH channel message
void Publish(Call& call) {
  PublishTo(call, false);
}
// SPUBLISH shardchannel message
void SPublish(Call& call) {
  PublishTo(call, true);
}

void ReplyNames(Call& call, Kind kind) {
  Arguments patterns = call.args.Rest();
  if (patterns.size() > 1) {
    return call.FailText(SubcommandErrorText(call.args.all()[1], "PUBSUB"));
  }
  auto names = patterns.empty() ? call.services.pubsub->Names(kind)
                                : call.services.pubsub->Names(kind, patterns[0]);
  call.reply.Array(names.size());
  for (const std::string& name : names) call.reply.Bulk(name);
}

void ReplyCounts(Call& call, Kind kind) {
  Arguments names = call.args.Rest();
  call.reply.Array(names.size() * 2);
  for (std::string_view name : names) {
    call.reply.Bulk(name);
    call.reply.Integer(static_cast<int64_t>(call.services.pubsub->CountListeners(kind, name)));
  }
}

// PUBSUB CHANNELS [pattern]
void PubSubChannels(Call& call) {
  ReplyNames(call, Kind::kChannel);
}
// PUBSUB SHARDCHANNELS [pattern]
void PubSubShardChannels(Call& call) {
  ReplyNames(call, Kind::kShard);
}
// PUBSUB NUMSUB [channel [channel ...]]
void PubSubNumSub(Call& call) {
  ReplyCounts(call, Kind::kChannel);
}
// PUBSUB SHARDNUMSUB [shardchannel [shardchannel ...]]
void PubSubShardNumSub(Call& call) {
  ReplyCounts(call, Kind::kShard);
}
// PUBSUB NUMPAT
void PubSubNumPat(Call& call) {
  call.reply.Integer(static_cast<int64_t>(call.services.pubsub->CountNames(Kind::kPattern)));
}

// PUBSUB HELP
void PubSubHelp(Call& call) {
  constexpr std::string_view kLines[] = {
      "CHANNELS [<pattern>]",
      "    The channels with listeners that match <pattern> (default: '*').",
      "NUMPAT",
      "    The number of patterns listened to.",
      "NUMSUB [<channel> ...]",
      "    The number of listeners of each channel, patterns not counted.",
      "SHARDCHANNELS [<pattern>]",
      "    The shard channels with listeners that match <pattern> (default: '*').",
      "SHARDNUMSUB [<shardchannel> ...]",
      "    The number of listeners of each shard channel.",
  };
  ReplyHelp(call, kLines);
}

constexpr uint32_t kListen = kPubSub | kNoScript | kLoading | kStale;
constexpr uint32_t kSend = kPubSub | kLoading | kStale | kFast | kMayReplicate;
constexpr uint32_t kAsk = kPubSub | kLoading | kStale;

// clang-format off
constexpr Command kPubSubCommands[] = {
  // name                   arity  keys          flags             acl         handler               since    usage                   summary
  {"PSUBSCRIBE",            -2,    Keys::None(), kListen,          Acl::kNone, PSubscribe,           "2.0.0", "pattern...",           "Listens to the channels that match patterns."},
  {"PUBLISH",               3,     Keys::None(), kSend,            Acl::kNone, Publish,              "2.0.0", "channel message",      "Sends a message to a channel."},
  {"PUBSUB",                -2,    Keys::None(), kContainer,       Acl::kNone, nullptr,              "2.8.0", "",                     "A container for commands about channels and their listeners."},
  {"PUBSUB|CHANNELS",       -2,    Keys::None(), kAsk,             Acl::kNone, PubSubChannels,       "2.8.0", "[pattern]",            "Returns the channels with listeners."},
  {"PUBSUB|HELP",           2,     Keys::None(), kLoading | kStale, Acl::kNone, PubSubHelp,          "6.2.0", "",                     "Describes the subcommands."},
  {"PUBSUB|NUMPAT",         2,     Keys::None(), kAsk,             Acl::kNone, PubSubNumPat,         "2.8.0", "",                     "Returns the number of patterns listened to."},
  {"PUBSUB|NUMSUB",         -2,    Keys::None(), kAsk,             Acl::kNone, PubSubNumSub,         "2.8.0", "[channel...]",         "Returns the number of listeners of channels."},
  {"PUBSUB|SHARDCHANNELS",  -2,    Keys::None(), kAsk,             Acl::kNone, PubSubShardChannels,  "7.0.0", "[pattern]",            "Returns the shard channels with listeners."},
  {"PUBSUB|SHARDNUMSUB",    -2,    Keys::None(), kAsk,             Acl::kNone, PubSubShardNumSub,    "7.0.0", "[shardchannel...]",    "Returns the number of listeners of shard channels."},
  {"PUNSUBSCRIBE",          -1,    Keys::None(), kListen,          Acl::kNone, PUnsubscribe,         "2.0.0", "[pattern...]",         "Stops listening to patterns."},
  {"SPUBLISH",              3,     Keys::None(), kSend,            Acl::kNone, SPublish,             "7.0.0", "shardchannel message", "Sends a message to a shard channel."},
  {"SSUBSCRIBE",            -2,    Keys::None(), kListen,          Acl::kNone, SSubscribe,           "7.0.0", "shardchannel...",      "Listens to shard channels."},
  {"SUBSCRIBE",             -2,    Keys::None(), kListen,          Acl::kNone, Subscribe,            "2.0.0", "channel...",           "Listens to channels."},
  {"SUNSUBSCRIBE",          -1,    Keys::None(), kListen,          Acl::kNone, SUnsubscribe,         "7.0.0", "[shardchannel...]",    "Stops listening to shard channels."},
  {"UNSUBSCRIBE",           -1,    Keys::None(), kListen,          Acl::kNone, Unsubscribe,          "2.0.0", "[channel...]",         "Stops listening to channels."},
};
// clang-format on
static_assert(WellFormed(kPubSubCommands),
              "rows must be sorted, described, and not both read and write");

constexpr Kind kKinds[] = {Kind::kChannel, Kind::kPattern, Kind::kShard};

}  // namespace

void LeaveAllChannels(Call& call) {
  for (Kind kind : kKinds) {
    for (const std::string& name : NamesOf(call.client, kind)) {
      call.services.pubsub->Unsubscribe(kind, name, call.client);
    }
    NamesOf(call.client, kind).clear();
  }
}

void RenewSubscriptions(Call& call) {
  for (Kind kind : kKinds) {
    for (const std::string& name : NamesOf(call.client, kind)) {
      call.services.pubsub->Subscribe(kind, name, call.client);
    }
  }
}

std::span<const Command> PubSubCommands() {
  return kPubSubCommands;
}

}  // namespace kiln
